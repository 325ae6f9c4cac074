"""The ledger: every item once, one outcome each, recounted."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate_transfer.core.errors import AlreadyRunning, Stopped
from migrate_transfer.ledger import Batch, Ledger
from tests.migrate_transfer.ledger.books import BATCH, PART, SIZE, WHOLE, failure, pack, plan_slice, planned, work


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "job" / "ledger.sqlite") as opened:
        yield opened


@pytest.fixture
def batch(ledger: Ledger) -> Batch:
    """Ten records of a part of ten, planned and not sent."""
    ledger.discovered("people", 10)
    return ledger.plan("people", [planned(range(1, 11))], unchanged=b"", failed=[], cursor=10)[0]


def test_a_part_that_nobody_knows_is_empty(ledger: Ledger) -> None:
    assert (ledger.totals("people").discovered, ledger.cursor("people"), ledger.parts()) == (0, 0, [])
    assert not [*ledger.failed(), *ledger.open_batches("people"), *ledger.violations("people")]


def test_every_item_ends_with_one_outcome(ledger: Ledger) -> None:
    work(ledger)
    assert ledger.totals(PART) == WHOLE
    assert ledger.totals(PART).balanced
    assert ledger.violations(PART) == []


def test_what_is_discovered_is_pending_until_it_is_planned(ledger: Ledger) -> None:
    ledger.discovered(PART, SIZE)
    assert ledger.totals(PART).pending == SIZE
    plan_slice(ledger, 0)
    totals = ledger.totals(PART)
    assert (totals.done, totals.unchanged, totals.failed, totals.pending) == (0, 98, 1, SIZE - 99)


def test_working_twice_is_the_same_as_once(ledger: Ledger) -> None:
    work(ledger)
    work(ledger)
    assert ledger.totals(PART) == WHOLE


def test_settling_twice_is_the_same_as_once(ledger: Ledger, batch: Batch) -> None:
    ledger.settle(batch, [failure(3)], (9, 0, 0))
    ledger.settle(batch, [failure(3), failure(4)], None)
    totals = ledger.totals("people")
    assert (totals.done, totals.failed, totals.pending) == (9, 1, 0)


def test_an_open_batch_comes_back_to_the_byte(ledger: Ledger, batch: Batch) -> None:
    assert list(ledger.open_batches("people")) == [batch]
    ledger.settle(batch, [], None)
    assert list(ledger.open_batches("people")) == []


def test_the_records_of_a_halved_batch_count_once(ledger: Ledger, batch: Batch) -> None:
    left, right = ledger.split(batch, [planned(range(1, 6)), planned(range(6, 11))])
    assert ledger.totals("people").pending == 10
    assert list(ledger.open_batches("people")) == [left, right]
    ledger.settle(left, [], None)
    ledger.settle(right, [failure(6)], None)
    assert (ledger.totals("people").done, ledger.totals("people").failed) == (9, 1)


def test_a_batch_that_ended_is_not_halved(ledger: Ledger, batch: Batch) -> None:
    ledger.settle(batch, [], None)
    with pytest.raises(Stopped):
        ledger.split(batch, [planned(range(1, 11))])
    assert ledger.totals("people").done == 10


def test_halves_have_the_records_of_the_whole(ledger: Ledger, batch: Batch) -> None:
    with pytest.raises(ValueError, match="other records"):
        ledger.split(batch, [planned(range(1, 6))])


def test_only_a_record_of_the_batch_can_fail_with_it(ledger: Ledger, batch: Batch) -> None:
    with pytest.raises(ValueError, match="not of the batch"):
        ledger.settle(batch, [failure(11)], None)


def test_dead_letters_keep_their_payload_and_come_by_part_and_id(ledger: Ledger) -> None:
    for part in ("people", "groups", "people/x"):
        ledger.plan(part, [], unchanged=b"", failed=[failure(n) for n in range(1200, 0, -1)], cursor=1200)
    assert [item for _, item in ledger.failed("people")] == [failure(n) for n in range(1, 1201)]
    assert [part for part, _ in ledger.failed()] == ["groups"] * 1200 + ["people"] * 1200 + ["people/x"] * 1200


def test_accepted_are_the_done_and_the_unchanged(ledger: Ledger) -> None:
    work(ledger)
    accepted = array("q", b"".join(ledger.accepted(PART)))
    failed_in_batches = {item.id for _, item in ledger.failed(PART)} & set(accepted)
    assert len(set(accepted)) == len(accepted) == WHOLE.done + WHOLE.unchanged + len(failed_in_batches)


def test_what_was_discovered_is_not_forgotten_for_a_smaller_count(ledger: Ledger, batch: Batch) -> None:
    ledger.discovered("people", 11)
    ledger.discovered("people", 10)
    assert ledger.totals("people").discovered == 11


def test_more_outcomes_than_items_are_a_violation(ledger: Ledger, batch: Batch) -> None:
    ledger.settle(batch, [], None)
    ledger.plan("people", [], unchanged=pack([11]), failed=[], cursor=11)
    assert not ledger.totals("people").balanced
    assert len(ledger.violations("people")) == 1


def test_more_outcomes_than_items_are_a_violation_even_while_planning_goes_on(ledger: Ledger) -> None:
    ledger.discovered("people", 10)
    ledger.plan("people", [], unchanged=pack(range(12)), failed=[], cursor=5)
    assert ledger.totals("people").pending == 0
    assert not ledger.totals("people").balanced


def test_an_item_without_an_outcome_is_a_violation_once_all_is_planned(ledger: Ledger) -> None:
    ledger.discovered("people", 10)
    ledger.plan("people", [], unchanged=pack(range(9)), failed=[], cursor=10)
    assert ledger.totals("people").pending == 0
    assert len(ledger.violations("people")) == 1


def test_an_item_that_stands_there_twice_is_a_violation(ledger: Ledger, batch: Batch) -> None:
    ledger.plan("people", [], unchanged=pack([10]), failed=[], cursor=11)
    assert any("twice" in violation for violation in ledger.violations("people"))


def test_a_lease_is_exclusive_and_its_token_grows(ledger: Ledger) -> None:
    with ledger.lease("people") as first, pytest.raises(AlreadyRunning), ledger.lease("people"):
        pass
    with ledger.lease("people") as second:
        assert second > first


def test_a_holder_whose_lock_was_lost_writes_nothing_more(ledger: Ledger, batch: Batch) -> None:
    with ledger.lease("people"):
        (ledger.path.parent / "leases" / "people.lock").unlink()
        with Ledger.open(ledger.path) as successor, successor.lease("people"):
            with pytest.raises(Stopped, match="lease_lost"):
                ledger.settle(batch, [], None)
            successor.settle(batch, [failure(1)], None)
    assert (ledger.totals("people").done, ledger.totals("people").failed) == (9, 1)


def test_payloads_leave_the_file_once_their_outcome_is_known(ledger: Ledger) -> None:
    ledger.discovered("people", 30_000)
    for start in range(0, 30_000, 1000):
        chunk = [planned(range(start + n, start + n + BATCH)) for n in range(0, 1000, BATCH)]
        for batch in ledger.plan("people", chunk, unchanged=b"", failed=[], cursor=start + 1000):
            ledger.settle(batch, [], None)
    sent = 300 * len(planned(range(29_900, 30_000)).payload)
    ledger.close()
    assert ledger.path.stat().st_size < sent / 5
