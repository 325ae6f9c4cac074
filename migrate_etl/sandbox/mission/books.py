"""The books: one SQLite file with a table for each kind of record (see shapes.py) and three of its own.

  organizations (slug)
  keys          (key_sha256, organization, revoked): integration keys, never in clear
  answers       (organization, idempotency_key, path, body_sha256, records, answer): what was answered, for replays

A batch and its answer are one transaction, committed before the answer is sent (WAL; it survives a killed process).
Nothing is remembered outside the file, so a row planted, changed or deleted by SQL counts from the next request on.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from migrate_etl.sandbox.mission.answers import FORBIDDEN_DETAILS, Refusal, invalid
from migrate_etl.sandbox.mission.shapes import SHAPES, Shape
from migrate_etl.sandbox.mission.values import Stored, Unfit

OWN_TABLES = (
    "CREATE TABLE IF NOT EXISTS organizations (slug TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS keys (key_sha256 TEXT PRIMARY KEY, organization TEXT NOT NULL, "
    "revoked INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS answers (organization TEXT, idempotency_key TEXT, path TEXT NOT NULL, "
    "body_sha256 TEXT NOT NULL, records INTEGER NOT NULL, answer BLOB NOT NULL, "
    "PRIMARY KEY (organization, idempotency_key)) STRICT, WITHOUT ROWID",
)


Row = tuple[Stored, ...]


@dataclass(frozen=True, slots=True)
class RecordError:
    """Why one record was refused; the message never repeats its content."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Handling:
    """How a batch is to be treated apart from the contract: records to refuse, and whether one bad record sinks it."""

    refuse: Mapping[str, RecordError]
    strict_status: int | None = None


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    path: str
    body_sha256: str
    records: int
    answer: bytes


