"""What a page has room for: whole years while they fit, then what differs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from migrate_etl.verify.drill import fund_totals, fund_years, shown_cells
from tests.migrate_etl.verify.books import Books, Gift

SMALL = [Gift(n, day=date(2024, n, 1)) for n in (1, 2)]
LARGE = [Gift(n, fund=2, day=date(2023, n, 1)) for n in range(3, 9)]
GIFTS = [*SMALL, *LARGE]


def shown(folder: Path, books: Books, room: int) -> list[tuple[int, int]]:
    """Fund and month of the cells."""
    return shown_cells(books.verify(folder).cube, room).select("fund_id", "month").rows()


def test_the_largest_fund_comes_first(tmp_path: Path) -> None:
    assert fund_totals(Books(GIFTS).verify(tmp_path).cube)["fund_id"].to_list() == [2, 1]


def test_a_year_knows_how_many_of_its_cells_differ(tmp_path: Path) -> None:
    books = Books(GIFTS).with_mission([*SMALL, *LARGE[1:]])
    years = fund_years(books.verify(tmp_path).cube)
    assert years.select("fund_id", "year", "batches", "off").rows() == [(1, 2024, 2, 0), (2, 2023, 6, 1)]


def test_everything_is_shown_while_there_is_room(tmp_path: Path) -> None:
    assert len(shown(tmp_path, Books(GIFTS), 8)) == 8


def test_a_year_without_room_shows_what_differs(tmp_path: Path) -> None:
    books = Books(GIFTS).with_mission([*SMALL, replace(LARGE[0], cents=1), *LARGE[1:]])
    assert shown(tmp_path, books, 3) == [(1, 1), (1, 2), (2, 3)]


def test_no_more_is_shown_than_there_is_room_for(tmp_path: Path) -> None:
    assert shown(tmp_path, Books(GIFTS).with_mission([]), 4) == [(2, 3), (2, 4), (2, 5), (2, 6)]


def test_undated_gifts_have_a_place(tmp_path: Path) -> None:
    cells = shown_cells(Books([Gift(1, day=None)]).verify(tmp_path).cube, 5)
    assert cells.select("fund_id", "year", "month").rows() == [(1, None, None)]
