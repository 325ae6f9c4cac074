"""The cube: cells of both sides, rolled up and drilled down."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl

from migrate_etl.verify.cube import (
    CubeCells,
    MonthCells,
    differing,
    records_of,
    roll_up,
)
from migrate_etl.verify.reconcile import Verification
from migrate_etl.verify.sums import KEPT_ROWS
from tests.migrate_etl.verify.books import Books, Gift

GIFTS = [Gift(1), Gift(2, fund=2), Gift(3, day=date(2023, 12, 31)), Gift(4, cents=-250)]


def cells(found: Verification) -> pl.DataFrame:
    return found.cube.cells.scan().collect()


def test_equal_sides_have_equal_cells(tmp_path: Path) -> None:
    cube = cells(Books(GIFTS).verify(tmp_path))
    assert differing(cube).height == 0
    counts = cube.select("fund_id", "year", "rock_count", "mission_count").rows()
    assert counts == [(1, 2023, 1, 1), (1, 2024, 2, 2), (2, 2024, 1, 1)]


def test_an_altered_gift_differs_in_its_cell_alone(tmp_path: Path) -> None:
    found = Books(GIFTS, mission=[replace(GIFTS[0], cents=1001), *GIFTS[1:]]).verify(tmp_path)
    assert differing(cells(found)).select("fund_id", "month", "difference").rows() == [(1, 3, Decimal("-0.01"))]


def test_what_was_left_out_is_in_no_cell(tmp_path: Path) -> None:
    cube = cells(Books([replace(GIFTS[0], skip="queued"), *GIFTS[1:]]).verify(tmp_path))
    assert cube["rock_count"].sum() == 3


def test_a_differing_cell_leads_to_its_records(tmp_path: Path) -> None:
    found = Books(GIFTS, mission=[replace(GIFTS[0], fund=2), *GIFTS[1:]]).verify(tmp_path)
    assert [records_of(found.exceptions, fund, 2024, 3, 3)["id"].to_list() for fund in (1, 2, 3)] == [[1], [1], []]


def test_a_roll_up_keeps_the_sums(tmp_path: Path) -> None:
    years = roll_up(cells(Books(GIFTS).verify(tmp_path)), ["year"])
    assert years.select("year", "rock_amount").rows() == [(2023, Decimal("10.00")), (2024, Decimal("17.50"))]


def test_null_is_a_key_like_any_other() -> None:
    months = MonthCells()
    rows = pl.DataFrame(
        {"fund_id": [1, 1], "year": [None, None], "month": [None, None], "cents": [5, 6]},
        schema={"fund_id": pl.Int64, "year": pl.Int32, "month": pl.Int8, "cents": pl.Int64},
    )
    months.add(rows)
    assert months.result().rows() == [(1, None, None, 2, 11)]


def test_a_batch_that_lies_where_a_chunk_ends_is_counted_once(tmp_path: Path) -> None:
    count = KEPT_ROWS + 7
    cells = pl.int_range(0, count, eager=True).alias("n").to_frame().select(
        fund_id=pl.lit(1, pl.Int64), year=pl.lit(2024, pl.Int32), month=pl.lit(3, pl.Int8), batch_id=pl.col("n") // 7,
        campus_id=pl.col("n") % 7, currency=pl.lit("Check"), method=pl.lit("Check"), count=pl.lit(1), cents=pl.lit(5),
    ).cast({"count": pl.Int64, "cents": pl.Int64})  # fmt: skip
    gathered = CubeCells(tmp_path / "scratch")
    gathered.add(cells)
    cube = gathered.write(tmp_path / "cube")
    assert (cube.cells.rows, len(cube.cells.files()) > 3) == (count, True)
    assert cube.months["batches"].to_list() == [(count + 6) // 7]
