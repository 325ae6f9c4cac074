"""Record by record: what Rock's records should be in Mission against what Mission holds.

Works on one window of ids at a time (see windows.py) and keeps only the rows that differ, so that two errors which
cancel out in a sum are two differences here. What a difference means for the money is said in variance.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from migrate_etl.verify.money import cents

COMPARED = ("cents", "fund_id", "day", "person_id", "batch_id", "campus_id", "method", "transaction_id")
"""What must be the same on both sides. `day` is the local date; `method` is Mission's payment method."""

FIELD_WORDS = {
    "cents": "amount", "fund_id": "fund", "day": "date", "person_id": "donor", "batch_id": "batch",
    "campus_id": "campus", "method": "payment method", "transaction_id": "transaction",
}  # fmt: skip

EXPECTED = (
    pl.col("id"),
    pl.col("skip"),
    pl.col("skip").ne_missing(pl.lit("transaction_type")).alias("giving"),
    cents("_amount").alias("cents"),
    pl.col("_fund_id").cast(pl.Int64).alias("fund_id"),
    pl.col("date").str.head(10).str.to_date("%Y-%m-%d", strict=False).alias("day"),
    pl.col("_person_id").cast(pl.Int64).alias("person_id"),
    pl.col("_batch_id").cast(pl.Int64).alias("batch_id"),
    pl.col("_campus_id").cast(pl.Int64).alias("campus_id"),
    pl.col("payment_method").alias("method"),
    pl.col("_transaction_id").cast(pl.Int64).alias("transaction_id"),
    pl.col("_year").cast(pl.Int32).alias("year"),
    pl.col("_month").cast(pl.Int8).alias("month"),
    pl.col("_currency").alias("currency"),
    pl.col("_refund").alias("refund"),
)
"""Columns of a mapped contributions dataset as the comparison reads them; year and month are Rock's own.

`giving`: whether Rock calls it a contribution, which is the first of the skip rules."""

ACTUAL = (
    pl.col("id").cast(pl.Int64),
    cents("amount").alias("cents"),
    pl.col("fund_id").cast(pl.Int64),
    pl.col("date").alias("day"),
    pl.col("person_id").cast(pl.Int64),
    pl.col("batch_id").cast(pl.Int64),
    pl.col("campus_id").cast(pl.Int64),
    pl.col("payment_method").alias("method"),
    pl.col("transaction_id").cast(pl.Int64),
)
"""Columns of a read-back dataset as the comparison reads them."""

_TYPES: dict[str, pl.DataType] = {
    "cents": pl.Int64(), "fund_id": pl.Int64(), "day": pl.Date(), "person_id": pl.Int64(), "batch_id": pl.Int64(),
    "campus_id": pl.Int64(), "method": pl.String(), "transaction_id": pl.Int64(),
}  # fmt: skip

DIFFERENCE_SCHEMA = pl.Schema({
    "id": pl.Int64(),
    "external_id": pl.String(),
    "kind": pl.String(),
    "skip": pl.String(),
    "giving": pl.Boolean(),
    "year": pl.Int32(),
    "month": pl.Int8(),
    "currency": pl.String(),
    "corrected_cents": pl.Int64(),
    **_TYPES,
    **{f"mission_{name}": kind for name, kind in _TYPES.items()},
})  # fmt: skip
"""One row per record that is not the same on both sides. `kind` is one of

missing        should be there and is not
altered        is there with another content
rejected       Mission refused it: it is absent, or there as an earlier run left it
not_sent       never sent, and it is absent
corrected      a person corrected it, and the correction is there
stale          out of scope now, there from an earlier run with another amount
extra          Mission has it, Rock's extract does not
duplicated     a second copy of a record that is there
not_from_rock  Mission has it under an id that is not Rock's

`cents` and the other compared fields are Rock's, `mission_…` are Mission's, null where that side has no such record.
`corrected_cents` is what a correction made of the amount."""


LEFT_OUT_SCHEMA = pl.Schema({"id": pl.Int64(), "skip": pl.String(), "giving": pl.Boolean(), "cents": pl.Int64()})
"""A record that is not in Mission, under the skip rule that says why."""


