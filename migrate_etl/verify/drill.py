"""From the cube's months down to some of its batches: what a page has room for. The cells are read piece by piece."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from migrate_etl.verify.cube import AMOUNTS, BATCH_KEYS, Cube, differs, roll_up

YEAR_KEYS = ["fund_id", "year"]

PLACE_SCHEMA = {"fund_id": pl.Int64, "year": pl.Int32, "whole": pl.Boolean, "shown": pl.Int64}
"""A year of a fund: whether all its cells are shown, and how many."""


def fund_totals(cube: Cube) -> pl.DataFrame:
    """Each fund's sums, the largest first."""
    return roll_up(cube.months, ["fund_id"]).sort("rock_amount", descending=True)


def fund_years(cube: Cube) -> pl.DataFrame:
    """Each fund's years: their sums, `batches` and `off` (see Cube.months)."""
    years = cube.months.group_by(YEAR_KEYS).agg(pl.col(*AMOUNTS, "batches", "off").sum())
    return years.sort(YEAR_KEYS, nulls_last=True)


def shown_cells(cube: Cube, room: int) -> pl.DataFrame:
    """At most `room` cells of month × batch, with `off` for those that differ: fund by fund in the order of their
    totals, each year whole if it still finds room, else the first of its cells that differ."""
    wanted = pl.DataFrame(list(_places(cube, room)), schema=PLACE_SCHEMA, orient="row")
    found = _rolled(cube.cells.head(0), wanted)
    for chunk in cube.cells.chunks() if wanted.height else ():
        found = _first(pl.concat([found, _rolled(chunk, wanted)]))
    return found


def _places(cube: Cube, room: int) -> Iterator[tuple[int | None, int | None, bool, int]]:
    """PLACE_SCHEMA: the years of which cells are shown."""
    years = fund_years(cube).partition_by("fund_id", as_dict=True)
    for fund in fund_totals(cube)["fund_id"].to_list():
        for year, batches, off in years[fund,].select("year", "batches", "off").iter_rows():
            whole = batches <= room
            shown = batches if whole else min(room, off)
            room -= shown
            if shown:
                yield fund, year, whole, shown


def _rolled(cells: pl.DataFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    batches = roll_up(cells, BATCH_KEYS).with_columns(differs().alias("off"))
    placed = batches.join(wanted, on=YEAR_KEYS, how="inner", nulls_equal=True, maintain_order="left")
    return placed.filter(pl.col("whole") | pl.col("off"))


def _first(cells: pl.DataFrame) -> pl.DataFrame:
    return cells.filter(pl.int_range(pl.len()).over(YEAR_KEYS) < pl.col("shown"))
