"""Giving statements: per giver and calendar year, what Rock would print and what Mission would, where they differ.

Records that are equal on both sides change no statement, so the differing ones say whose statement changes, and by
how much; Rock's totals are only added up if any does. Gifts without a donor belong to no statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import polars as pl

from migrate_etl.dataset import Dataset, DatasetWriter, gathered
from migrate_etl.durable import made_again
from migrate_etl.rock.index import Index
from migrate_etl.verify.money import amount, cents
from migrate_etl.verify.runs import Runs
from migrate_etl.verify.sums import SpilledSums

STATEMENT_SCHEMA = pl.Schema({
    "giving_id": pl.String(), "year": pl.Int32(), "before": pl.Decimal(20, 2), "after": pl.Decimal(20, 2),
    "difference": pl.Decimal(20, 2), "records": pl.Int64(), "external_ids": pl.List(pl.String()),
})  # fmt: skip
"""A statement that changes: before (Rock), after (Mission), after - before, how many records cause it and the first
of them (of the EXPLAINED largest changes; the table of exceptions has all)."""

KEYS = ["giving_id", "year"]

SUMS = ["before", "after", "records", "rock"]
"""In cents: what differing records put on a statement of Rock's and of Mission's; how many they are; Rock's total."""

RANK = ["rank", *KEYS]

CAUSES, EXPLAINED = 5, 1_000

RUN_ROWS, CHUNK_ROWS = 300_000, 100_000


class Givers:
    """Under which giving id a person gives; somebody unknown gives alone, as `P<id>`."""

    def __init__(self, givers: pl.DataFrame) -> None:
        """`givers` has `person_id`, once each, and `giving_id`."""
        self._known = givers.select("person_id", "giving_id")

    @cached_property
    def _index(self) -> Index:
        return Index(self._known, "person_id")  # of a million people, and only asked for when something differs

    def named(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with `giving_id` for their `person_id`."""
        found = self._index.beside(rows, "person_id", giving_id="giving_id")
        return found.with_columns(giving_id=pl.coalesce("giving_id", pl.format("P{}", "person_id")))

    def persons(self, giving: pl.Series) -> pl.Series:
        """Everybody who gives under one of the giving ids."""
        known = self._known.filter(pl.col("giving_id").is_in(giving.implode()))["person_id"]
        alone = giving.str.extract(r"^P([0-9]{1,10})$", 1).cast(pl.Int64).drop_nulls()
        return pl.concat([known.cast(pl.Int64), alone.alias("person_id")]).unique()


class Statements:
    """Gathers what differing records do to statements, chunk by chunk. `givers` has `person_id` and `giving_id`;
    `scratch` is filled, and removed by its owner."""

    def __init__(self, givers: pl.DataFrame, scratch: Path) -> None:
        self._givers, self._scratch = Givers(givers), scratch
        self._sums = SpilledSums(KEYS, SUMS, scratch / "sums")

    def add(self, differences: pl.DataFrame) -> None:
        """Differing records (compare.DIFFERENCE_SCHEMA): those in scope, and Mission's extra ones, are counted."""
        records = pl.col("external_id").n_unique().cast(pl.Int64).alias("records")
        sides = _both_sides(differences)
        if not sides.height:
            return
        found = self._givers.named(sides).group_by(KEYS)
        self._sums.add(found.agg(pl.col("before", "after").sum(), records, rock=pl.lit(0, pl.Int64)))

    def write(self, folder: Path, mapped: Sequence[Dataset], differences: Dataset) -> Dataset:
        """Every statement that changes, as STATEMENT_SCHEMA, the largest change first.

        `mapped` (contributions) and `differences` are read once more if any statement changes.
        """
        giving = [each["giving_id"].unique() for each in self._changes()]
        if any(map(len, giving)):
            self._add_rock(self._givers.persons(pl.concat(giving).unique()), mapped)
        ranked = Runs(RANK, self._scratch / "ranked")
        for changes in gathered(self._changes(), RUN_ROWS):
            ranked.add(changes.with_columns(rank=-pl.col("change").abs()))
        with DatasetWriter(folder, made_again) as writer:
            writer.write(STATEMENT_SCHEMA.to_frame())
            causes = None
            for chunk in gathered((frame.sort(RANK) for frame in ranked.merged()), CHUNK_ROWS):
                causes = self._causes(chunk.head(EXPLAINED), differences) if causes is None else causes
                writer.write(_statements(chunk, causes))
            return writer.commit()

    def _changes(self) -> Iterator[pl.DataFrame]:
        """KEYS, SUMS and `change` of the statements that change."""
        for frame in self._sums.merged():
            yield frame.with_columns(change=pl.col("after") - pl.col("before")).filter(pl.col("change") != 0)

    def _add_rock(self, persons: pl.Series, mapped: Sequence[Dataset]) -> None:
        """Rock's total of all contributions in scope of these persons, by statement."""
        wanted, nothing = Index(persons.to_frame(), "person_id"), pl.lit(0, pl.Int64)
        for dataset in mapped:
            for chunk in dataset.chunks(["skip", "_person_id", "_year", "_amount"]):
                rows = chunk.filter(pl.col("skip").is_null()).select(
                    pl.col("_person_id").cast(pl.Int64).alias("person_id"),
                    pl.col("_year").cast(pl.Int32).alias("year"),
                    cents("_amount").alias("rock"),
                )
                own = wanted.beside(rows, "person_id", wanted="person_id").filter(pl.col("wanted").is_not_null())
                sums = self._givers.named(own).group_by(KEYS).agg(pl.col("rock").sum())
                self._sums.add(sums.with_columns(before=nothing, after=nothing, records=nothing))

    def _causes(self, statements: pl.DataFrame, differences: Dataset) -> pl.DataFrame:
        """KEYS and `external_ids`: the first records that cause each of the statements' changes."""
        parts = []
        for chunk in differences.chunks():
            rows = self._givers.named(_both_sides(chunk)).join(statements, on=KEYS, how="semi")
            parts.append(rows.select(*KEYS, "external_id").unique(maintain_order=True).group_by(KEYS).head(CAUSES))
        first = pl.concat(parts).group_by(KEYS, maintain_order=True).head(CAUSES)
        return first.group_by(KEYS).agg(pl.col("external_id").alias("external_ids"))


def _statements(changes: pl.DataFrame, causes: pl.DataFrame) -> pl.DataFrame:
    both = changes.join(causes, on=KEYS, how="left", maintain_order="left")
    sums = both.with_columns(before=pl.col("rock"), after=pl.col("rock") + pl.col("change"))
    difference = amount("change").alias("difference")
    return sums.select(*KEYS, amount("before"), amount("after"), difference, "records", "external_ids").cast(
        STATEMENT_SCHEMA
    )


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
