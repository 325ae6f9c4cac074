"""Mission's own sums by fund and month: the proof where Mission gives totals but no records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from migrate_etl.verify.cube import MONTH_KEYS
from migrate_etl.verify.money import amount, cents
from migrate_etl.verify.variance import EXCEPTION_SCHEMA
from migrate_etl.verify.walk import Sums

TOTALS_SCHEMA = pl.Schema({
    "external_fund_id": pl.String(), "fund_id": pl.Int64(), "year": pl.Int32(), "month": pl.Int8(),
    "count": pl.Int64(), "cents": pl.Int64(),
})  # fmt: skip
"""`fund_id` is Rock's, null for a fund that is not Rock's."""


def totals_frame(by_fund_month: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """`contributions.by_fund_month` of Mission's totals answer as TOTALS_SCHEMA.

    Raises a polars error where the answer breaks the contract.
    """
    texts = {"external_fund_id": pl.String, "year": pl.Int32, "month": pl.Int8, "count": pl.Int64, "sum": pl.String}
    rows = pl.DataFrame(list(by_fund_month), schema=texts).with_columns(pl.col("sum").cast(pl.Decimal(18, 2)))
    fund = pl.col("external_fund_id").str.extract(r"^rock:fund:([1-9][0-9]{0,9})$", 1).cast(pl.Int64)
    named = rows.with_columns(fund.alias("fund_id"), cents("sum").alias("cents"))
    return named.select(list(TOTALS_SCHEMA)).cast(TOTALS_SCHEMA)


def totals_difference(accepted: pl.DataFrame, totals: pl.DataFrame) -> tuple[Sums, pl.DataFrame]:
    """Mission's total, and its month cells that are not what it accepted, as exceptions of kind `cell`.

    `accepted` has MONTH_KEYS, count, cents. A fund that is not Rock's holds gifts of Mission's own: not from Rock.
    """
    total = Sums(int(totals["count"].sum()), int(totals["cents"].sum()))
    keys = list(MONTH_KEYS)
    foreign = totals.filter(pl.col("fund_id").is_null() & pl.col("external_fund_id").is_not_null())
    ours = totals.filter(pl.col("fund_id").is_not_null() | pl.col("external_fund_id").is_null())
    sums = ours.group_by(keys).agg(pl.col("count").sum(), pl.col("cents").sum())
    both = accepted.join(sums, on=keys, how="full", coalesce=True, nulls_equal=True, suffix="_mission")
    nothing = both.with_columns(pl.col("count", "cents", "count_mission", "cents_mission").fill_null(0))
    off = (pl.col("cents") != pl.col("cents_mission")) | (pl.col("count") != pl.col("count_mission"))
    cells = [
        _cells(nothing.filter(off), "unexplained"),
        _cells(foreign.select(*keys, cents=pl.lit(0, pl.Int64), cents_mission="cents"), "not_from_rock"),
    ]
    return total, pl.concat(cells)


def _cells(rows: pl.DataFrame, line: str) -> pl.DataFrame:
    month = pl.format("{}-{}", pl.col("year"), pl.col("month").cast(pl.String).str.zfill(2))
    named = rows.with_columns(effect_cents=pl.col("cents") - pl.col("cents_mission")).select(
        line=pl.lit(line),
        kind=pl.lit("cell"),
        fields=pl.coalesce(month, pl.lit("undated")),
        effect=amount("effect_cents"),
        rock_amount=amount("cents"),
        mission_amount=amount("cents_mission"),
        rock_fund_id="fund_id",
        mission_fund_id="fund_id",
    )
    blanks = [pl.lit(None, kind).alias(name) for name, kind in EXCEPTION_SCHEMA.items() if name not in named.columns]
    return named.with_columns(blanks).select(list(EXCEPTION_SCHEMA)).cast(EXCEPTION_SCHEMA)