class Compared(NamedTuple):
    """One window's outcome: the rows that differ, and the records that are not in Mission under a skip rule."""

    differences: pl.DataFrame
    """DIFFERENCE_SCHEMA."""
    left_out: pl.DataFrame
    """LEFT_OUT_SCHEMA: skipped under a rule, and Mission does not have them either."""


def compare(expected: pl.DataFrame, actual: pl.DataFrame, corrections: pl.DataFrame) -> Compared:
    """Compare two frames sorted by id over the same range of ids.

    `expected` has EXPECTED's columns, unique ids, and `why` (String): null where Mission should have the record,
    else the skip rule, `rejected` or `not_sent`. `actual` has ACTUAL's columns. `corrections` has `id`, and of the
    compared fields those that a correction may have changed, with their corrected values.
    """
    actual, copies = _without_copies(expected, actual)
    wanted, touched = _corrected(expected, _in_force(expected, actual, corrections))
    open_rows, open_actual = _unequal(wanted, actual, touched)
    if not (open_rows.height or open_actual.height or copies.height):
        return Compared(DIFFERENCE_SCHEMA.to_frame(), LEFT_OUT_SCHEMA.to_frame())
    absent = open_rows.filter(pl.col("why").is_not_null() & pl.col("why").eq_missing(pl.col("skip")))
    absent = absent.join(open_actual.select("id"), on="id", how="anti") if open_actual.height else absent
    rest = open_rows.join(absent.select("id"), on="id", how="anti") if absent.height else open_rows
    differing = _judged(rest.join(touched, on="id", how="left"), open_actual)
    left_out = absent.select(list(LEFT_OUT_SCHEMA))
    return Compared(pl.concat([differing, _shaped(copies, "duplicated")]), left_out)


def _without_copies(expected: pl.DataFrame, actual: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One record per id, the one most like Rock's, and the further copies."""
    again = actual["id"].eq_missing(actual["id"].shift(1)).fill_null(False)
    if not again.any():
        return actual, actual.head(0)
    ids = actual.filter(again)["id"].unique()
    rivals = actual.filter(pl.col("id").is_in(ids.implode()))
    like = rivals.join(expected.select("id", *COMPARED), on="id", how="left", maintain_order="left", suffix="_rock")
    score = pl.sum_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_rock")).cast(pl.Int8) for name in COMPARED)
    ranked = like.with_columns(score.alias("likeness")).sort(
        "id", "likeness", descending=[False, True], maintain_order=True
    )
    first = ranked["id"].ne_missing(ranked["id"].shift(1))
    kept = pl.concat([actual.filter(~pl.col("id").is_in(ids.implode())), ranked.filter(first).select(actual.columns)])
    return kept.sort("id"), ranked.filter(~first).select(actual.columns)


def _in_force(expected: pl.DataFrame, actual: pl.DataFrame, corrections: pl.DataFrame) -> pl.DataFrame:
    """The corrections of these records, but for those that a later import replaced by what Rock has."""
    here = corrections.join(expected.select("id"), on="id", how="semi") if corrections.height else corrections
    if not here.height:
        return here
    originals = expected.join(here.select("id"), on="id", how="semi")
    as_in_rock = originals.join(actual, on=["id", *COMPARED], how="semi", nulls_equal=True)
    return here.join(as_in_rock.select("id"), on="id", how="anti")


def _corrected(expected: pl.DataFrame, here: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Expected with corrected values, and (id, rock_cents) of the records that were corrected."""
    corrected = expected.join(here.select("id"), on="id", how="semi") if here.height else expected.clear()
    originals = corrected.select("id", pl.col("cents").alias("rock_cents"))
    if not here.height:
        return expected, originals
    return expected.update(here, on="id", include_nulls=True), originals


def _unequal(wanted: pl.DataFrame, actual: pl.DataFrame, touched: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both sides without the records that should be there, are there, and are equal (corrected ones always stay)."""
    due = wanted.filter(pl.col("why").is_null())
    if due.height == actual.height and bool((due["id"] == actual["id"]).all()):
        same = _same(due.get_columns(), actual)
    else:
        both = due.join(actual, on="id", how="left", suffix="_mission", maintain_order="left", validate="1:1")
        there = due["id"].is_in(actual["id"].implode())
        mission = both.select(**{name: pl.col(f"{name}_mission") for name in COMPARED})
        same = there & _same(due.get_columns(), mission)
    equal = due.filter(same).select("id")
    if touched.height:
        equal = equal.join(touched, on="id", how="anti")
    if equal.height == due.height == actual.height:
        return wanted.filter(pl.col("why").is_not_null()), actual.head(0)
    return wanted.join(equal, on="id", how="anti"), actual.join(equal, on="id", how="anti")


def _same(rock: Sequence[pl.Series], mission: pl.DataFrame) -> pl.Series:
    by_name = {column.name: column for column in rock}
    return pl.select(
        pl.all_horizontal(by_name[name].eq_missing(mission[name]).alias(name) for name in COMPARED)
    ).to_series()


def _judged(rock: pl.DataFrame, actual: pl.DataFrame) -> pl.DataFrame:
    """Name what each record is that is not plainly equal or left out. `rock` has `rock_cents` for corrected ones."""
    theirs = actual.rename({name: f"mission_{name}" for name in COMPARED}).with_columns(there=pl.lit(True))
    both = rock.with_columns(here=pl.lit(True)).join(theirs, on="id", how="full", coalesce=True)
    equal = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"mission_{name}")) for name in COMPARED)
    here, there = pl.col("here").is_not_null(), pl.col("there").is_not_null()
    why, skip = pl.col("why"), pl.col("skip")
    kind = (
        pl.when(~here).then(pl.lit("extra"))
        .when(skip.is_not_null() & ~pl.col("giving")).then(pl.lit("extra"))
        .when(skip.is_not_null()).then(pl.lit("stale"))
        .when(equal & pl.col("rock_cents").is_not_null()).then(pl.lit("corrected"))
        .when(~there).then(pl.coalesce(why, pl.lit("missing")))
        .when(why.is_not_null()).then(why)
        .otherwise(pl.lit("altered"))
    )  # fmt: skip
    unremarkable = here & there & equal & pl.col("rock_cents").is_null() & (skip.is_null() | pl.col("giving"))
    same_money = pl.col("skip").is_not_null() & there & pl.col("giving") & (pl.col("cents") == pl.col("mission_cents"))
    rows = both.filter(~unremarkable.fill_null(False) & ~same_money.fill_null(False)).with_columns(kind.alias("kind"))
    corrected = pl.when(pl.col("rock_cents").is_not_null()).then("cents")
    rows = rows.with_columns(corrected_cents=corrected, cents=pl.coalesce("rock_cents", "cents"))
    return rows.with_columns(external_id=_external()).select(list(DIFFERENCE_SCHEMA)).cast(DIFFERENCE_SCHEMA)


