"""Rock asked anew against what was extracted: pages lost or doubled while reading, and rows that changed meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from migrate_etl.dataset import Dataset
from migrate_etl.verify.cube import MONTH_KEYS
from migrate_etl.verify.money import cents
from migrate_etl.verify.rock_totals import CONTRIBUTION, RockAnew

CHANGE_SCHEMA = pl.Schema({
    "id": pl.Int64(), "line": pl.String(), "kind": pl.String(), "rock_cents": pl.Int64(), "extract_cents": pl.Int64(),
    "fund_id": pl.Int64(), "year": pl.Int32(), "month": pl.Int8(),
})  # fmt: skip
"""A contribution that Rock has otherwise now than the extract. `line` is `extraction` or `changed`; `kind` is one of

lost      Rock has it, unchanged since before the run, and the extract does not
doubled   the extract has it more than once
new       it came to Rock, or became a contribution, during the run
removed   the extract has it, and Rock no longer does, not as a contribution
changed   amount, fund or month are not what was extracted

Null cents: that side does not have the record as a contribution."""


@dataclass(frozen=True, slots=True)
class RockNow:
    """Rock's all-time total by its own sums, and every contribution that the extract has otherwise."""

    total_cents: int
    total_count: int
    changes: pl.DataFrame
    """CHANGE_SCHEMA, records up to the high-water mark."""
    later_cents: int
    later_count: int
    """Contributions above the high-water mark: they came after the scan."""
    other_types: pl.DataFrame
    """type (GUID), count, cents of details that are no contributions."""


def ask_rock(
    rock: RockAnew,
    totals: pl.DataFrame,
    extracted: pl.DataFrame,
    doubled: pl.DataFrame,
    mapped: Sequence[Dataset],
    started: datetime,
) -> RockNow:
    """Hold Rock's own `totals` against the extract, and ask Rock for what differs, down to the record.

    `extracted` has the extract's contribution cells (MONTH_KEYS, count, cents; each id once), `doubled` the records
    (id, cents, fund_id, year, month) it has more than once. `started` is the start of the run in Rock's local time.
    """
    gifts = totals.filter(pl.col("type").str.to_lowercase().eq_missing(CONTRIBUTION))
    earlier, later = gifts.filter(~pl.col("later")), gifts.filter(pl.col("later"))
    others = totals.filter(pl.col("type").str.to_lowercase().ne_missing(CONTRIBUTION))
    cells = _differing(extracted, earlier)
    now = rock.in_cells(cells) if cells.height else None
    total = earlier if now is None else earlier.join(cells, on=MONTH_KEYS, how="anti", nulls_equal=True)
    changes = [_doubled(doubled)] if now is None else [_doubled(doubled), _changes(now, cells, mapped, rock, started)]
    return RockNow(
        total_cents=_sum(total, "cents") + _sum(later, "cents") + (0 if now is None else _sum(now, "cents")),
        total_count=_sum(total, "count") + _sum(later, "count") + (0 if now is None else now.height),
        changes=pl.concat(changes),
        later_cents=_sum(later, "cents"),
        later_count=_sum(later, "count"),
        other_types=others.group_by("type").agg(pl.col("count").sum(), pl.col("cents").sum()).sort("type"),
    )


def _sum(frame: pl.DataFrame, column: str) -> int:
    return int(frame[column].sum())


def _differing(extracted: pl.DataFrame, anew: pl.DataFrame) -> pl.DataFrame:
    """The cells (MONTH_KEYS) in which Rock's own count or sum is not the extract's."""
    keys = list(MONTH_KEYS)
    rock = anew.group_by(keys).agg(pl.col("count").sum(), pl.col("cents").sum())
    both = rock.join(extracted, on=keys, how="full", coalesce=True, nulls_equal=True, suffix="_extracted")
    other = pl.col("count").ne_missing(pl.col("count_extracted")) | pl.col("cents").ne_missing(
        pl.col("cents_extracted")
    )
    return both.filter(other).select(keys)


def _changes(
    now: pl.DataFrame, cells: pl.DataFrame, mapped: Sequence[Dataset], rock: RockAnew, started: datetime
) -> pl.DataFrame:
    then = _extracted(mapped, lambda rows: _in_cells(rows, cells))
    strangers = now.join(then, on="id", how="anti").select("id")
    elsewhere = _extracted(mapped, lambda rows: rows.join(strangers, on="id", how="semi"))
    gone = then.join(now, on="id", how="anti")["id"]
    now = pl.concat([now, rock.with_ids(gone)]).unique("id")
    both = pl.concat([then, elsewhere]).join(now, on="id", how="full", coalesce=True, suffix="_now")
    return _judged(both, started)


def _extracted(mapped: Sequence[Dataset], wanted: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    """The wanted rows of the extract, each id once; `giving` says whether it was a contribution then."""
    columns = ["id", "skip", "_fund_id", "_year", "_month", "_amount"]
    found = []
    for dataset in mapped:
        for chunk in dataset.chunks(columns):
            rows = chunk.select(
                "id",
                pl.col("skip").ne_missing(pl.lit("transaction_type")).alias("giving"),
                pl.col("_fund_id").cast(pl.Int64).alias("fund_id"),
                pl.col("_year").cast(pl.Int32).alias("year"),
                pl.col("_month").cast(pl.Int8).alias("month"),
                cents("_amount").alias("cents"),
            )
            found.append(wanted(rows))
    return pl.concat(found).unique("id")


def _in_cells(rows: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    return rows.filter("giving").join(cells, on=MONTH_KEYS, how="semi", nulls_equal=True)


def _judged(both: pl.DataFrame, started: datetime) -> pl.DataFrame:
    was, here = pl.col("giving").fill_null(False), pl.col("cents_now").is_not_null()
    cell = zip(MONTH_KEYS, (f"{key}_now" for key in MONTH_KEYS), strict=True)
    moved = pl.any_horizontal(pl.col(a).ne_missing(pl.col(b)) for a, b in cell)
    other = moved | (pl.col("cents") != pl.col("cents_now"))
    fresh = (pl.col("stamp") >= started) | pl.col("giving").is_not_null()
    kind = (
        pl.when(was & ~here).then(pl.lit("removed"))
        .when(was & other).then(pl.lit("changed"))
        .when(~was & here & fresh.fill_null(False)).then(pl.lit("new"))
        .when(~was & here).then(pl.lit("lost"))
    )  # fmt: skip
    rows = both.with_columns(kind.alias("kind")).filter(pl.col("kind").is_not_null())
    return rows.select(
        "id",
        pl.when(pl.col("kind") == "lost").then(pl.lit("extraction")).otherwise(pl.lit("changed")).alias("line"),
        "kind",
        pl.col("cents_now").alias("rock_cents"),
        pl.when(was).then("cents").alias("extract_cents"),
        *(pl.coalesce(f"{key}_now", key).alias(key) for key in MONTH_KEYS),
    ).cast(CHANGE_SCHEMA)


def _doubled(records: pl.DataFrame) -> pl.DataFrame:
    """A doubled record changes no sum of ours (each id counts once), but the extract was not what Rock has."""
    return records.select(
        "id",
        line=pl.lit("extraction"),
        kind=pl.lit("doubled"),
        rock_cents="cents",
        extract_cents="cents",
        fund_id="fund_id",
        year="year",
        month="month",
    ).cast(CHANGE_SCHEMA)
