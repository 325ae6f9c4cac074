"""The money cube: counts and sums of both sides by fund, year, month, batch, campus and currency, and its roll-ups.

Rock's cells are summed as the comparison walks; Mission's follow from them and the records that differ, since all
others are equal to the last field. A cell that differs leads back to its records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from migrate_etl.dataset import Dataset, DatasetWriter
from migrate_etl.durable import made_again
from migrate_etl.verify.money import AMOUNT, amount
from migrate_etl.verify.sums import SpilledSums

MONTH_KEYS = ("fund_id", "year", "month")
BATCH_KEYS = (*MONTH_KEYS, "batch_id")
CUBE_KEYS = (*BATCH_KEYS, "campus_id", "currency", "method")
"""`currency` is Rock's own word (Mission has none: a record's follows it by id), `method` the payment method sent."""

SUMS = ("rock_count", "rock_cents", "mission_count", "mission_cents")
AMOUNTS = ("rock_count", "rock_amount", "mission_count", "mission_amount", "difference")

KEY_TYPES: dict[str, pl.DataType] = {
    "fund_id": pl.Int64(), "year": pl.Int32(), "month": pl.Int8(), "batch_id": pl.Int64(), "campus_id": pl.Int64(),
    "currency": pl.String(), "method": pl.String(),
}  # fmt: skip

CELL_SCHEMA = pl.Schema({
    **KEY_TYPES, "type": pl.String(), "rock_count": pl.Int64(), "rock_amount": AMOUNT,
    "mission_count": pl.Int64(), "mission_amount": AMOUNT, "difference": AMOUNT,
})  # fmt: skip

CHUNK_ROWS = 100_000

COMPACT_ROWS = 400_000


class MonthCells:
    """Counts and cents by fund and month, added to frame by frame; null is a key like any other."""

    def __init__(self) -> None:
        self._parts = [
            pl.DataFrame(schema={**{key: KEY_TYPES[key] for key in MONTH_KEYS}, "count": pl.Int64, "cents": pl.Int64})
        ]

    def add(self, records: pl.DataFrame) -> None:
        """`records` has the keys and `cents`."""
        self._put(added_up(records, MONTH_KEYS))

    def add_cells(self, cells: pl.DataFrame) -> None:
        """`cells` has the keys, `count` and `cents`, already summed."""
        self._put(_month_sums(cells))

    def _put(self, part: pl.DataFrame) -> None:
        self._parts.append(part)
        if sum(part.height for part in self._parts[1:]) > max(COMPACT_ROWS, self._parts[0].height):
            self._parts = [self.result()]

    def result(self) -> pl.DataFrame:
        """Keys, `count` and `cents` (Int64), one row per cell."""
        return _month_sums(pl.concat(self._parts))


def _month_sums(cells: pl.DataFrame) -> pl.DataFrame:
    return cells.group_by(MONTH_KEYS).agg(pl.col("count", "cents").sum())


def added_up(records: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Records with `cents` as cells: keys, `count` and `cents`."""
    return records.group_by(keys).agg(pl.len().cast(pl.Int64).alias("count"), pl.col("cents").sum())


@dataclass(frozen=True, slots=True)
class Cube:
    """The cube on disk, and its months in memory."""

    cells: Dataset
    """CUBE_KEYS, `type`, rock_count, rock_amount, mission_count, mission_amount, difference; in order of the keys."""
    months: pl.DataFrame
    """MONTH_KEYS and the same sums, `batches` (how many of BATCH_KEYS) and `off` (how many of these are not the same
    on both sides)."""


