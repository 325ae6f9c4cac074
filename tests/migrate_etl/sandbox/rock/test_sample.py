"""A whole church: the same from the same seed, of any size, believable."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path

import pytest

from migrate_etl.sandbox.rock import Truth, make_sample
from migrate_transfer.core.errors import InvalidRequest
from tests.migrate_etl.sandbox.rock.conftest import Ask


def _dump(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    lines = list(connection.iterdump())
    connection.close()
    return lines


def test_the_same_seed_makes_the_same_church(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_sample(tmp_path / name, 40, seed)
    assert _dump(tmp_path / "a") == _dump(tmp_path / "b")
    assert _dump(tmp_path / "a") != _dump(tmp_path / "c")


def test_sizes_are_those_asked_for(tmp_path: Path) -> None:
    truth = make_sample(tmp_path / "rock", 60, gifts=1_000, attendances=700, years=3, dirt=False)
    connection = sqlite3.connect(tmp_path / "rock")
    ordinary = "select count(*) from FinancialTransaction where AuthorizedPersonAliasId > 1000"
    refunds = connection.execute("select count(*) from FinancialTransactionRefund").fetchone()[0]
    assert 1_000 + refunds <= connection.execute(ordinary).fetchone()[0] < 1_000 + refunds + 3 * 53 * 3
    connection.close()
    assert truth.discovered["people"] == 60 + 3
    assert truth.discovered["attendance"] == 700


def test_no_gifts_and_no_attendance_are_a_church_too(tmp_path: Path) -> None:
    truth = make_sample(tmp_path / "rock", 12, gifts=0, attendances=0, years=1, dirt=False)
    assert (truth.discovered["contributions"], truth.discovered["attendance"]) == (0, 0)


@pytest.mark.parametrize("sizes", [{"people": 11}, {"years": 0}, {"gifts": -1}, {"attendances": -1}])
def test_sizes_that_make_no_church_are_refused(tmp_path: Path, sizes: dict[str, int]) -> None:
    with pytest.raises(InvalidRequest):
        make_sample(tmp_path / "rock", **sizes)
    assert not list(tmp_path.iterdir())


def test_a_database_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "rock").write_text("precious")
    with pytest.raises(InvalidRequest):
        make_sample(tmp_path / "rock", 12)
    assert (tmp_path / "rock").read_text() == "precious"


def test_an_unknown_release_leaves_no_database(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest):
        make_sample(tmp_path / "rock", 12, release="v99.x")
    assert not (tmp_path / "rock").exists()


def test_no_id_stands_for_another(ask: Ask) -> None:
    assert ask("select count(*) from PersonAlias where Id = PersonId and Id > 3") == [(0,)]
    same = "select count(*) from FinancialTransaction where Id in (BatchId, FinancialPaymentDetailId)"
    assert ask(f"{same} and BatchId is not null") == [(0,)]


def test_years_end_brings_more(ask: Ask) -> None:
    def given(first: str, last: str) -> int:
        when = f"substr(TransactionDateTime, 6, 5) between '{first}' and '{last}' and AuthorizedPersonAliasId > 1000"
        return int(ask(f"select count(*) from FinancialTransaction where {when}")[0][0])

    assert given("12-19", "12-31") > given("08-19", "08-31") * 6 // 5


def test_batches_hold_what_they_declare_but_for_a_few(ask: Ask) -> None:
    declared = """select b.ControlAmount = sum(d.Amount), count(distinct b.Id) from FinancialBatch b
        join FinancialTransaction t on t.BatchId = b.Id join FinancialTransactionDetail d on d.TransactionId = t.Id
        where b.ControlItemCount is not null group by b.Id"""
    balanced = [ok for ok, _ in ask(declared)]
    assert 0 < balanced.count(0) < len(balanced) / 20


def test_a_refund_comes_later_in_another_batch(ask: Ask) -> None:
    pairs = ask("""select t.TransactionDateTime > o.TransactionDateTime, t.BatchId <> o.BatchId, b.Name
        from FinancialTransactionRefund r join FinancialTransaction t on t.Id = r.Id
        join FinancialTransaction o on o.Id = r.OriginalTransactionId join FinancialBatch b on b.Id = t.BatchId
        where b.ControlItemCount is not null""")
    assert pairs
    assert all(later and other and name.endswith(" - Refund") for later, other, name in pairs)


def test_occurrences_are_unique_as_in_rock(ask: Ask) -> None:
    assert not ask("""select 1 from AttendanceOccurrence group by coalesce(GroupId, 0), coalesce(LocationId, 0),
        coalesce(ScheduleId, 0), OccurrenceDate having count(*) > 1""")


def test_relationship_groups_flood_the_groups(sample: tuple[Path, Truth]) -> None:
    truth = sample[1]
    assert truth.skipped["groups"]["group_type"] > 2 * truth.loaded["groups"]


def test_a_church_can_live_in_other_years(tmp_path: Path) -> None:
    truth = make_sample(tmp_path / "rock", 30, last_day=date(2010, 6, 30), years=2, dirt=False)
    assert {year for _, year, _ in truth.cells} == {2008, 2009, 2010}
