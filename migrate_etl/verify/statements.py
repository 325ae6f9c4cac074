"""Giving statements: per giver and calendar year, what Rock would print and what Mission would, where they differ.

Records that are equal on both sides change no statement, so the differing ones say whose statement changes; only
those givers are then totalled. Gifts without a donor belong to no statement.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from migrate_etl.dataset import Dataset
from migrate_etl.verify.money import amount, cents

STATEMENT_SCHEMA = pl.Schema({
    "giving_id": pl.String(), "year": pl.Int32(), "before": pl.Decimal(20, 2), "after": pl.Decimal(20, 2),
    "difference": pl.Decimal(20, 2), "records": pl.Int64(), "external_ids": pl.List(pl.String()),
})  # fmt: skip
"""A statement that changes: before (Rock), after (Mission), after - before, and its causes (first 20)."""

EFFECT_SCHEMA = pl.Schema({
    "person_id": pl.Int64(), "year": pl.Int32(), "before": pl.Int64(), "after": pl.Int64(), "external_id": pl.String(),
})  # fmt: skip
"""What one differing record puts on one statement, in cents: before on Rock's, after on Mission's."""


def effects(differences: pl.DataFrame) -> pl.DataFrame:
    """EFFECT_SCHEMA of differing records (DIFFERENCE_SCHEMA): those in scope, and Mission's extra ones."""
    counted = differences.filter(pl.col("skip").is_null() & (pl.col("kind") != "not_from_rock"))
    rock = counted.filter(pl.col("cents").is_not_null()).select(
        "person_id", "year", before="cents", after=pl.lit(0, pl.Int64), external_id="external_id"
    )
    mission = counted.filter(pl.col("mission_cents").is_not_null()).select(
        pl.col("mission_person_id").alias("person_id"),
        pl.col("mission_day").dt.year().alias("year"),
        before=pl.lit(0, pl.Int64),
        after="mission_cents",
        external_id="external_id",
    )
    both = pl.concat([rock, mission]).drop_nulls(["person_id", "year"])
    return both.select(list(EFFECT_SCHEMA)).cast(EFFECT_SCHEMA)


def changed_statements(found: pl.DataFrame, givers: pl.DataFrame, mapped: Sequence[Dataset]) -> pl.DataFrame:
    """Every statement that changes, as STATEMENT_SCHEMA, the largest change first.

    `found` has EFFECT_SCHEMA; `givers` maps `person_id` to `giving_id`, a person who is not in it gives as `P<id>`;
    `mapped` are the mapped contributions, read once if any statement changes.
    """
    keys = ["giving_id", "year"]
    changes = (
        _by_giver(found, givers)
        .group_by(keys)
        .agg(
            pl.col("before", "after").sum(),
            pl.col("external_id").n_unique().cast(pl.Int64).alias("records"),
            pl.col("external_id").unique(maintain_order=True).head(20).alias("external_ids"),
        )
    )
    changes = changes.with_columns(change=pl.col("after") - pl.col("before")).filter(pl.col("change") != 0)
    if not changes.height:
        return STATEMENT_SCHEMA.to_frame()
    rock = _rock_totals(changes.select(keys), givers, mapped)
    both = changes.drop("before", "after").join(rock, on=keys, how="left").with_columns(pl.col("before").fill_null(0))
    both = both.with_columns(after=pl.col("before") + pl.col("change"))
    ordered = both.sort(pl.col("change").abs(), *keys, descending=[True, False, False])
    return ordered.select(
        *keys, amount("before"), amount("after"), amount("change").alias("difference"), "records", "external_ids"
    ).cast(STATEMENT_SCHEMA)


def _by_giver(rows: pl.DataFrame, givers: pl.DataFrame) -> pl.DataFrame:
    known = rows.join(givers.select("person_id", "giving_id").unique("person_id"), on="person_id", how="left")
    return known.with_columns(giving_id=pl.coalesce("giving_id", pl.format("P{}", "person_id")))


def _rock_totals(statements: pl.DataFrame, givers: pl.DataFrame, mapped: Sequence[Dataset]) -> pl.DataFrame:
    """giving_id, year, before (cents) over all contributions in scope, for the statements asked for."""
    keys, sums = ["giving_id", "year"], []
    for dataset in mapped:
        for chunk in dataset.chunks(["skip", "_person_id", "_year", "_amount"]):
            rows = chunk.filter(pl.col("skip").is_null() & pl.col("_person_id").is_not_null()).select(
                pl.col("_person_id").cast(pl.Int64).alias("person_id"),
                pl.col("_year").cast(pl.Int32).alias("year"),
                cents("_amount").alias("before"),
            )
            wanted = _by_giver(rows, givers).join(statements, on=keys, how="semi")
            sums.append(wanted.group_by(keys).agg(pl.col("before").sum()))
    return pl.concat(sums).group_by(keys).agg(pl.col("before").sum())
