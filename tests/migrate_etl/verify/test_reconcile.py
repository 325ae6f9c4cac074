"""Every cent under its line, every planted fault named, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from migrate_etl.verify.reconcile import Verification
from tests.migrate_etl.verify.books import STARTED, Books, Gift

GIFTS = [Gift(n, cents=100 * n + 1) for n in range(1, 9)]


def amounts(found: Verification) -> dict[str, str]:
    return {line.name: str(line.amount) for line in found.lines if line.count or line.amount}


def faults(found: Verification) -> list[tuple[str, int | None, str | None]]:
    rows = found.exceptions.sort("id", "kind")
    return list(rows.select("kind", "id", "fields").iter_rows())


def adds_up(found: Verification) -> bool:
    return sum((line.effect for line in found.lines), Decimal(0)) == found.difference


def test_equal_books_are_clean(tmp_path: Path) -> None:
    found = Books(GIFTS).verify(tmp_path)
    assert (found.financial_match, found.scope_match, found.clean, amounts(found)) == (True, True, True, {})
    assert (found.rock, found.scope.amount) == (found.mission, Decimal("36.08"))


def test_a_missing_gift(tmp_path: Path) -> None:
    found = Books(GIFTS).with_mission(GIFTS[1:]).verify(tmp_path)
    assert (faults(found), amounts(found)) == ([("missing", 1, "")], {"unexplained": "1.01"})
    assert (found.financial_match, found.scope_match) == (False, False)


def test_a_doubled_gift(tmp_path: Path) -> None:
    found = Books(GIFTS).with_mission([*GIFTS, GIFTS[2]]).verify(tmp_path)
    assert (faults(found), amounts(found)) == ([("duplicated", 3, "")], {"unexplained": "-3.01"})


def test_a_gift_doubled_under_a_new_id(tmp_path: Path) -> None:
    found = Books(GIFTS).with_mission([*GIFTS, replace(GIFTS[2], id=777)]).verify(tmp_path)
    assert (faults(found), amounts(found)) == ([("extra", 777, "")], {"unexplained": "-3.01"})


def test_a_gift_doubled_under_an_id_that_only_looks_like_rocks(tmp_path: Path) -> None:
    found = Books(GIFTS).with_mission([*GIFTS, replace(GIFTS[2], external="rock:contribution:03")]).verify(tmp_path)
    assert (faults(found), amounts(found)) == ([("extra", None, "")], {"unexplained": "-3.01"})


def test_a_cent_too_much(tmp_path: Path) -> None:
    found = Books(GIFTS).with_mission([replace(GIFTS[0], cents=102), *GIFTS[1:]]).verify(tmp_path)
    assert (faults(found), amounts(found)) == ([("altered", 1, "amount")], {"unexplained": "-0.01"})


def test_a_moved_fund_moves_no_money_and_is_named(tmp_path: Path) -> None:
    found = Books(GIFTS).with_mission([replace(GIFTS[0], fund=2), *GIFTS[1:]]).verify(tmp_path)
    assert faults(found) == [("altered", 1, "fund")]
    assert (found.unexplained, found.unexplained_records, found.financial_match, found.scope_match) == (
        Decimal("0.00"),
        1,
        True,
        False,
    )
    assert [str(d) for d in found.cube.months["difference"]] == ["1.01", "-1.01"]


def test_two_errors_that_cancel_out(tmp_path: Path) -> None:
    mission = [replace(GIFTS[0], cents=201), replace(GIFTS[1], cents=101), *GIFTS[2:]]
    found = Books(GIFTS).with_mission(mission).verify(tmp_path)
    assert faults(found) == [("altered", 1, "amount"), ("altered", 2, "amount")]
    assert (found.unexplained, found.clean, found.scope_match) == (Decimal("0.00"), False, False)


@pytest.mark.parametrize("rule", ["queued", "no_date", "outside_date_range", "no_campus", "other_campus"])
def test_a_left_out_gift_stands_under_its_rule(tmp_path: Path, rule: str) -> None:
    found = Books([replace(GIFTS[0], skip=rule), *GIFTS[1:]]).verify(tmp_path)
    assert (amounts(found), found.clean, found.scope_match) == ({rule: "1.01"}, True, True)
    assert found.line(rule).ids == (1,)


def test_a_gift_left_out_now_but_loaded_before_is_no_variance(tmp_path: Path) -> None:
    books = Books([replace(GIFTS[0], skip="outside_date_range"), *GIFTS[1:]])
    found = books.with_mission(GIFTS).verify(tmp_path)
    assert (amounts(found), found.financial_match) == ({}, True)


def test_an_undated_gift_has_its_own_cell(tmp_path: Path) -> None:
    found = Books([replace(GIFTS[0], skip="no_date", day=None), *GIFTS[1:]]).verify(tmp_path)
    assert amounts(found) == {"no_date": "1.01"}


def test_other_transaction_types_are_no_giving(tmp_path: Path) -> None:
    found = Books([replace(GIFTS[0], type="event registration"), *GIFTS[1:]]).verify(tmp_path)
    assert (amounts(found), found.financial_match) == ({}, True)
    assert [(a.count, str(a.amount)) for _, a in found.other_types] == [(1, "1.01")]


def test_a_rejected_gift(tmp_path: Path) -> None:
    found = Books(GIFTS, rejected=[4]).verify(tmp_path)
    assert (amounts(found), found.clean, found.scope_match) == ({"rejected": "4.01"}, True, False)


def test_a_gift_never_sent_is_unexplained(tmp_path: Path) -> None:
    found = Books(GIFTS, not_sent=[4]).verify(tmp_path)
    assert (amounts(found), faults(found)) == ({"unexplained": "4.01"}, [("not_sent", 4, "")])


def test_a_correction_by_hand(tmp_path: Path) -> None:
    found = Books(GIFTS, corrections={2: 150}).with_mission([GIFTS[0], replace(GIFTS[1], cents=150), *GIFTS[2:]])
    assert amounts(found.verify(tmp_path)) == {"corrected": "0.51"}


def test_a_correction_altered_in_mission_is_split(tmp_path: Path) -> None:
    books = Books(GIFTS, corrections={2: 150}).with_mission([GIFTS[0], replace(GIFTS[1], cents=140), *GIFTS[2:]])
    found = books.verify(tmp_path)
    assert (amounts(found), adds_up(found)) == ({"corrected": "0.51", "unexplained": "0.10"}, True)


def test_a_lost_page(tmp_path: Path) -> None:
    found = Books(GIFTS, extract=GIFTS[:3] + GIFTS[5:]).verify(tmp_path)
    assert (amounts(found), faults(found)) == ({"extraction": "9.02"}, [("lost", 4, None), ("lost", 5, None)])
    assert (found.clean, found.scope_match) == (True, False)


def test_a_doubled_page_is_named_and_costs_nothing(tmp_path: Path) -> None:
    books = Books(GIFTS, extract=GIFTS + GIFTS[5:7]).with_mission(GIFTS)
    found = books.verify(tmp_path)
    assert faults(found) == [("doubled", 6, None), ("doubled", 7, None)]
    assert (found.line("extraction").count, found.financial_match, found.scope_match) == (2, True, False)


def test_a_page_lost_and_one_doubled_of_the_same_sum(tmp_path: Path) -> None:
    same = [Gift(n) for n in range(1, 7)]
    found = Books(same, extract=same[:4] + same[:2]).with_mission(same[:4]).verify(tmp_path)
    assert [kind for kind, _, _ in faults(found)] == ["doubled", "doubled", "lost", "lost"]
    assert amounts(found) == {"extraction": "20.00"}


def test_a_gift_that_came_after_the_scan(tmp_path: Path) -> None:
    found = Books([*GIFTS, Gift(500)], extract=GIFTS, high_water=8).verify(tmp_path)
    assert (amounts(found), found.clean, found.scope_match) == ({"changed": "10.00"}, True, True)


def test_a_later_gift_that_another_job_loaded(tmp_path: Path) -> None:
    books = Books([*GIFTS, Gift(500)], extract=GIFTS, high_water=8).with_mission([*GIFTS, Gift(500)])
    found = books.verify(tmp_path)
    assert (found.financial_match, found.clean, found.line("changed").count) == (True, True, 1)


def test_a_gift_entered_below_the_mark_during_the_run(tmp_path: Path) -> None:
    fresh = Gift(9, stamp=datetime(2026, 1, 15, 9, 30))
    found = Books([*GIFTS, fresh], extract=GIFTS).verify(tmp_path)
    assert (amounts(found), faults(found)) == ({"changed": "10.00"}, [("new", 9, None)])


def test_a_gift_changed_in_rock_after_it_was_read(tmp_path: Path) -> None:
    now = [replace(GIFTS[0], cents=150, stamp=STARTED), *GIFTS[1:]]
    found = Books(now, extract=GIFTS).verify(tmp_path)
    assert (amounts(found), faults(found)) == ({"changed": "0.49"}, [("changed", 1, None)])


def test_a_gift_deleted_in_rock_after_it_was_read(tmp_path: Path) -> None:
    found = Books(GIFTS[1:], extract=GIFTS).verify(tmp_path)
    assert (amounts(found), faults(found)) == ({"changed": "-1.01"}, [("removed", 1, None)])


def test_a_gift_moved_to_another_month_in_rock(tmp_path: Path) -> None:
    now = [replace(GIFTS[0], day=date(2024, 4, 1)), *GIFTS[1:]]
    found = Books(now, extract=GIFTS).verify(tmp_path)
    assert (faults(found), found.financial_match) == ([("changed", 1, None)], True)


def test_a_gift_gone_from_rock(tmp_path: Path) -> None:
    found = Books(GIFTS, receipts=[77]).with_mission([*GIFTS, Gift(77)]).verify(tmp_path)
    assert (amounts(found), found.clean, adds_up(found)) == ({"gone": "10.00"}, True, True)


def test_a_gift_that_stopped_being_giving(tmp_path: Path) -> None:
    books = Books([replace(GIFTS[0], type="event registration"), *GIFTS[1:]], receipts=[1])
    found = books.with_mission(GIFTS).verify(tmp_path)
    assert (amounts(found), found.clean, adds_up(found)) == ({"gone": "1.01"}, True, True)


def test_a_gift_of_missions_own(tmp_path: Path) -> None:
    found = Books(GIFTS).with_mission([*GIFTS, Gift(0, external="desk-17")]).verify(tmp_path)
    assert (amounts(found), found.clean, found.scope_match) == ({"not_from_rock": "10.00"}, True, True)
    assert found.exceptions["external_id"].to_list() == ["desk-17"]


def test_a_lost_page_that_an_earlier_run_had_loaded(tmp_path: Path) -> None:
    found = Books(GIFTS, extract=GIFTS[2:]).with_mission(GIFTS).verify(tmp_path)
    assert (found.financial_match, found.unexplained_records, found.line("extraction").count) == (True, 0, 2)


def test_a_fault_of_missions_is_not_hidden_by_a_change_in_rock(tmp_path: Path) -> None:
    now = [replace(GIFTS[0], cents=150), *GIFTS[1:]]
    books = Books(now, extract=GIFTS).with_mission([replace(GIFTS[0], cents=100), *GIFTS[1:]])
    assert amounts(books.verify(tmp_path)) == {"changed": "0.49", "unexplained": "0.01"}


def test_no_gifts_at_all(tmp_path: Path) -> None:
    found = Books([]).verify(tmp_path)
    assert (found.financial_match, found.clean, found.rock.count) == (True, True, 0)


def test_without_read_back_mission_has_what_it_accepted(tmp_path: Path) -> None:
    found = Books([replace(GIFTS[0], skip="queued"), *GIFTS[1:]], rejected=[4], read_back=False).verify(tmp_path)
    assert (found.grade, amounts(found)) == ("receipts", {"queued": "1.01", "rejected": "4.01"})


def test_receipts_remember_what_an_earlier_run_loaded(tmp_path: Path) -> None:
    books = Books([replace(GIFTS[0], skip="queued"), *GIFTS[1:]], receipts=[1], read_back=False)
    assert books.verify(tmp_path).financial_match