def _external() -> pl.Expr:
    return pl.format("rock:contribution:{}", pl.col("id"))


def strangers(actual: pl.DataFrame) -> pl.DataFrame:
    """Mission's records whose external id is no Rock contribution's, as differences.

    `actual` has ACTUAL's columns and `external_id`. One that claims to be Rock's (`rock:…`) or hangs on a Rock
    transaction is no gift of Mission's own but an extra.
    """
    claims = pl.col("external_id").str.starts_with("rock:") | pl.col("mission_transaction_id").is_not_null()
    kind = pl.when(claims).then(pl.lit("extra")).otherwise(pl.lit("not_from_rock"))
    return _shaped(actual.drop("external_id"), "extra").with_columns(actual["external_id"]).with_columns(kind=kind)


def _shaped(actual: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Mission's records that have no Rock side, as differences."""
    theirs = actual.rename({name: f"mission_{name}" for name in COMPARED})
    named = theirs.with_columns(kind=pl.lit(kind), external_id=_external())
    blanks = [pl.lit(None, kind).alias(name) for name, kind in DIFFERENCE_SCHEMA.items() if name not in named.columns]
    return named.with_columns(blanks).select(list(DIFFERENCE_SCHEMA)).cast(DIFFERENCE_SCHEMA)


def fields_that_differ() -> pl.Expr:
    """The fields of a difference that are not the same on both sides, in words: `amount, fund`.

    Empty where one side is absent.
    """
    both = pl.col("cents").is_not_null() & pl.col("mission_cents").is_not_null()
    words = [
        pl.when(both & pl.col(name).ne_missing(pl.col(f"mission_{name}"))).then(pl.lit(FIELD_WORDS[name]))
        for name in COMPARED
    ]
    return pl.concat_str(words, separator=", ", ignore_nulls=True).alias("fields")