class Books:
    """The writing side. For one thread; readers open connections of their own (see reading.py)."""

    def __init__(self, database: Path) -> None:
        self._connection = sqlite3.connect(database, isolation_level=None, timeout=30)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-65536"):
            self._connection.execute(f"PRAGMA {pragma}")
        for statement in (*OWN_TABLES, *(shape.table for shape in SHAPES.values())):
            self._connection.execute(statement)

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield

    def admit(self, organization: str, key: str) -> None:
        """Let a key in; one that was revoked stays revoked."""
        with self.transaction():
            self._connection.execute("INSERT OR IGNORE INTO organizations VALUES (?)", (organization,))
            self._connection.execute(
                "INSERT OR IGNORE INTO keys (key_sha256, organization) VALUES (?, ?)", (_hash(key), organization)
            )

    def owner(self, key: str | None) -> str:
        """The organisation a key belongs to. Raises Refusal: 401 missing or unknown, 403 revoked."""
        found = self._connection.execute(
            "SELECT organization, revoked FROM keys WHERE key_sha256 = ?", (_hash(key or ""),)
        ).fetchone()
        if found is None:
            raise Refusal(401)
        if found[1]:
            raise Refusal(403, details=FORBIDDEN_DETAILS)
        return str(found[0])

    def revoke(self, key: str | None = None) -> None:
        """Revoke one key, or all of them."""
        self._connection.execute(
            "UPDATE keys SET revoked = 1 WHERE ? IS NULL OR key_sha256 = ?", (key, _hash(key or ""))
        )

    def clear(self) -> None:
        """Forget every record and answer, and let revoked keys in again."""
        with self.transaction():
            for table in (*SHAPES, "answers"):
                self._connection.execute(f"DELETE FROM {table}")
            self._connection.execute("UPDATE keys SET revoked = 0")

    def answered(self, organization: str, idempotency_key: str) -> StoredAnswer | None:
        found = self._connection.execute(
            "SELECT path, body_sha256, records, answer FROM answers WHERE organization = ? AND idempotency_key = ?",
            (organization, idempotency_key),
        ).fetchone()
        return StoredAnswer(*found) if found else None

    def take(
        self,
        organization: str,
        shape: Shape,
        batch_id: str,
        records: Sequence[dict[str, Any]],
        body_sha256: str,
        handling: Handling,
    ) -> bytes:
        """Store a batch together with its answer, and return the answer. Raises Refusal where nothing is stored."""
        with self.transaction():
            answer = orjson.dumps(self._store(organization, shape, batch_id, records, handling))
            self._connection.execute(
                "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)",
                (organization, batch_id, shape.path, body_sha256, len(records), answer),
            )
        return answer

    def _store(
        self, organization: str, shape: Shape, batch_id: str, records: Sequence[dict[str, Any]], handling: Handling
    ) -> dict[str, Any]:
        rows = [_row(shape, record, handling) for record in records]
        held = self._held(organization, shape, [record["external_id"] for record in records])
        known = self._known(organization, shape, records, rows)
        counts = {"imported": 0, "updated": 0, "skipped": 0}
        errors: dict[int, RecordError] = {}
        writes: dict[str, Row] = {}
        for n, (record, row) in enumerate(zip(records, rows, strict=True)):
            verdict = row if isinstance(row, RecordError) else _unheld(shape, record, known) or row
            if isinstance(verdict, RecordError):
                errors[n] = verdict
                continue
            name = record["external_id"]
            before = held.get(name)
            counts["imported" if before is None else "skipped" if before == verdict else "updated"] += 1
            if before != verdict:
                held[name] = writes[name] = verdict
            known.get(shape.entity, set()).add(name)
        if errors and handling.strict_status is not None:
            fields = {f"records[{n}]": f"{error.code}: {error.message}" for n, error in errors.items()}
            raise invalid(fields, handling.strict_status)
        self._write(organization, shape, batch_id, writes)
        listed = [
            {"external_id": records[n]["external_id"], "code": error.code, "message": error.message}
            for n, error in errors.items()
        ]
        return {**counts, "errored": len(errors), "errors": listed}

    def _held(self, organization: str, shape: Shape, names: Sequence[str]) -> dict[str, Row]:
        """What the books hold of these records now."""
        rows = self._connection.execute(
            f"SELECT {', '.join(shape.columns)} FROM {shape.entity} "
            "WHERE organization = ? AND external_id IN (SELECT value FROM json_each(?))",
            (organization, orjson.dumps(names).decode()),
        )
        return {row[0]: row for row in rows}

    def _known(
        self,
        organization: str,
        shape: Shape,
        records: Sequence[dict[str, Any]],
        rows: Sequence[Row | RecordError],
    ) -> dict[str, set[str]]:
        """For each kind the batch may refer to: those of the named records that the books hold."""
        wanted: dict[str, set[str]] = {kind: set() for kind, _ in shape.refers.values()}
        for record, row in zip(records, rows, strict=True):
            if not isinstance(row, RecordError):
                for _, kind, name in shape.named(record):
                    wanted[kind].add(name)
        return {kind: self._existing(organization, kind, names) for kind, names in wanted.items()}

    def _existing(self, organization: str, kind: str, names: set[str]) -> set[str]:
        found = self._connection.execute(
            f"SELECT external_id FROM {kind} "
            "WHERE organization = ? AND external_id IN (SELECT value FROM json_each(?))",
            (organization, orjson.dumps(list(names)).decode()),
        )
        return {name for (name,) in found}

    def _write(self, organization: str, shape: Shape, batch_id: str, writes: Mapping[str, Row]) -> None:
        columns = ("organization", *shape.columns, "batch_id")
        changes = ", ".join(f"{name} = excluded.{name}" for name in (*shape.columns[1:], "batch_id"))
        self._connection.executemany(
            f"INSERT INTO {shape.entity} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
            f"ON CONFLICT (organization, external_id) DO UPDATE SET {changes}",
            [(organization, *row, batch_id) for row in writes.values()],
        )


def _row(shape: Shape, record: dict[str, Any], handling: Handling) -> Row | RecordError:
    if (refused := handling.refuse.get(record["external_id"])) is not None:
        return refused
    try:
        row = shape.row(record)
    except Unfit as error:
        return RecordError("VALIDATION_ERROR", str(error))
    if "members" in record:
        people = [member["external_person_id"] for member in record["members"]]
        if len(set(people)) != len(people):
            return RecordError("DUPLICATE_MEMBER", "members: a person is named twice")
    return row


def _unheld(shape: Shape, record: dict[str, Any], known: Mapping[str, set[str]]) -> RecordError | None:
    """The first reference of a fit record to something that is not held."""
    for field, kind, name in shape.named(record):
        if name not in known[kind]:
            return RecordError(shape.refers[field][1], f"{field}: Mission holds no such record")
    return None


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
