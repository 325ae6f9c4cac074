"""The load against a Mission that misbehaves: exact books, every record once, and a next call that goes on."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import (
    AccessDenied,
    AlreadyRunning,
    ConnectionLost,
    ServiceUnavailable,
    Stopped,
    TargetError,
)
from migrate_transfer.core.retry import RetryPolicy
from tests.migrate_etl.mission.importer import KEY, QUICK, Importer, group, people, person


def test_a_batch_has_at_most_500_records_and_a_key_of_its_own(importer: Importer, mission: MissionSandbox) -> None:
    assert importer.load(people(1_201)).done == 1_201
    assert sorted(importer.sent()) == [201, 500, 500]
    keys = {one["idempotency_key"] for one in mission.requests()["requests"]}
    assert [len(key) for key in keys] == [64, 64, 64]


def test_a_part_without_rows_sends_nothing(importer: Importer) -> None:
    assert importer.load([]).balanced
    assert importer.sent() == []


def test_the_next_run_sends_nothing_that_is_unchanged(importer: Importer, mission: MissionSandbox) -> None:
    importer.load(people(700))
    mission.reset()
    totals = importer.load(people(700), job="second")
    assert (totals.unchanged, totals.done, totals.balanced) == (700, 0, True)
    assert mission.requests()["count"] == 0


def test_a_changed_record_is_one_update_and_so_is_the_way_back(importer: Importer, mission: MissionSandbox) -> None:
    changed = [person(1, first_name="Anna"), person(2), person(3)]
    for job, records, sent in [("a", people(3), 3), ("b", changed, 1), ("c", people(3), 1), ("d", people(3), 0)]:
        mission.reset()
        totals = importer.load(records, job)
        assert (totals.done, totals.unchanged, sum(importer.sent())) == (sent, 3 - sent, sent)
        names = mission.sql("SELECT first_name FROM people WHERE external_id = 'rock:person:1'")
        assert names == [(records[0]["first_name"],)]


def test_resend_sends_all_and_mission_changes_nothing(importer: Importer, mission: MissionSandbox) -> None:
    importer.load(people(30))
    before = mission.digest()
    totals = replace(importer, resend=True).load(people(30), job="second")
    assert (totals.done, totals.unchanged, mission.digest()) == (30, 0, before)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_batch_is_halved_down_to_the_record(importer: Importer, mission: MissionSandbox, status: int) -> None:
    refused = ["rock:person:7", "rock:person:64"]
    mission.fault("reject_batch", external_ids=refused, status=status)
    totals = importer.load(people(100))
    assert (totals.done, totals.failed, totals.pending, totals.balanced) == (98, 2, 0, True)
    assert sorted(importer.failed()) == sorted(refused)
    assert len(importer.held()) == len(set(importer.held())) == 98


def test_a_strict_mission_loses_only_the_bad_record(importer: Importer, mission: MissionSandbox) -> None:
    mission.fault("strict_batch")
    importer.load([*people(40), person(41, record_type="robot")])
    assert list(importer.failed()) == ["rock:person:41"]
    assert len(importer.held()) == 40


def test_records_errored_one_by_one_keep_code_remedy_and_payload(importer: Importer, mission: MissionSandbox) -> None:
    mission.fault("reject_records", external_ids=["rock:person:2"], code="DUPLICATE_MEMBER", message="twice")
    assert importer.load(people(3)).done == 2
    letter = importer.failed()["rock:person:2"]
    assert (letter.code, letter.message) == ("DUPLICATE_MEMBER", "twice")
    assert "second membership" in letter.remedy
    assert letter.payload.startswith(b'{"external_id":"rock:person:2","first_name":"Ann 2"')


def test_a_record_that_was_refused_is_tried_again_by_the_next_run(importer: Importer, mission: MissionSandbox) -> None:
    mission.fault("reject_records", external_ids=["rock:person:2"])
    importer.load(people(3))
    mission.reset()
    totals = importer.load(people(3), job="second")
    assert (totals.done, totals.unchanged, totals.failed) == (1, 2, 0)


def test_our_own_contract_fails_a_record_without_sending_it(importer: Importer) -> None:
    totals = importer.load([person(1), person(2, reject="invalid_email"), person(3, skip="nameless")])
    assert (totals.done, totals.failed, totals.skips) == (1, 1, {"nameless": 1})
    assert importer.held() == ["rock:person:1"]


@pytest.mark.parametrize("body", ["", "{}", '{"ok": true}'])
def test_an_answer_without_counts_says_only_that_the_batch_was_taken(
    importer: Importer, mission: MissionSandbox, body: str
) -> None:
    mission.fault("status_only", status=202, body=body)
    assert importer.load(people(5)).done == 5
    assert len(importer.held()) == 5


@pytest.mark.parametrize(
    "body",
    [
        '{"imported": 1, "updated": 0, "skipped": 0, "errored": 0, "errors": []}',
        '{"imported": 9, "updated": 0, "skipped": 0, "errored": 1, "errors": []}',
        '{"imported": 9, "updated": 0, "skipped": 0, "errored": 1, "errors": [{"external_id": "rock:person:99"}]}',
        '{"imported": "10", "updated": -1, "skipped": null, "errored": 0}',
    ],
)
def test_counts_that_do_not_add_up_are_not_believed(importer: Importer, mission: MissionSandbox, body: str) -> None:
    mission.fault("status_only", body=body)
    assert importer.load(people(10)).done == 10
    assert len(importer.sent()) == 3
    assert len(importer.held()) == 10


@pytest.mark.parametrize(
    "action", ["drop_before", "drop_after_commit", "truncate", "not_json", "status_after_commit", "status"]
)
def test_an_unknown_outcome_is_asked_for_under_the_same_key(
    importer: Importer, mission: MissionSandbox, action: str
) -> None:
    mission.fault(action, times=3)
    totals = importer.load(people(20))
    assert (totals.done, totals.failed, totals.balanced) == (20, 0, True)
    requests = mission.requests()["requests"]
    assert len(requests) == 4
    assert len({one["idempotency_key"] for one in requests}) == 1
    assert len(importer.held()) == 20


def test_a_storm_of_429_delays_and_loses_nothing(tmp_path: Path) -> None:
    with MissionSandbox.start(tmp_path / "mission", "grace", KEY, rate_limit=5, rate_window=1) as mission:
        mission.fault("status", status=429, times=3)
        importer = Importer(tmp_path, mission, batch_size=10, concurrency=8)
        assert importer.load(people(120)).done == 120
        assert len(importer.held()) == 120


def test_mission_is_down_for_a_while_and_comes_back(tmp_path: Path) -> None:
    mission = MissionSandbox.start(tmp_path / "mission", "grace", KEY)
    importer = Importer(tmp_path, mission, batch_size=5, retry=RetryPolicy(first=0.01, longest=0.1, patience=10_000))
    mission.fault("slow", milliseconds=50, times=None)
    gone = threading.Event()

    def away(rows: int) -> None:
        if not gone.is_set():
            mission.kill()
            gone.set()

    back: list[MissionSandbox] = []

    def restart() -> None:
        gone.wait()
        back.append(MissionSandbox.start(tmp_path / "mission", "grace", KEY, port=int(mission.url.rsplit(":")[-1])))

    repair = threading.Thread(target=restart)
    repair.start()
    try:
        assert importer.load(people(100), progress=away).done == 100
        assert len(importer.held()) == 100
    finally:
        repair.join()
        back[0].stop()


def test_a_mission_that_stays_away_leaves_a_job_that_goes_on(tmp_path: Path) -> None:
    mission = MissionSandbox.start(tmp_path / "mission", "grace", KEY)
    mission.stop()
    importer = Importer(tmp_path, mission, retry=replace(QUICK, patience=2))
    with pytest.raises(ConnectionLost, match="cannot be reached"):
        importer.load(people(10))
    assert (importer.totals().pending, importer.totals().balanced) == (10, True)
    with MissionSandbox.start(tmp_path / "mission", "grace", KEY) as again:
        assert replace(importer, mission=again).load(people(10)).done == 10


def test_a_revoked_key_ends_at_once_though_another_batch_was_put_off(
    importer: Importer, mission: MissionSandbox
) -> None:
    # Both must be on their way before the put-off is answered: afterwards nothing is sent for an hour.
    mission.fault("slow", milliseconds=2_000, match={"external_ids": ["rock:person:1"]})
    mission.fault("status", status=429, retry_after=3_600, match={"external_ids": ["rock:person:1"]})
    mission.fault("slow", milliseconds=4_000, match={"external_ids": ["rock:person:2"]})
    mission.fault("revoke_key", match={"external_ids": ["rock:person:2"]})
    with pytest.raises(AccessDenied) as caught:
        replace(importer, batch_size=1, concurrency=2).load(people(50))
    assert (caught.value.error_code, "new integration key" in caught.value.remedy) == ("MISSION_KEY_REFUSED", True)
    assert (importer.totals().pending, importer.totals().balanced) == (50, True)


def test_an_unknown_organisation_ends_with_the_remedy(importer: Importer) -> None:
    with pytest.raises((TargetError, AccessDenied)) as caught:
        replace(importer, organization="grave").load(people(1))
    assert "organi" in caught.value.remedy


def test_a_wrong_address_ends_with_the_remedy(tmp_path: Path, mission: MissionSandbox) -> None:
    astray = Importer(tmp_path, replace(mission, url=mission.url + "/wrong"))
    with pytest.raises(TargetError, match="404"):
        astray.load(people(1))


def test_a_pause_keeps_what_came_back_and_leaves_the_rest(importer: Importer) -> None:
    control = Control()
    small = replace(importer, batch_size=5, control=control)
    with pytest.raises(Stopped):
        small.load(people(200), progress=lambda rows: control.stop("paused"))
    half = importer.totals()
    assert half.balanced
    assert 0 < half.pending < 200
    assert len(importer.held()) == half.done
    assert replace(importer, batch_size=5).load(people(200)).done == 200
    assert len(importer.held()) == 200


def test_a_second_run_on_the_same_part_is_refused(importer: Importer) -> None:
    with importer.ledger() as ledger, ledger.lease("people"), pytest.raises(AlreadyRunning) as caught:
        importer.load(people(1))
    assert "Wait for the other run" in caught.value.remedy


@pytest.mark.parametrize(
    "fault", [{"action": "status"}, {"action": "reject_batch"}, {"action": "slow", "milliseconds": 300}]
)
def test_parents_are_there_before_their_children_whatever_is_retried(
    importer: Importer, mission: MissionSandbox, fault: dict[str, Any]
) -> None:
    mission.fault(**fault, times=2)
    chain = [group(n, parent=n - 1 if n > 1 else None) for n in range(1, 13)]
    totals = replace(importer, batch_size=4).load(chain, entity="groups")
    assert (totals.done, totals.failed) == (12, 0)


def test_halves_left_open_go_before_the_batches_behind_them(importer: Importer, mission: MissionSandbox) -> None:
    chain = [group(n, parent=n - 1 if n > 1 else None) for n in range(1, 13)]
    mission.fault("reject_batch", match={"external_ids": ["rock:group:1"]}, times=1)
    mission.fault("status", times=None, match={"nth": 2})
    small = replace(importer, batch_size=4, retry=replace(QUICK, patience=1))
    with pytest.raises(ServiceUnavailable, match="503"):
        small.load(chain, entity="groups")
    mission.clear_faults()
    assert small.load(chain, entity="groups").done == 12


def test_a_long_text_with_every_awkward_letter_arrives_to_the_letter(
    importer: Importer, mission: MissionSandbox
) -> None:
    awkward = 'a\nb,\n{"c\\\u2028\u0000\t"} 👩‍👩‍👧 مريم'.replace("\u0000", "\u0001")
    importer.load([person(1), person(2, last_name=awkward), person(3)])
    assert mission.sql("SELECT last_name FROM people ORDER BY position") == [("Hill",), (awkward,), ("Hill",)]


def test_progress_is_told_in_rows_that_are_through(importer: Importer) -> None:
    told: list[int] = []
    replace(importer, batch_size=10).load([*people(95), person(96, skip="nameless")], progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 96
