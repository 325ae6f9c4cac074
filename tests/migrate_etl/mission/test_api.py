"""What MissionApi makes of each answer. The answers come over real HTTP from a sandbox told what to say."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from migrate_etl.mission.api import REMEDIES, BatchAnswer, BatchRefused, MissionApi
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import AccessDenied, ConnectionLost, MigrateError, TargetError
from migrate_transfer.core.retry import RetryPolicy
from migrate_transfer.net.http import HttpClient
from tests.migrate_etl.mission.importer import KEY

PEOPLE = "/api/import/people"
ONCE = RetryPolicy(first=0.0, patience=0)


@pytest.fixture
def api(mission: MissionSandbox) -> Iterator[MissionApi]:
    control = Control()
    with HttpClient(mission.url, secret_headers={"X-Integration-Key": KEY}, connections=2, control=control) as http:
        yield MissionApi(http, "grace", control, ONCE)


def send(api: MissionApi, *names: str) -> BatchAnswer | BatchRefused:
    fields = '"first_name":"A","last_name":"B","preferred_name":null,"record_type":"person","email":null,"phone":null,'
    fields += '"birth_date":null,"gender":null,"status":"Active","connection_status":null,"external_family_id":null,'
    fields += '"external_campus_id":null'
    lines = [f'{{"external_id":"{name}",{fields}}}'.encode() for name in names]
    key = hashlib.sha256(b"".join(lines)).hexdigest()
    return api.send(PEOPLE, key, api.payload(key, lines), len(lines))


def test_counts_and_errors_by_record(api: MissionApi, mission: MissionSandbox) -> None:
    mission.fault("reject_records", external_ids=["b"], code="PERSON_NOT_FOUND", message="who?")
    answer = send(api, "a", "b", "c")
    assert isinstance(answer, BatchAnswer)
    assert (answer.grade, answer.imported, answer.updated, answer.skipped) == ("counts", 2, 0, 0)
    assert answer.errors["b"].message == "who?"
    assert answer.errors["b"].remedy == REMEDIES["PERSON_NOT_FOUND"]


@pytest.mark.parametrize("code", ["DUPLICATE_MEMBER", "FUND_NOT_FOUND", "PARENT_NOT_FOUND", "VALIDATION_ERROR"])
def test_every_code_of_the_contract_has_its_remedy(code: str) -> None:
    assert REMEDIES[code]


def test_lines_come_out_of_a_payload_as_they_went_in(api: MissionApi) -> None:
    lines = [b'{"a":"x\\n,\\ny"}', b'{"b":"}"}', b"{}"]
    assert MissionApi.lines(api.payload("key", lines)) == lines


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_batch_carries_the_fields_that_mission_named(
    api: MissionApi, mission: MissionSandbox, status: int
) -> None:
    mission.fault("reject_batch", status=status, message="no", code="VALIDATION_ERROR")
    answer = send(api, "a")
    assert isinstance(answer, BatchRefused)
    assert answer.error.code == "VALIDATION_ERROR"
    assert answer.error.message.startswith("no")


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_fatal_with_the_remedy(api: MissionApi, mission: MissionSandbox, status: int) -> None:
    mission.fault("status", status=status)
    with pytest.raises(AccessDenied) as caught:
        send(api, "a")
    assert caught.value.error_code == "MISSION_KEY_REFUSED"
    assert KEY not in f"{caught.value!r} {caught.value} {caught.value.remedy} {caught.value.details}"


@pytest.mark.parametrize("status", [301, 404, 405, 415, 418])
def test_an_answer_outside_the_contract_is_fatal(api: MissionApi, mission: MissionSandbox, status: int) -> None:
    mission.fault("status", status=status, body="<p>somewhere else</p>")
    with pytest.raises(TargetError, match=str(status)):
        send(api, "a")


@pytest.mark.parametrize("body", ["[]", "3", "null", "<html>", '{"imported": 1'])
def test_an_answer_that_is_no_object_is_an_unknown_outcome(api: MissionApi, mission: MissionSandbox, body: str) -> None:
    mission.fault("status_only", body=body)
    with pytest.raises(ConnectionLost) as caught:
        send(api, "a")
    assert caught.value.error_code == "ANSWER_UNREADABLE"


def test_a_batch_still_under_way_is_asked_for_again(api: MissionApi, mission: MissionSandbox) -> None:
    mission.fault("status", status=409)
    with pytest.raises(ConnectionLost) as caught:
        send(api, "a")
    assert caught.value.error_code == "BATCH_IN_PROGRESS"
    assert isinstance(send(api, "a"), BatchAnswer)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_busy_mission_is_transient(api: MissionApi, mission: MissionSandbox, status: int) -> None:
    mission.fault("status", status=status)
    with pytest.raises(MigrateError) as caught:
        send(api, "a")
    assert caught.value.error_code == "SERVICE_UNAVAILABLE"


def test_read_back_and_totals_are_none_where_mission_offers_none(api: MissionApi, mission: MissionSandbox) -> None:
    send(api, "a", "b")
    page = api.records("people", None, 1)
    assert page is not None
    following = api.records("people", page["next"], 5)
    assert following is not None
    assert [row["external_id"] for row in page["records"] + following["records"]] == ["a", "b"]
    mission.fault("status", status=404, times=2)
    assert (api.totals(), api.records("people", None, 5)) == (None, None)


def _tries_of_nobody(*, known: bool) -> int:
    """How often a port where nobody listens is asked before the call gives up."""
    waits: list[float] = []

    class Counting(Control):
        def wait(self, seconds: float) -> None:
            waits.append(seconds)

    control = Counting()
    patient = RetryPolicy(first=0.0, patience=20)
    door = HttpClient("http://127.0.0.1:9", secret_headers={}, connections=1, control=control)
    with door as http, pytest.raises(ConnectionLost):
        send(MissionApi(http, "grace", control, patient, known=known), "a")
    return len(waits)


def test_a_mission_that_never_answered_is_given_up_early() -> None:
    assert (_tries_of_nobody(known=True), _tries_of_nobody(known=False)) == (20, 6)


def test_one_answer_earns_it_all_patience(mission: MissionSandbox) -> None:
    control = Control()
    policy = RetryPolicy(first=0.0, longest=0.0, patience=20)
    with HttpClient(mission.url, secret_headers={"X-Integration-Key": KEY}, connections=2, control=control) as http:
        api = MissionApi(http, "grace", control, policy, known=False)
        send(api, "a")
        mission.fault("drop_before", times=15)
        assert isinstance(send(api, "b"), BatchAnswer)
