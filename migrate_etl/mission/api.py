"""MissionApi: everything we know of the Mission import API's wire, in one place.

The contract stands in docs/mission-import.openapi.yaml. Paths, header, batch limit and error body are documented by
Mission; the rest is ours until Mission's own reference is at hand, and changes here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

import orjson

from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import AccessDenied, ConnectionLost, TargetError
from migrate_transfer.core.retry import RetryPolicy
from migrate_transfer.net.http import HttpAnswer, HttpClient

FUNDS_PATH = "/api/import/funds"
PLACEHOLDER_NAME = "Unknown"
"""Mission requires a first and a last name; an empty one becomes this on the wire."""

REMEDIES: Mapping[str, str] = {
    "VALIDATION_ERROR": "Correct the field that the message names, in Rock or by hand, and replay the record.",
    "PERSON_NOT_FOUND": "Import people first (or add them to the job's entities), then retry the failed records.",
    "GROUP_NOT_FOUND": "Import groups first (or add them to the job's entities), then retry the failed records.",
    "FAMILY_NOT_FOUND": "Import families first, then retry the failed records.",
    "PARENT_NOT_FOUND": "The parent was refused or left out; correct it first, then retry the failed records.",
    "DUPLICATE_MEMBER": "Remove the second membership of the person in Rock, or correct the record, and replay it.",
    "FUND_NOT_FOUND": "Check that the fund exists in Mission, then retry the failed records.",
    "ANSWER_INCONSISTENT": "Mission may hold the record all the same: see whether it does, then replay it.",
    "HTTP_413": "The record is larger than Mission takes: shorten its longest text or list and replay it.",
}
"""Remedies by Mission's per-record codes; another code gets the general one."""

GENERAL_REMEDY = "Read Mission's message, correct the record and replay it from the dead letters."

FIRST_TRIES = 6
"""Failures, within half a minute, after which a Mission that never answered is given up."""

