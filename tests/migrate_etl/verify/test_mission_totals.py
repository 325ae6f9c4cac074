"""Where Mission gives sums but no records."""

from __future__ import annotations

from pathlib import Path

from migrate_etl.verify.mission_totals import totals_frame
from tests.migrate_etl.verify.books import Books, Gift

GIFTS = [Gift(1), Gift(2, cents=250), Gift(3, fund=2)]


def cell(fund: str, count: int, total: str) -> dict[str, object]:
    return {"external_fund_id": fund, "year": 2024, "month": 3, "count": count, "sum": total}


RIGHT = [cell("rock:fund:1", 2, "12.50"), cell("rock:fund:2", 1, "10.00")]


def test_equal_sums_are_clean(tmp_path: Path) -> None:
    found = Books(GIFTS, read_back=False, totals=totals_frame(RIGHT)).verify(tmp_path)
    assert (found.grade, found.clean, found.financial_match) == ("totals", True, True)


def test_a_month_that_differs_is_unexplained(tmp_path: Path) -> None:
    wrong = [cell("rock:fund:1", 2, "12.49"), RIGHT[1]]
    found = Books(GIFTS, read_back=False, totals=totals_frame(wrong)).verify(tmp_path)
    assert (str(found.unexplained), found.exceptions["kind"].to_list()) == ("0.01", ["cell"])


def test_a_fund_of_missions_own_is_not_from_rock(tmp_path: Path) -> None:
    own = [*RIGHT, cell("desk", 1, "99.00")]
    found = Books(GIFTS, read_back=False, totals=totals_frame(own)).verify(tmp_path)
    assert (found.clean, str(found.line("not_from_rock").amount)) == (True, "99.00")
