"""Scripted faults: what the caller sees, and what the books hold afterwards."""

from __future__ import annotations

from typing import Any

import httpx
import pytest


def held(mission: Any) -> int:
    return mission.sandbox.sql("SELECT count(*) FROM funds")[0][0]


def send(mission: Any, n: int = 1) -> httpx.Response:
    return mission.send("funds", *mission.batch("funds", [mission.record("funds", n)]))


@pytest.mark.parametrize(("action", "stored"), [("drop_before", 0), ("drop_after_commit", 1), ("truncate", 1)])
def test_a_broken_connection_and_the_same_batch_again(mission: Any, action: str, stored: int) -> None:
    mission.sandbox.fault(action)
    with pytest.raises(httpx.RemoteProtocolError):
        send(mission)
    assert held(mission) == stored
    again = send(mission)
    assert (mission.counts(again), held(mission)) == ((1, 0, 0, 0), 1)
    assert ("idempotent-replayed" in again.headers) == bool(stored)


@pytest.mark.parametrize(("action", "stored"), [("status", 0), ("status_after_commit", 1)])
def test_a_failing_mission(mission: Any, action: str, stored: int) -> None:
    mission.sandbox.fault(action, status=503, retry_after=2)
    answer = send(mission)
    mission.contract.check(answer)
    assert (answer.status_code, answer.headers["retry-after"], held(mission)) == (503, "2", stored)


def test_an_answer_that_is_not_json(mission: Any) -> None:
    mission.sandbox.fault("not_json")
    answer = send(mission)
    assert (answer.status_code, answer.headers["content-type"], held(mission)) == (200, "text/html", 1)
    assert answer.text.startswith("<!doctype html>")


@pytest.mark.parametrize(("status", "body"), [(200, ""), (200, "{}"), (202, ""), (204, "")])
def test_an_answer_with_a_status_alone(mission: Any, status: int, body: str) -> None:
    mission.sandbox.fault("status_only", status=status, body=body)
    answer = send(mission)
    assert (answer.status_code, answer.text, held(mission)) == (status, body, 1)


def test_a_proxys_own_error_page(mission: Any) -> None:
    mission.sandbox.fault("status", status=502, body="<h1>Bad gateway</h1>")
    assert send(mission).text == "<h1>Bad gateway</h1>"


def test_a_storm_of_429(mission: Any) -> None:
    mission.sandbox.fault("status", status=429, retry_after=0, times=3)
    assert [send(mission).status_code for _ in range(4)] == [429, 429, 429, 200]


def test_a_slow_answer_still_comes_whole(mission: Any) -> None:
    mission.sandbox.fault("slow", milliseconds=300)
    with pytest.raises(httpx.ReadTimeout):
        mission.http.post("/api/import/funds", timeout=0.05)
    mission.sandbox.fault("slow", milliseconds=10)
    assert mission.counts(send(mission)) == (1, 0, 0, 0)


def test_latency_comes_before_every_answer(start: Any) -> None:
    mission = start(latency_ms=300)
    with pytest.raises(httpx.ReadTimeout):
        mission.http.post("/api/import/funds", timeout=0.05)
    assert mission.counts(send(mission)) == (1, 0, 0, 0)


def test_nth_and_times_count_matching_requests(mission: Any) -> None:
    mission.sandbox.fault("status", match={"path": "/api/import/funds", "method": "POST", "nth": 3}, times=2)
    statuses = []
    for _ in range(6):
        mission.get("totals")
        statuses.append(send(mission).status_code)
    assert statuses == [200, 200, 503, 503, 200, 200]


def test_times_null_lasts_until_cleared(mission: Any) -> None:
    mission.sandbox.fault("status", times=None)
    assert {send(mission).status_code for _ in range(5)} == {503}
    mission.sandbox.clear_faults()
    assert send(mission).status_code == 200


def test_a_batch_is_refused_for_what_it_holds(mission: Any) -> None:
    mission.sandbox.fault("reject_batch", external_ids=["rock:funds:2"])
    both, one = [mission.record("funds", n) for n in (1, 2)], [mission.record("funds", 1)]
    refused = mission.post("funds", both)
    assert (refused.status_code, held(mission)) == (400, 0)
    assert mission.counts(mission.post("funds", one)) == (1, 0, 0, 0)
    assert mission.post("funds", both[1:]).status_code == 400


def test_a_batch_is_refused_with_422_and_a_code(mission: Any) -> None:
    mission.sandbox.fault("reject_batch", external_ids=["rock:funds:1"], status=422, code="FUND_CLOSED", message="No.")
    answer = send(mission)
    mission.contract.check(answer)
    assert answer.json() == {"error": "No.", "code": "FUND_CLOSED", "details": None}


def test_named_records_are_always_refused(mission: Any) -> None:
    mission.sandbox.fault("reject_records", external_ids=["rock:funds:2"], code="FUND_CLOSED")
    for salt in ("first", "second"):
        answer = mission.post("funds", [mission.record("funds", n) for n in (1, 2)], salt)
        assert mission.codes(answer) == {"rock:funds:2": "FUND_CLOSED"}
    assert held(mission) == 1


@pytest.mark.parametrize("status", [400, 422])
def test_a_strict_mission_refuses_the_whole_batch_for_one_record(mission: Any, status: int) -> None:
    mission.sandbox.fault("strict_batch", status=status)
    answer = mission.post("funds", [mission.record("funds", 1), mission.record("funds", 2, name="")])
    assert (answer.status_code, answer.json()["code"], held(mission)) == (status, "VALIDATION_ERROR", 0)
    assert list(answer.json()["details"]["fields"]) == ["records[1]"]
    assert mission.counts(send(mission)) == (1, 0, 0, 0)


def test_a_key_revoked_while_running(mission: Any) -> None:
    mission.sandbox.fault("revoke_key", match={"nth": 2})
    assert [send(mission, n).status_code for n in (1, 2, 3)] == [200, 403, 403]


def test_faults_come_together(mission: Any) -> None:
    mission.sandbox.fault("reject_records", external_ids=["rock:funds:1"], code="FUND_CLOSED")
    mission.sandbox.fault("drop_after_commit")
    with pytest.raises(httpx.RemoteProtocolError):
        send(mission)
    assert mission.codes(send(mission)) == {"rock:funds:1": "FUND_CLOSED"}


def test_the_request_log(mission: Any) -> None:
    key, _ = mission.batch("funds", [mission.record("funds", 1)])
    mission.sandbox.fault("drop_after_commit")
    with pytest.raises(httpx.RemoteProtocolError):
        send(mission)
    send(mission)
    seen = mission.sandbox.requests()
    assert (seen["count"], seen["by_path"], seen["by_status"]) == (2, {"/api/import/funds": 2}, {"cut": 1, "200": 1})
    dropped, replayed = seen["requests"]
    assert (dropped["idempotency_key"], dropped["status"], dropped["faults"]) == (key, None, ["drop_after_commit"])
    assert (replayed["records"], replayed["replayed"], replayed["status"]) == (1, True, 200)


def test_a_fault_nobody_knows_is_refused(mission: Any) -> None:
    assert mission.http.post("/sandbox/faults", json={"action": "explode"}).status_code == 400