class CubeCells:
    """Gathers the cube while the comparison walks. `scratch` is filled when there are many cells."""

    def __init__(self, scratch: Path) -> None:
        self._cells = SpilledSums(CUBE_KEYS, SUMS, scratch)

    def add(self, cells: pl.DataFrame) -> None:
        """Cells (`count`, `cents`) of records in scope, which Mission has as well until they are taken."""
        self._put(cells, rock=1, mission=1)

    def take(self, records: pl.DataFrame) -> None:
        """Records whose Mission side differs or is absent: keys and `cents`."""
        self._put(added_up(records, CUBE_KEYS), rock=0, mission=-1)

    def give(self, records: pl.DataFrame) -> None:
        """What Mission holds in their place."""
        self._put(added_up(records, CUBE_KEYS), rock=0, mission=1)

    def _put(self, cells: pl.DataFrame, *, rock: int, mission: int) -> None:
        sides = {"rock": rock, "mission": mission}
        sums = {f"{side}_{what}": pl.col(what) * sign for side, sign in sides.items() for what in ("count", "cents")}
        self._cells.add(cells.select(*CUBE_KEYS, **sums))

    def write(self, folder: Path) -> Cube:
        """Both sides side by side, as a dataset; cells that no record is in are left out."""
        some = (pl.col("rock_count") != 0) | (pl.col("mission_count") != 0)
        months = [_months(CELL_SCHEMA.to_frame())]
        with DatasetWriter(folder, made_again) as writer:
            writer.write(CELL_SCHEMA.to_frame())
            for chunk in _whole_batches(frame.filter(some) for frame in self._cells.merged()):
                cells = _with_amounts(chunk)
                writer.write(cells)
                months.append(_months(cells))
            return Cube(writer.commit(), _together(pl.concat(months), MONTH_KEYS))


def _whole_batches(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in chunks of about CHUNK_ROWS, none of which ends within a batch."""
    waiting: list[pl.DataFrame] = []
    for frame in frames:
        waiting.append(frame)
        if sum(each.height for each in waiting) >= CHUNK_ROWS:
            rows = pl.concat(waiting)
            last = rows.tail(1).select(BATCH_KEYS)
            end = rows.height - rows.join(last, on=BATCH_KEYS, how="semi", nulls_equal=True).height
            yield rows.head(end)
            waiting = [rows.slice(end)]
    yield from waiting and [pl.concat(waiting)]


def _with_amounts(sums: pl.DataFrame) -> pl.DataFrame:
    sums = sums.with_columns(difference_cents=pl.col("rock_cents") - pl.col("mission_cents"))
    return sums.select(
        *CUBE_KEYS,
        pl.lit("contribution").alias("type"),
        "rock_count",
        amount("rock_cents").alias("rock_amount"),
        "mission_count",
        amount("mission_cents").alias("mission_amount"),
        amount("difference_cents").alias("difference"),
    )


def _months(cells: pl.DataFrame) -> pl.DataFrame:
    batches = roll_up(cells, BATCH_KEYS).with_columns(batches=pl.lit(1, pl.Int64), off=differs().cast(pl.Int64))
    return _together(batches, MONTH_KEYS)


def _together(cells: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    return cells.group_by(list(keys)).agg(pl.col(*AMOUNTS, "batches", "off").sum()).sort(list(keys), nulls_last=True)


def roll_up(cube: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """The cube over fewer keys; the same columns otherwise."""
    return cube.group_by(list(keys)).agg(pl.col(AMOUNTS).sum()).sort(list(keys), nulls_last=True)


def differing(cube: pl.DataFrame) -> pl.DataFrame:
    """The cells in which count or sum is not the same."""
    return cube.filter(differs())


def differs() -> pl.Expr:
    """Of a cell: whether count or sum is not the same."""
    return (pl.col("difference") != 0) | (pl.col("rock_count") != pl.col("mission_count"))


def records_of(
    exceptions: pl.DataFrame, fund_id: int | None, year: int | None, month: int | None, batch_id: int | None
) -> pl.DataFrame:
    """Drill-down: the exceptions that touch a fund's batch in a month on either side."""

    def lies(side: str) -> pl.Expr:
        day = pl.col(f"{side}_date")
        return (
            pl.col(f"{side}_fund_id").eq_missing(pl.lit(fund_id))
            & pl.col(f"{side}_batch_id").eq_missing(pl.lit(batch_id))
            & day.dt.year().eq_missing(pl.lit(year))
            & day.dt.month().eq_missing(pl.lit(month))
            & pl.col(f"{side}_amount").is_not_null()
        )

    return exceptions.filter(lies("rock") | lies("mission"))