Grade = Literal["counts", "status"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RecordError:
    """Why Mission refused one record."""

    code: str
    message: str

    @property
    def remedy(self) -> str:
        return REMEDIES.get(self.code, GENERAL_REMEDY)


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What Mission said of a batch it took: counts where it gave them (`grade` counts), else only that it took it."""

    grade: Grade
    imported: int = 0
    updated: int = 0
    skipped: int = 0
    errors: Mapping[str, RecordError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BatchRefused:
    """Mission refused a batch as a whole, or said that records failed without naming them."""

    error: RecordError


class MissionApi:
    """The import API of one organisation. Thread-safe; errors never carry the key.

    Until it has answered once, now or (`known`) in an earlier job, half a minute is patience enough: a wrong address
    does not mend.
    """

    def __init__(
        self, http: HttpClient, organization: str, control: Control, retry: RetryPolicy, *, known: bool = True
    ) -> None:
        self._http, self._organization = http, organization
        self._control, self._retry, self._known = control, retry, known

    def payload(self, batch_key: str, lines: Sequence[bytes]) -> bytes:
        """The request body for records already encoded, one JSON object a line."""
        head = f'{{"organization":"{self._organization}","batch_id":"{batch_key}","records":[\n'
        return head.encode() + b",\n".join(lines) + b"\n]}"

    @staticmethod
    def lines(payload: bytes) -> list[bytes]:
        """The records of a payload, to the letter as they were encoded (JSON escapes every newline in a text)."""
        return payload.split(b"\n", 1)[1].rsplit(b"\n", 1)[0].split(b",\n")

    def send(
        self, path: str, batch_key: str, payload: bytes, members: int, control: Control | None = None
    ) -> BatchAnswer | BatchRefused:
        """Post a batch; asks again under the same key until the outcome is known, or `control` ends the waiting.

        Raises AccessDenied (401, 403), TargetError (404, redirects, other refusals), TransientError when Mission
        stays away longer than the retry policy's patience, Stopped.
        """
        control = control or self._control
        return self._patiently(lambda: self._once(path, batch_key, payload, members, control), control)

    def _patiently(self, call: Callable[[], T], control: Control) -> T:
        policy = self._retry if self._known else replace(self._retry, patience=min(FIRST_TRIES, self._retry.patience))
        answer = policy.run(call, control)
        self._known = True
        return answer

    def _once(
        self, path: str, batch_key: str, payload: bytes, members: int, control: Control
    ) -> BatchAnswer | BatchRefused:
        headers = {"Idempotency-Key": batch_key, "Content-Type": "application/json"}
        answer = self._http.post(path, payload, headers, control=control)
        if 200 <= answer.status < 300:
            return _accepted(answer, members)
        if answer.status in (400, 413, 422):
            return BatchRefused(_error(answer))
        raise _refusal(answer)

    def totals(self) -> dict[str, Any] | None:
        """Mission's own counts and sums, or None where it offers none."""
        return self._get("/api/import/totals", {"organization": self._organization})

    def records(self, entity: str, after: str | None, limit: int) -> dict[str, Any] | None:
        """One page of what Mission holds: `records` and the cursor `next`; None where it offers no read-back."""
        params = {"organization": self._organization, "entity": entity, "limit": str(limit)}
        if after is not None:
            params["after"] = after
        return self._get("/api/import/records", params)

    def _get(self, path: str, params: Mapping[str, str]) -> dict[str, Any] | None:
        def once() -> dict[str, Any] | None:
            answer = self._http.request("GET", path, params=params)
            if answer.status in (404, 405, 501) and _error(answer).code != "ORGANIZATION_NOT_FOUND":
                return None
            if answer.status != 200:
                raise _refusal(answer)
            return _object(answer)

        return self._patiently(once, self._control)


def _object(answer: HttpAnswer) -> dict[str, Any]:
    try:
        body = orjson.loads(answer.content)
    except orjson.JSONDecodeError as error:
        raise ConnectionLost(
            f"Mission answered {answer.status} with something that is not JSON.",
            code="ANSWER_UNREADABLE",
            remedy="See whether a proxy answers in Mission's place; the job goes on where it stopped.",
        ) from error
    if not isinstance(body, dict):
        raise ConnectionLost(f"Mission answered {answer.status} with JSON that is no object.", code="ANSWER_UNREADABLE")
    return body


def _accepted(answer: HttpAnswer, members: int) -> BatchAnswer | BatchRefused:
    """An empty body, or one without counts, says only that the batch was taken; nothing more is invented."""
    if not answer.content.strip():
        return BatchAnswer("status")
    body = _object(answer)
    if not {"imported", "updated", "skipped", "errored"} & body.keys() and not body.get("errors"):
        return BatchAnswer("status")
    counts = [_count(body.get(name)) for name in ("imported", "updated", "skipped", "errored")]
    errors = {
        str(row["external_id"]): RecordError(str(row.get("code") or "REJECTED"), str(row.get("message") or ""))
        for row in body.get("errors") or ()
        if isinstance(row, dict) and "external_id" in row
    }
    if counts[3] != len(errors) or sum(counts) != members:
        message = (
            f"Mission's counts ({'+'.join(map(str, counts))}) do not account for the {members} records of the batch."
        )
        return BatchRefused(RecordError("ANSWER_INCONSISTENT", message))
    return BatchAnswer("counts", counts[0], counts[1], counts[2], errors)


def _count(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _error(answer: HttpAnswer) -> RecordError:
    try:
        body = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        return RecordError(f"HTTP_{answer.status}", f"Mission answered {answer.status}.")
    details = body.get("details")
    fields = details.get("fields") if isinstance(details, dict) else None
    message = str(body.get("error") or f"Mission answered {answer.status}.")
    if isinstance(fields, dict):
        message += " " + "; ".join(f"{name}: {text}" for name, text in sorted(fields.items()))
    return RecordError(str(body.get("code") or f"HTTP_{answer.status}"), message[:1000])


def _refusal(answer: HttpAnswer) -> AccessDenied | TargetError | ConnectionLost:
    error = _error(answer)
    if answer.status in (401, 403):
        return AccessDenied(
            f"Mission refused the integration key ({answer.status} {error.code}).",
            code="MISSION_KEY_REFUSED",
            remedy="Make a new integration key in Mission, put it into the job and start the job again.",
        )
    if error.code == "ORGANIZATION_NOT_FOUND":
        return TargetError(
            "Mission does not know the organisation.",
            code="ORGANIZATION_NOT_FOUND",
            remedy="Check the organisation slug against Mission's address bar, and that the key belongs to it.",
        )
    if answer.status == 409:
        return ConnectionLost("Mission is still busy with this very batch.", code="BATCH_IN_PROGRESS")
    return TargetError(
        f"Mission answered {answer.status} {error.code}: {error.message}",
        code="MISSION_UNEXPECTED",
        remedy="Check the Mission API URL (its base, without /api) and that the organisation may import.",
        details={"status": answer.status},
    )
