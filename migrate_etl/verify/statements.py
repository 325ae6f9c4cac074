"""Giving statements: per giver and calendar year, what Rock would print and what Mission would, where they differ.

Records that are equal on both sides change no statement, so the differing ones say whose statement changes, and by
how much; Rock's totals are only added up if any does. Gifts without a donor belong to no statement.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from migrate_etl.dataset import Dataset
from migrate_etl.verify.cube import Cells
from migrate_etl.verify.money import amount, cents

STATEMENT_SCHEMA = pl.Schema({
    "giving_id": pl.String(), "year": pl.Int32(), "before": pl.Decimal(20, 2), "after": pl.Decimal(20, 2),
    "difference": pl.Decimal(20, 2), "records": pl.Int64(), "external_ids": pl.List(pl.String()),
})  # fmt: skip
"""A statement that changes: before (Rock), after (Mission), after - before, how many records cause it and the first
of them (of the EXPLAINED largest changes; the table of exceptions has all)."""

EFFECT_SCHEMA = pl.Schema({
    "giving_id": pl.String(), "year": pl.Int32(), "before": pl.Int64(), "after": pl.Int64(), "records": pl.Int64(),
})  # fmt: skip
"""What differing records put on one statement, in cents: before on Rock's, after on Mission's."""

KEYS = ["giving_id", "year"]

CAUSES, EXPLAINED = 5, 1_000

COMPACT_ROWS = 400_000


class Effects:
    """Gathers what differing records do to statements, chunk by chunk, in the memory of the statements concerned.

    `givers` maps `person_id` to `giving_id`; a person who is not in it gives as `P<id>`.
    """

    def __init__(self, givers: pl.DataFrame) -> None:
        self._givers = givers
        self._parts = [EFFECT_SCHEMA.to_frame()]

    def add(self, differences: pl.DataFrame) -> None:
        """Differing records (compare.DIFFERENCE_SCHEMA): those in scope, and Mission's extra ones, are counted."""
        records = pl.col("external_id").n_unique().cast(pl.Int64).alias("records")
        found = _by_giver(_both_sides(differences), self._givers).group_by(KEYS)
        self._parts.append(found.agg(pl.col("before", "after").sum(), records).cast(EFFECT_SCHEMA))
        if sum(part.height for part in self._parts[1:]) > max(COMPACT_ROWS, self._parts[0].height):
            self._parts = [self.result()]

    def result(self) -> pl.DataFrame:
        """EFFECT_SCHEMA, a row per statement concerned."""
        return pl.concat(self._parts).group_by(KEYS).agg(pl.col("before", "after", "records").sum())


def _both_sides(differences: pl.DataFrame) -> pl.DataFrame:
    """person_id, year, before, after, external_id: a row per side that has a record which counts."""
    differences = differences.filter(pl.col("skip").is_null() & (pl.col("kind") != "not_from_rock"))
    nothing = pl.lit(0, pl.Int64)
    rock = differences.filter(pl.col("cents").is_not_null()).select(
        "person_id", "year", before="cents", after=nothing, external_id="external_id"
    )
    mission = differences.filter(pl.col("mission_cents").is_not_null()).select(
        pl.col("mission_person_id").alias("person_id"),
        pl.col("mission_day").dt.year().alias("year"),
        before=nothing,
        after="mission_cents",
        external_id="external_id",
    )
    return pl.concat([rock, mission]).drop_nulls(["person_id", "year"])


def changed_statements(
    found: pl.DataFrame, givers: pl.DataFrame, mapped: Sequence[Dataset], differences: Dataset
) -> pl.DataFrame:
    """Every statement that changes, as STATEMENT_SCHEMA, the largest change first.

    `found` has EFFECT_SCHEMA; `mapped` (contributions) and `differences` are read once more if any statement changes.
    """
    changes = found.with_columns(change=pl.col("after") - pl.col("before")).filter(pl.col("change") != 0)
    if not changes.height:
        return STATEMENT_SCHEMA.to_frame()
    ordered = changes.sort(pl.col("change").abs(), *KEYS, descending=[True, False, False]).drop("before", "after")
    causes = _causes(ordered.head(EXPLAINED).select(KEYS), givers, differences)
    rock = _rock_totals(changes.select(KEYS), givers, mapped)
    both = ordered.join(rock, on=KEYS, how="left", maintain_order="left")
    both = both.join(causes, on=KEYS, how="left", maintain_order="left").with_columns(pl.col("before").fill_null(0))
    return (
        both.with_columns(after=pl.col("before") + pl.col("change"))
        .select(
            *KEYS, amount("before"), amount("after"), amount("change").alias("difference"), "records", "external_ids"
        )
        .cast(STATEMENT_SCHEMA)
    )


def _causes(statements: pl.DataFrame, givers: pl.DataFrame, differences: Dataset) -> pl.DataFrame:
    """KEYS and `external_ids`: the first records that cause each of the statements' changes."""
    parts = []
    for chunk in differences.chunks():
        rows = _by_giver(_both_sides(chunk), givers).join(statements, on=KEYS, how="semi")
        parts.append(rows.select(*KEYS, "external_id").unique(maintain_order=True).group_by(KEYS).head(CAUSES))
    first = pl.concat(parts).group_by(KEYS, maintain_order=True).head(CAUSES)
    return first.group_by(KEYS).agg(pl.col("external_id").alias("external_ids"))


def _by_giver(rows: pl.DataFrame, givers: pl.DataFrame) -> pl.DataFrame:
    known = rows.join(givers.select("person_id", "giving_id").unique("person_id"), on="person_id", how="left")
    return known.with_columns(giving_id=pl.coalesce("giving_id", pl.format("P{}", "person_id")))


def _rock_totals(statements: pl.DataFrame, givers: pl.DataFrame, mapped: Sequence[Dataset]) -> pl.DataFrame:
    """giving_id, year, before (cents) over all contributions in scope of the statements' givers."""
    wanted, persons = _persons(statements, givers), Cells(("person_id", "year"))
    for dataset in mapped:
        for chunk in dataset.chunks(["skip", "_person_id", "_year", "_amount"]):
            rows = chunk.filter(pl.col("skip").is_null()).select(
                pl.col("_person_id").cast(pl.Int64).alias("person_id"),
                pl.col("_year").cast(pl.Int32).alias("year"),
                cents("_amount").alias("cents"),
            )
            persons.add(rows.join(wanted, on="person_id", how="semi"))
    return _by_giver(persons.result(), givers).group_by(KEYS).agg(before=pl.col("cents").sum())


def _persons(statements: pl.DataFrame, givers: pl.DataFrame) -> pl.DataFrame:
    """`person_id` of everybody who gives under one of the giving ids."""
    known = givers.join(statements, on="giving_id", how="semi").select("person_id")
    alone = statements.select(person_id=pl.col("giving_id").str.extract(r"^P([0-9]{1,10})$", 1).cast(pl.Int64))
    return pl.concat([known, alone.drop_nulls()]).unique()
