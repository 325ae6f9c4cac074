"""Requests that are wrong as a whole store nothing and say which field it is."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

ID = "a" * 64


def fields_of(mission: Any, body: object, key: str = ID) -> dict[str, str]:
    """Post a fund batch that must be refused with 400, and return `details.fields`."""
    answer = mission.send("funds", key, body if isinstance(body, bytes) else json.dumps(body).encode())
    mission.contract.check(answer)
    assert answer.status_code == 400
    assert mission.sandbox.sql("SELECT count(*) FROM funds") == [(0,)]
    return answer.json()["details"]["fields"]


def envelope(mission: Any, **changes: Any) -> dict[str, Any]:
    return {"organization": "grace-church", "batch_id": ID, "records": [mission.record("funds", 1)], **changes}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b"null", b'{"a":1e999}', b"[" * 5000])
def test_no_json_object(mission: Any, body: bytes) -> None:
    assert fields_of(mission, body).keys() & {"body", "organization"}


@pytest.mark.parametrize("name", ["organization", "batch_id", "records"])
def test_a_missing_field(mission: Any, name: str) -> None:
    body = envelope(mission)
    del body[name]
    assert list(fields_of(mission, body)) == [name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("organization", "Grace Church"),
        ("organization", None),
        ("organization", "grace-church\n"),
        ("batch_id", "b" * 64),
        ("batch_id", None),
        ("records", {}),
        ("records", []),
        ("more", 1),
    ],
)
def test_a_wrong_field(mission: Any, name: str, value: object) -> None:
    assert list(fields_of(mission, envelope(mission, **{name: value}))) == [name]


def test_500_records_are_taken_and_501_are_not(mission: Any) -> None:
    funds = [mission.record("funds", n) for n in range(501)]
    assert fields_of(mission, envelope(mission, records=funds)) == {"records": "1 to 500 records expected"}
    assert mission.counts(mission.post("funds", funds[:500])) == (500, 0, 0, 0)


@pytest.mark.parametrize("name", [None, 7, "", "with blank", "é", "x" * 129])
def test_a_record_without_a_usable_id_sinks_the_batch(mission: Any, name: object) -> None:
    records = [mission.record("funds", 1), mission.record("funds", 2) | {"external_id": name}]
    assert list(fields_of(mission, envelope(mission, records=records))) == ["records[1].external_id"]


def test_a_record_that_is_no_object(mission: Any) -> None:
    assert list(fields_of(mission, envelope(mission, records=[1, None]))) == ["records[0]", "records[1]"]


@pytest.mark.parametrize("key", ["", "short", "A" * 64])
def test_an_unusable_idempotency_key(mission: Any, key: str) -> None:
    assert list(fields_of(mission, envelope(mission, batch_id=key), key)) == ["Idempotency-Key"]


@pytest.mark.parametrize(
    "headers", [{"Content-Type": "text/plain"}, {"Content-Type": ""}, {"Content-Encoding": "gzip"}]
)
def test_what_is_not_plain_json_is_415(mission: Any, headers: dict[str, str]) -> None:
    body = gzip.compress(json.dumps(envelope(mission)).encode())
    answer = mission.send("funds", ID, body, **headers)
    mission.contract.check(answer)
    assert answer.status_code == 415


def test_a_charset_is_no_harm(mission: Any) -> None:
    answer = mission.post("funds", [mission.record("funds", 1)], **{"Content-Type": "application/json; charset=utf-8"})
    assert mission.counts(answer) == (1, 0, 0, 0)


def test_a_body_over_16_mib_is_413(mission: Any) -> None:
    answer = mission.send("funds", ID, b" " * (16 * 2**20 + 1))
    mission.contract.check(answer)
    assert (answer.status_code, answer.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
