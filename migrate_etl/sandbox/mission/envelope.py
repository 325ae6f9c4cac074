"""The envelope of a request: headers and JSON around the records. What is wrong here refuses the batch as a whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from migrate_etl.sandbox.mission.answers import Refusal, invalid
from migrate_etl.sandbox.mission.values import Unfit, external_id

LARGEST_BATCH = 500
LARGEST_BODY = 16 * 2**20

is_batch_id = re.compile(r"[0-9a-f]{64}").fullmatch
is_slug = re.compile(r"[a-z0-9][a-z0-9-]{0,62}").fullmatch


@dataclass(frozen=True, slots=True)
class Batch:
    """A request whose envelope is right; every record is an object with a usable `external_id`."""

    organization: str
    records: list[dict[str, Any]]


def check_transport(headers: Mapping[str, str], body: bytes) -> None:
    """Raises Refusal: 413 too large, 415 not JSON or compressed, 400 without a usable Idempotency-Key."""
    if len(body) > LARGEST_BODY:
        raise Refusal(413)
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json" or headers.get("content-encoding", "identity").lower() != "identity":
        raise Refusal(415)
    if not is_batch_id(headers.get("idempotency-key", "")):
        raise invalid({"Idempotency-Key": "the batch id expected, 64 lower-case hexadecimal digits"})


def read_batch(body: bytes, idempotency_key: str) -> Batch:
    """Raises Refusal (400), naming every field that is wrong."""
    try:
        envelope = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise invalid({"body": "JSON expected"}) from error
    if not isinstance(envelope, dict):
        raise invalid({"body": "an object expected"})
    wrong = _wrong_head(envelope, idempotency_key)
    records = envelope.get("records")
    wrong.update(_wrong_records(records))
    if wrong or not isinstance(records, list):
        raise invalid(wrong)
    return Batch(envelope["organization"], records)


def _wrong_head(envelope: Mapping[str, Any], idempotency_key: str) -> dict[str, str]:
    wrong = dict.fromkeys(envelope.keys() - {"organization", "batch_id", "records"}, "unknown field")
    if not (isinstance(slug := envelope.get("organization"), str) and is_slug(slug)):
        wrong["organization"] = "an organisation's slug expected"
    if envelope.get("batch_id") != idempotency_key:
        wrong["batch_id"] = "the same as Idempotency-Key expected"
    return wrong


def _wrong_records(records: object) -> dict[str, str]:
    if not isinstance(records, list):
        return {"records": "a list expected"}
    if not 1 <= len(records) <= LARGEST_BATCH:
        return {"records": f"1 to {LARGEST_BATCH} records expected"}
    return {f"records[{n}]{path}": text for n, record in enumerate(records) for path, text in _wrong_name(record)}


def _wrong_name(record: object) -> list[tuple[str, str]]:
    if not isinstance(record, dict):
        return [("", "an object expected")]
    try:
        external_id(record.get("external_id"))
    except Unfit as error:
        return [(".external_id", str(error))]
    return []
