"""Whose giving statement changes, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from migrate_etl.verify.statements import Givers
from tests.migrate_etl.verify.books import Books, Gift

GIFTS = [Gift(1), Gift(2, person=6), Gift(3, day=date(2023, 12, 31)), Gift(4, person=None), Gift(5, person=7)]


def changed(folder: Path, books: Books) -> list[tuple[Any, ...]]:
    rows = books.verify(folder).statements.scan().collect().sort("giving_id", "year")
    return [(giver, year, str(before), str(after), ids) for giver, year, before, after, _, _, ids in rows.rows()]


def test_equal_books_change_no_statement(tmp_path: Path) -> None:
    assert changed(tmp_path, Books(GIFTS)) == []


def test_a_missing_gift_changes_its_givers_year_alone(tmp_path: Path) -> None:
    found = changed(tmp_path, Books(GIFTS, mission=GIFTS[1:]))
    assert found == [("G5", 2024, "10.00", "0.00", ["rock:contribution:1"])]


def test_a_gift_moved_over_new_year_changes_both_years(tmp_path: Path) -> None:
    mission = [GIFTS[0], GIFTS[1], replace(GIFTS[2], day=date(2024, 1, 1)), *GIFTS[3:]]
    found = changed(tmp_path, Books(GIFTS, mission=mission))
    assert [(year, before, after) for _, year, before, after, _ in found] == [
        (2023, "10.00", "0.00"),
        (2024, "10.00", "20.00"),
    ]


def test_a_gift_given_to_another_changes_both_givers(tmp_path: Path) -> None:
    found = changed(tmp_path, Books(GIFTS, mission=[replace(GIFTS[0], person=6), *GIFTS[1:]]))
    assert [(giver, before, after) for giver, _, before, after, _ in found] == [
        ("G5", "10.00", "0.00"),
        ("G6", "10.00", "20.00"),
    ]


def test_a_moved_fund_changes_no_statement(tmp_path: Path) -> None:
    assert changed(tmp_path, Books(GIFTS, mission=[replace(GIFTS[0], fund=2), *GIFTS[1:]])) == []


def test_a_gift_without_a_donor_is_on_no_statement(tmp_path: Path) -> None:
    assert changed(tmp_path, Books(GIFTS, mission=[g for g in GIFTS if g.id != 4])) == []


def test_a_person_without_giving_id_gives_alone(tmp_path: Path) -> None:
    assert [row[0] for row in changed(tmp_path, Books(GIFTS, mission=GIFTS[:4]))] == ["P7"]


@pytest.mark.parametrize("read_back", [True, False])
def test_a_rejected_gift_is_missing_from_the_statement(tmp_path: Path, read_back: bool) -> None:
    assert changed(tmp_path, Books(GIFTS, rejected=[2], read_back=read_back)) == [
        ("G6", 2024, "10.00", "0.00", ["rock:contribution:2"])
    ]


def test_giving_ids_lead_to_people_whatever_the_width_of_their_ids() -> None:
    givers = Givers(
        pl.DataFrame({"person_id": [5, 6, 7], "giving_id": ["G5", "G5", "P7"]}).cast({"person_id": pl.Int8})
    )
    assert sorted(givers.persons(pl.Series(["G5", "P9"]))) == [5, 6, 9]
    rows = pl.DataFrame({"person_id": [6, 9]})
    assert givers.named(rows)["giving_id"].to_list() == ["G5", "P9"]
