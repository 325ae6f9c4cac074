"""Misbehaviour on command, as data: which request, what goes wrong, how often. Scripted, never random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

from migrate_etl.sandbox.mission.answers import FORBIDDEN_DETAILS, Refusal, invalid, too_many
from migrate_etl.sandbox.mission.books import Handling, RecordError

Preparation = Literal["slow", "revoke_key", "reject_records", "strict_batch"]
Ending = Literal[
    "status",
    "reject_batch",
    "drop_before",
    "status_after_commit",
    "drop_after_commit",
    "truncate",
    "not_json",
    "status_only",
]
PREPARATIONS = ("slow", "revoke_key", "reject_records", "strict_batch")
LASTING = ("reject_records", "reject_batch", "strict_batch")


@dataclass(frozen=True)
class Received:
    """A request to the contract's paths, with its whole body. Header names are lower-case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def external_ids(self) -> frozenset[str]:
        """The records' external ids, as far as the body can be read."""
        try:
            records = orjson.loads(self.body)["records"]
            return frozenset(str(record["external_id"]) for record in records)
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return frozenset()


class Match(BaseModel):
    """Which requests a fault is about; left out means any. `nth` counts the matching ones from 1, since posted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str | None = None
    method: Literal["GET", "POST"] | None = None
    external_ids: frozenset[str] | None = None
    """The batch holds at least one of these records."""
    nth: Annotated[int, Field(ge=1)] = 1

    def fits(self, received: Received) -> bool:
        return (
            self.path in (None, received.path)
            and self.method in (None, received.method)
            and (self.external_ids is None or not self.external_ids.isdisjoint(received.external_ids))
        )


class Fault(BaseModel):
    """One thing that goes wrong, from the nth matching request on, `times` times (null: from then on, always).

    Actions that only prepare, and may come together:
      slow                 wait `milliseconds` before working on the request
      revoke_key           the request's key is revoked, for ever
      reject_records       the records named in `external_ids` are errored with `code`
      strict_batch         a batch with any bad record is refused whole: `status` (default 400), details.fields
    Actions that end the request (the first posted wins):
      status               answer `status` at once (default 503), with `retry_after` and `body` where given
      reject_batch         as status, default 400; only batches that hold one of `external_ids`, where given
      drop_before          cut the TCP connection before anything is stored
      status_after_commit  work on it, then answer `status` (default 500)
      drop_after_commit    work on it, then cut the TCP connection
      truncate             work on it, then send half of the answer and close
      not_json             work on it, then answer 200 with HTML
      status_only          work on it, then answer `status` (default 200) with `body` (default nothing; "{}" is another)

    `times` defaults to 1, for reject_records, reject_batch and strict_batch to null. A status without `body` carries
    the contract's error body, with `code` and `message` where given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Preparation | Ending
    match: Match = Match()
    times: Annotated[int, Field(ge=1)] | None = None
    external_ids: frozenset[str] = frozenset()
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    code: str | None = None
    message: str | None = None
    retry_after: Annotated[int, Field(ge=0)] | None = None
    body: str | None = None
    milliseconds: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _defaults(self) -> Self:
        if "times" not in self.model_fields_set and self.action not in LASTING:
            object.__setattr__(self, "times", 1)
        if self.action.startswith("reject_") and self.external_ids and self.match.external_ids is None:
            narrowed = self.match.model_copy(update={"external_ids": self.external_ids})
            object.__setattr__(self, "match", narrowed)
        return self

    def refusal(self, default: int) -> Refusal:
        """The error that `status` stands for, with a body as the contract has it."""
        status = self.status or default
        if status == 429:
            refusal = too_many(100, "1m", self.retry_after or 0)
        elif status == 400:
            refusal = invalid({"records": "refused by the fault script"})
        else:
            refusal = Refusal(status, details=FORBIDDEN_DETAILS if status == 403 else None)
        if self.retry_after is not None:
            refusal.headers["Retry-After"] = str(self.retry_after)
        refusal.code, refusal.message = self.code or refusal.code, self.message or refusal.message
        return refusal


@dataclass(slots=True)
class _Armed:
    fault: Fault
    seen: int = 0

    def strikes(self, received: Received) -> bool:
        if not self.fault.match.fits(received):
            return False
        self.seen += 1
        past = self.seen - self.fault.match.nth
        return past >= 0 and (self.fault.times is None or past < self.fault.times)


@dataclass(slots=True)
class FaultScript:
    """The faults that were posted, in order."""

    _armed: list[_Armed] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        self._armed.append(_Armed(fault))

    def clear(self) -> None:
        self._armed.clear()

    def striking(self, received: Received) -> list[Fault]:
        """The faults that strike this request; each call counts it once for every fault."""
        return [armed.fault for armed in self._armed if armed.strikes(received)]


def handling(faults: list[Fault]) -> Handling:
    """How the books are to treat the batch under these faults."""
    refuse = {
        name: RecordError(fault.code or "VALIDATION_ERROR", fault.message or "refused by the fault script")
        for fault in faults
        if fault.action == "reject_records"
        for name in fault.external_ids
    }
    strict = next((fault.status or 400 for fault in faults if fault.action == "strict_batch"), None)
    return Handling(refuse, strict)


def ending(faults: list[Fault]) -> Fault | None:
    return next((fault for fault in faults if fault.action not in PREPARATIONS), None)
