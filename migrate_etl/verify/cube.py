"""The money cube: counts and sums of both sides by fund, year, month, batch, campus and currency, and its roll-ups.

Rock's cells are summed as the comparison walks; Mission's follow from them and the records that differ, since all
others are equal to the last field. A cell that differs leads back to its records.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from migrate_etl.verify.money import amount

CUBE_KEYS = ("fund_id", "year", "month", "batch_id", "campus_id", "currency", "method")
"""`currency` is Rock's own word (Mission has none: a record's follows it by id), `method` the payment method sent."""

KEY_TYPES: dict[str, pl.DataType] = {
    "fund_id": pl.Int64(), "year": pl.Int32(), "month": pl.Int8(), "batch_id": pl.Int64(), "campus_id": pl.Int64(),
    "currency": pl.String(), "method": pl.String(), "person_id": pl.Int64(),
}  # fmt: skip

MONTH_KEYS = ("fund_id", "year", "month")

COMPACT_ROWS = 400_000


class Cells:
    """Counts and cents by key, added to frame by frame; null is a key like any other."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = list(keys)
        self._parts = [
            pl.DataFrame(schema={**{key: KEY_TYPES[key] for key in keys}, "count": pl.Int64, "cents": pl.Int64})
        ]

    def add(self, frame: pl.DataFrame) -> None:
        """`frame` has the keys and `cents`, a row per record."""
        self._put(frame.group_by(self._keys).agg(pl.len().cast(pl.Int64).alias("count"), pl.col("cents").sum()))

    def add_cells(self, cells: pl.DataFrame) -> None:
        """`cells` has the keys, `count` and `cents`, already summed; negative ones take away."""
        self._put(cells.select(*self._keys, "count", "cents"))

    def _put(self, part: pl.DataFrame) -> None:
        self._parts.append(part)
        if sum(part.height for part in self._parts[1:]) > max(COMPACT_ROWS, self._parts[0].height):
            self._parts = [self.result()]

    def result(self) -> pl.DataFrame:
        """Keys, `count` and `cents` (Int64), one row per cell."""
        return pl.concat(self._parts).group_by(self._keys).agg(pl.col("count").sum(), pl.col("cents").sum())


def both_sides(rock: pl.DataFrame, taken: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """The cube: CUBE_KEYS, `type`, rock_count, rock_amount, mission_count, mission_amount, difference (decimals).

    `rock` has the cells of every record in scope. `taken` are the cells of those records whose Mission side differs
    or is absent, `given` the cells of what Mission holds in their place.
    """
    keys = list(CUBE_KEYS)
    sides = [
        rock.select(*keys, rock_count="count", rock_cents="cents", mission_count="count", mission_cents="cents"),
        _mission_only(taken, -1),
        _mission_only(given, 1),
    ]
    sums = pl.concat(sides).group_by(keys).agg(pl.col("^(rock|mission)_.*$").sum())
    some = (pl.col("rock_count") != 0) | (pl.col("mission_count") != 0)
    return _with_amounts(sums.filter(some).with_columns(type=pl.lit("contribution")), [*keys, "type"])


def _mission_only(cells: pl.DataFrame, sign: int) -> pl.DataFrame:
    nothing = pl.lit(0, pl.Int64)
    return cells.select(
        *CUBE_KEYS,
        nothing.alias("rock_count"),
        nothing.alias("rock_cents"),
        (pl.col("count") * sign).alias("mission_count"),
        (pl.col("cents") * sign).alias("mission_cents"),
    )


def _with_amounts(sums: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    sums = sums.with_columns(difference_cents=pl.col("rock_cents") - pl.col("mission_cents"))
    return sums.select(
        *keys,
        "rock_count",
        amount("rock_cents").alias("rock_amount"),
        "mission_count",
        amount("mission_cents").alias("mission_amount"),
        amount("difference_cents").alias("difference"),
    ).sort(keys, nulls_last=True)


def roll_up(cube: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """The cube over fewer keys; the same columns otherwise."""
    sums = [
        pl.col(name).sum() for name in ("rock_count", "rock_amount", "mission_count", "mission_amount", "difference")
    ]
    return cube.group_by(list(keys)).agg(sums).sort(list(keys), nulls_last=True)


def differing(cube: pl.DataFrame) -> pl.DataFrame:
    """The cells in which count or sum is not the same."""
    return cube.filter((pl.col("difference") != 0) | (pl.col("rock_count") != pl.col("mission_count")))


def records_of(exceptions: pl.DataFrame, fund_id: int | None, year: int | None, month: int | None) -> pl.DataFrame:
    """Drill-down: the exceptions that touch a fund's month on either side."""

    def lies(side: str) -> pl.Expr:
        day = pl.col(f"{side}_date")
        return (
            pl.col(f"{side}_fund_id").eq_missing(pl.lit(fund_id))
            & day.dt.year().eq_missing(pl.lit(year))
            & day.dt.month().eq_missing(pl.lit(month))
            & pl.col(f"{side}_amount").is_not_null()
        )

    return exceptions.filter(lies("rock") | lies("mission"))
