"""The one walk over all contributions: windows compared, what differs put on disk, memory bounded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from migrate_etl.dataset import Dataset, DatasetWriter
from migrate_etl.durable import made_again
from migrate_etl.verify.compare import (
    ACTUAL,
    COMPARED,
    DIFFERENCE_SCHEMA,
    EXPECTED,
    LEFT_OUT_SCHEMA,
    compare,
    strangers,
)
from migrate_etl.verify.cube import CUBE_KEYS, CubeCells, MonthCells, added_up
from migrate_etl.verify.windows import Side, windows

Known = Callable[[pl.Series], pl.Series]
"""Receipts: for Rock detail ids, whether Mission ever accepted each (Boolean)."""


DOUBLED_SCHEMA = pl.Schema(
    {"id": pl.Int64(), "cents": pl.Int64(), "fund_id": pl.Int64(), "year": pl.Int32(), "month": pl.Int8()}
)
"""Contributions that the extract has more than once."""


@dataclass(frozen=True, slots=True)
class Sums:
    """A count of records and their cents."""

    count: int = 0
    cents: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.count + other.count, self.cents + other.cents)


def sums(frame: pl.DataFrame) -> Sums:
    return Sums(frame.height, int(frame["cents"].sum()))


@dataclass(frozen=True, slots=True)
class Walked:
    """What one walk found. `accepted_months` are the month cells of what Mission has, or is taken to have."""

    differences: Dataset
    left_out: Dataset
    extract_months: pl.DataFrame
    accepted_months: pl.DataFrame
    doubled: pl.DataFrame
    scope: Sums
    mission: Sums
    refunds: Sums
    non_positive: Sums


class Walk:
    """Compares all of Rock's contributions with Mission's, or, without a read-back, with what Mission accepted.

    `cube` receives the cells of what is in scope.
    """

    def __init__(
        self,
        mapped: Sequence[Dataset],
        read_back: Dataset | None,
        rejected: pl.Series,
        not_sent: pl.Series,
        corrections: pl.DataFrame,
        known: Known,
        cube: CubeCells,
    ) -> None:
        self._mapped, self._read_back = mapped, read_back
        self._rejected, self._not_sent = rejected.sort(), not_sent.sort()
        self._corrections, self._known, self._cube = corrections, known, cube
        self._extracted, self._accepted = MonthCells(), MonthCells()
        self._doubled = [DOUBLED_SCHEMA.to_frame()]
        self._scope = self._mission = self._refunds = self._non_positive = Sums()

    def run(self, folder: Path, scratch: Path) -> Walked:
        """Walk once; `differences` and `left_out` are written into `folder`, `scratch` is filled and left."""
        expected = Side([file for dataset in self._mapped for file in dataset.files()], EXPECTED)
        with (
            DatasetWriter(folder / "differences", made_again) as differences,
            DatasetWriter(folder / "left_out", made_again) as left_out,
        ):
            differences.write(DIFFERENCE_SCHEMA.to_frame())
            left_out.write(LEFT_OUT_SCHEMA.to_frame())
            actual = self._actual(differences)
            for window in windows(expected, actual, scratch):
                rock = self._rock(window.left)
                mission = window.right if actual else self._as_accepted(rock)
                found = compare(rock, mission, self._corrections)
                self._mission += sums(mission)
                if actual is None:
                    self._accepted.add(_months_of(mission))
                differences.write(found.differences)
                left_out.write(found.left_out)
            return self._walked(differences.commit(), left_out.commit())

    def _actual(self, differences: DatasetWriter) -> Side | None:
        def nameless(rows: pl.DataFrame) -> None:
            self._mission += sums(rows)
            differences.write(strangers(rows))

        if self._read_back is None:
            return None
        return Side(self._read_back.files(), ACTUAL, nameless, keep=["external_id"])

    def _rock(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Each record once, with `why` Mission need not have it; counts what is counted of Rock's side."""
        again = rows["id"] == rows["id"].shift(1)
        if again.any():
            twice = rows.filter(again.fill_null(False) & pl.col("giving")).unique("id")
            self._doubled.append(twice.select(list(DOUBLED_SCHEMA)))
            rows = rows.filter(~again.fill_null(False))
        rows = rows.with_columns(why=pl.col("skip"))
        for ids, why in ((self._rejected, "rejected"), (self._not_sent, "not_sent")):
            here = _between(ids, rows["id"])
            if len(here):
                marked = pl.col("why").is_null() & pl.col("id").is_in(here.implode())
                rows = rows.with_columns(why=pl.when(marked).then(pl.lit(why)).otherwise("why"))
        scope = rows.filter(pl.col("skip").is_null())
        self._count(scope, rows)
        return rows

    def _count(self, scope: pl.DataFrame, rows: pl.DataFrame) -> None:
        cells = added_up(scope, CUBE_KEYS)
        self._cube.add(cells)
        self._extracted.add_cells(cells)
        self._scope += sums(scope)
        self._refunds += sums(scope.filter("refund"))
        self._non_positive += sums(scope.filter(pl.col("cents") <= 0))
        if scope.height < rows.height:
            self._extracted.add(rows.filter(pl.col("skip").is_not_null() & pl.col("giving")))

    def _as_accepted(self, rock: pl.DataFrame) -> pl.DataFrame:
        """What Mission has if it kept what it accepted: all that is due, corrected, and what earlier runs sent."""
        rows, others = rock.filter(pl.col("why").is_null()), rock.filter(pl.col("why").is_not_null())
        if others.height:
            rows = pl.concat([rows, others.filter(self._known(others["id"]))]).sort("id")
        here = self._corrections.join(rows.select("id"), on="id", how="semi")
        rows = rows.update(here, on="id", include_nulls=True) if here.height else rows
        return rows.select("id", *COMPARED)

    def _walked(self, differences: Dataset, left_out: Dataset) -> Walked:
        return Walked(
            differences=differences,
            left_out=left_out,
            extract_months=self._extracted.result(),
            accepted_months=self._accepted.result(),
            doubled=pl.concat(self._doubled),
            scope=self._scope,
            mission=self._mission,
            refunds=self._refunds,
            non_positive=self._non_positive,
        )


def _between(ids: pl.Series, window: pl.Series) -> pl.Series:
    """Those of the sorted ids that lie in the window's range."""
    if not len(ids) or not len(window):
        return ids.head(0)
    start, end = ids.search_sorted(window[0], side="left"), ids.search_sorted(window[-1], side="right")
    return ids.slice(int(start), int(end) - int(start))


def _months_of(mission: pl.DataFrame) -> pl.DataFrame:
    day = pl.col("day")
    return mission.select("fund_id", day.dt.year().alias("year"), day.dt.month().alias("month"), "cents")
