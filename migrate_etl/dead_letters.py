"""Dead letters: records that failed, seen, corrected by hand and replayed as a job of their own.

A finished job never changes: its dead letters stay as they were. Corrections stand in the receipts book of the target,
which all its jobs share, with author and reason.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

import orjson
import polars as pl

from migrate_etl.entities import ENTITIES
from migrate_etl.job import ImportJob
from migrate_etl.mission.encode import fingerprints
from migrate_etl.mission.funds import FUNDS
from migrate_etl.mission.planning import Loadable
from migrate_etl.mission.receipts import ReceiptsBook
from migrate_etl.spec import RecordKind
from migrate_etl.workspace import Workspace
from migrate_transfer.core.errors import InvalidRequest
from migrate_transfer.ledger import Ledger, Totals

KINDS: Final[tuple[Loadable, ...]] = (FUNDS, *ENTITIES.values())
"""Whose records may fail, in the order in which they are replayed."""

AMOUNT = re.compile(r"-?(0|[1-9][0-9]{0,15})\.[0-9]{2}")
"""An amount as the wire has it."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One failed record: the payload as it was sent, and the corrected one where somebody corrected that payload (a
    correction of what Rock said before is none of what it says now)."""

    entity: RecordKind
    id: int
    external_id: str
    code: str
    message: str
    remedy: str
    payload: bytes
    corrected: bytes | None
    replayed: bool

    @property
    def to_send(self) -> bytes:
        return self.corrected or self.payload


def dead_letters(workspace: Workspace) -> list[DeadLetter]:
    """All dead letters of a job, in ledger order."""
    letters: list[DeadLetter] = []
    with (
        Ledger.open(workspace.ledger_path) as ledger,
        ReceiptsBook.open(workspace.receipts) as book,
    ):
        for part, found in groupby(ledger.failed(), key=lambda row: row[0]):
            entity = _kind(part)
            items = [item for _, item in found]
            accepted = book.lookup(entity.name, pl.Series([item.id for item in items], dtype=pl.Int64))
            prints = fingerprints([item.payload for item in items])
            corrected = {
                (row[0], row[1].encode()): row[2].encode() for row in book.corrections(entity.name).iter_rows()
            }
            letters += [
                DeadLetter(
                    entity.name,
                    item.id,
                    item.external_id,
                    item.code,
                    item.message,
                    item.remedy,
                    item.payload,
                    corrected.get((item.id, item.payload)),
                    last == own,
                )
                for item, last, own in zip(items, accepted.to_list(), prints, strict=True)
            ]
    return letters


def _kind(part: str) -> Loadable:
    return next(kind for kind in KINDS if kind.name == part.split("/")[0])


def correct(workspace: Workspace, external_id: str, changes: Mapping[str, Any], author: str, reason: str) -> DeadLetter:
    """Note a correction of a dead letter's fields, on top of those noted before; `replay` sends it.

    Raises InvalidRequest when there is no such dead letter, a field is not the record's, the amount is no amount with
    two decimals, or author or reason is empty.
    """
    letter = next((one for one in dead_letters(workspace) if one.external_id == external_id), None)
    if letter is None:
        raise InvalidRequest(
            f"{external_id} is not among the dead letters of this job.",
            remedy="List them with `migrate dead-letters list`.",
        )
    if not author.strip() or not reason.strip():
        raise InvalidRequest("A correction needs an author and a reason.", remedy="Give --author and --reason.")
    record = orjson.loads(letter.to_send)
    unknown = sorted(set(changes) - set(record) | set(changes) & {"external_id"})
    if unknown:
        raise InvalidRequest(
            f"These fields cannot be set: {', '.join(unknown)}.", remedy=f"Fields of the record: {', '.join(record)}."
        )
    if "amount" in changes:
        _require_amount(changes["amount"])
    corrected = orjson.dumps({**record, **changes})
    with ReceiptsBook.open(workspace.receipts) as book:
        when = datetime.now(UTC).isoformat(timespec="seconds")
        book.correct(letter.entity, letter.id, letter.payload.decode(), corrected.decode(), author, reason, when)
    return next(one for one in dead_letters(workspace) if one.external_id == external_id)


def _require_amount(value: object) -> None:
    if not isinstance(value, str) or not AMOUNT.fullmatch(value):
        raise InvalidRequest("The amount must be a text with two decimals.", remedy='Give it like amount="12.50".')


def replay(job: ImportJob, letters: Sequence[DeadLetter]) -> Mapping[RecordKind, Totals]:
    """Send dead letters, corrected where they are, as the new job `job`; returns its totals per kind of record.

    A corrected record that Mission accepts keeps its original's fingerprint in the receipts book: the next import
    finds it unchanged and does not undo the correction.
    """
    totals: dict[RecordKind, Totals] = {}
    for kind in KINDS:
        entity = kind.name
        mine = _parents_first(letter for letter in letters if letter.entity == entity)
        if not mine:
            continue
        job.ledger.discovered(entity, len(mine))
        with job.ledger.lease(entity):
            ids, lines = [letter.id for letter in mine], [letter.to_send for letter in mine]
            job.loader.replay(entity, kind, ids, lines)
            failed = {item.id for _, item in job.ledger.failed(entity)}
            _keep_originals(job, entity, mine, failed)
        totals[entity] = job.ledger.totals(entity)
    return totals


def _parents_first(letters: Iterable[DeadLetter]) -> list[DeadLetter]:
    """A group or fund behind its parent, where that failed too; a circle keeps its order."""
    waiting = {letter.external_id: letter for letter in letters}
    ordered: list[DeadLetter] = []
    for letter in list(waiting.values()):
        road: dict[str, DeadLetter] = {}
        at: str | None = letter.external_id
        while at in waiting:
            road[at] = waiting.pop(at)
            at = orjson.loads(road[at].to_send).get("external_parent_id")
        ordered += reversed(road.values())
    return ordered


def _keep_originals(job: ImportJob, entity: RecordKind, letters: Sequence[DeadLetter], failed: Collection[int]) -> None:
    for letter in letters:
        if letter.corrected and letter.id not in failed:
            job.receipts.accepted(
                entity, f"{job.spec.job_id}:correction:{letter.id}", [letter.id], fingerprints([letter.payload])
            )
