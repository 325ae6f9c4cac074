"""The ledger: every item of a job once, with exactly one outcome, on disk before anything moves.

SQLite in WAL mode, one file a job, shared by threads and processes. Records are kept by batch with their ids packed
(64-bit little-endian); a record has a row of its own only where it differs from its batch. Totals are recounted from
the rows, never kept as counters.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from migrate_transfer.core.errors import StorageError
from migrate_transfer.leases import FileLease

SCHEMA = """
create table if not exists part (name text primary key, discovered integer not null default 0,
  cursor integer not null default 0);
create table if not exists skip (part text not null, rule text not null, count integer not null,
  primary key (part, rule));
create table if not exists same (part text not null, cursor integer not null, count integer not null, ids blob not null,
  primary key (part, cursor));
create table if not exists batch (number integer primary key, part text not null, key text not null unique,
  count integer not null, ids blob not null, bytes integer not null, sha256 text not null, payload blob,
  state text not null default 'pending' check (state in ('pending', 'done', 'split')),
  imported integer, updated integer, skipped integer);
create index if not exists batch_open on batch (part, number) where state = 'pending';
create table if not exists item (part text not null, id integer not null, external_id text not null,
  code text not null,
  message text not null, remedy text not null, payload blob not null, batch integer, primary key (part, id)) without rowid;
"""


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """A batch before it is in the ledger: idempotency key, packed ids, the very bytes to send."""

    key: str
    ids: bytes
    payload: bytes

    @property
    def count(self) -> int:
        return len(self.ids) // 8


@dataclass(frozen=True, slots=True)
class Batch(PlannedBatch):
    """A batch that the ledger knows."""

    part: str
    number: int


@dataclass(frozen=True, slots=True)
class FailedItem:
    """A record that ended failed: why, what to do, and its payload as it was (to be) sent."""

    id: int
    external_id: str
    code: str
    message: str
    remedy: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts recomputed from the ledger; `skips` says how many were skipped under each rule."""

    discovered: int
    done: int
    unchanged: int
    skipped: int
    failed: int
    pending: int
    skips: Mapping[str, int]

    @property
    def balanced(self) -> bool:
        """The invariant: every item has exactly one outcome or is still pending."""
        return self.discovered == self.done + self.unchanged + self.skipped + self.failed + self.pending


class Ledger:
    """Thread-safe; a connection a thread, short immediate transactions. Raises StorageError when the disk fails."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        with self._translated():
            self._connection.executescript(SCHEMA)

    @classmethod
    def open(cls, path: Path) -> Ledger:
        return cls(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
        self._local = threading.local()

    @property
    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(self.path, timeout=60, isolation_level=None, check_same_thread=False)
            found.execute("pragma journal_mode=wal")
            found.execute("pragma synchronous=normal")
            self._local.connection = found
            with self._lock:
                self._opened.append(found)
        return found

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StorageError(f"The ledger {self.path.name} cannot be written or read: {error}") from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._translated():
            connection = self._connection
            connection.execute("begin immediate")
            try:
                yield connection
                connection.execute("commit")
            finally:
                if connection.in_transaction:
                    connection.execute("rollback")

    @contextmanager
    def lease(self, part: str) -> Iterator[None]:
        """The exclusive right to work on one part, held until the block or the process ends, however it ends.

        Raises AlreadyRunning when another holder is alive.
        """
        with FileLease(self.path.with_name("leases"), part):
            yield

    def discovered(self, part: str, count: int) -> None:
        """Enter how many items the scan found."""
        with self._transaction() as db:
            db.execute(
                "insert into part (name, discovered) values (?, ?)"
                " on conflict do update set discovered = excluded.discovered",
                (part, count),
            )

    def skips(self, part: str, counts: Mapping[str, int]) -> None:
        """Record how many items each rule left out; replaces what stood there."""
        with self._transaction() as db:
            db.execute("delete from skip where part = ?", (part,))
            db.executemany("insert into skip values (?, ?, ?)", [(part, rule, n) for rule, n in counts.items()])

    def cursor(self, part: str) -> int:
        """How many rows of the part's dataset are planned."""
        with self._translated():
            row = self._connection.execute("select cursor from part where name = ?", (part,)).fetchone()
        return int(row[0]) if row else 0

    def plan(
        self,
        part: str,
        batches: Sequence[PlannedBatch],
        *,
        unchanged: bytes,
        failed: Sequence[FailedItem],
        cursor: int,
    ) -> list[Batch]:
        """Enter a slice of the part in one transaction: batches to send, packed ids that need no sending, records that
        cannot be sent, and how far the part is planned now."""
        with self._transaction() as db:
            planned = [self._insert(db, part, batch) for batch in batches]
            if unchanged:
                db.execute("insert into same values (?, ?, ?, ?)", (part, cursor, len(unchanged) // 8, unchanged))
            self._fail(db, part, failed, None)
            db.execute(
                "insert into part (name, cursor) values (?, ?) on conflict do update set cursor = excluded.cursor",
                (part, cursor),
            )
        return planned

    @staticmethod
    def _insert(db: sqlite3.Connection, part: str, batch: PlannedBatch) -> Batch:
        digest = hashlib.sha256(batch.payload).hexdigest()
        row = (part, batch.key, batch.count, batch.ids, len(batch.payload), digest, batch.payload)
        number = db.execute(
            "insert into batch (part, key, count, ids, bytes, sha256, payload) values (?, ?, ?, ?, ?, ?, ?)", row
        ).lastrowid
        assert number is not None
        return Batch(batch.key, batch.ids, batch.payload, part, number)

    @staticmethod
    def _fail(db: sqlite3.Connection, part: str, failed: Sequence[FailedItem], batch: int | None) -> None:
        db.executemany(
            "insert or replace into item values (?, ?, ?, ?, ?, ?, ?, ?)",
            [(part, f.id, f.external_id, f.code, f.message, f.remedy, f.payload, batch) for f in failed],
        )

    def open_batches(self, part: str) -> Iterator[Batch]:
        """Batches whose outcome is not known, oldest first, with the bytes that were sent or are to be sent."""
        with self._translated():
            numbers = [
                n
                for (n,) in self._connection.execute(
                    "select number from batch where part = ? and state = 'pending' order by number", (part,)
                )
            ]
        for number in numbers:
            with self._translated():
                row = self._connection.execute(
                    "select key, ids, payload, part, number from batch where number = ?", (number,)
                ).fetchone()
            yield Batch(*row)

    def split(self, batch: Batch, halves: Sequence[PlannedBatch]) -> list[Batch]:
        """Replace a refused batch by smaller ones; its records count once, with their new batches."""
        with self._transaction() as db:
            db.execute("update batch set state = 'split', payload = null where number = ?", (batch.number,))
            return [self._insert(db, batch.part, half) for half in halves]

    def settle(self, batch: Batch, failed: Sequence[FailedItem], counts: tuple[int, int, int] | None) -> None:
        """Record a batch's outcome: done, but for the failed records. `counts` is what Mission said it imported,
        updated and skipped, None where it did not say. Settling twice is the same as once."""
        with self._transaction() as db:
            db.execute(
                "update batch set state = 'done', payload = null, imported = ?, updated = ?, skipped = ? where number = ?",
                (*(counts or (None, None, None)), batch.number),
            )
            self._fail(db, batch.part, failed, batch.number)

    def parts(self) -> list[str]:
        with self._translated():
            return [name for (name,) in self._connection.execute("select name from part order by rowid")]

    def totals(self, part: str) -> Totals:
        """Recount one part; may be called while another process works on it."""
        with self._translated():
            db = self._connection
            (discovered,) = db.execute(
                "select coalesce(max(discovered), 0) from part where name = ?", (part,)
            ).fetchone()
            (batched,) = db.execute(
                "select coalesce(sum(count), 0) from batch where part = ? and state = 'done'", (part,)
            ).fetchone()
            (unchanged,) = db.execute("select coalesce(sum(count), 0) from same where part = ?", (part,)).fetchone()
            skips = dict(db.execute("select rule, count from skip where part = ?", (part,)).fetchall())
            failed, refused = db.execute("select count(*), count(batch) from item where part = ?", (part,)).fetchone()
        done, skipped = batched - refused, sum(skips.values())
        return Totals(
            discovered, done, unchanged, skipped, failed, discovered - done - unchanged - skipped - failed, skips
        )

    def failed(self, part: str | None = None) -> Iterator[tuple[str, FailedItem]]:
        """The dead letters, of one part or all."""
        with self._translated():
            rows = self._connection.execute(
                "select part, id, external_id, code, message, remedy, payload from item"
                " where part = coalesce(?, part) order by part, id",
                (part,),
            ).fetchall()
        for row in rows:
            yield row[0], FailedItem(*row[1:])

    def accepted(self, part: str) -> Iterator[bytes]:
        """Packed ids of the batches that were taken and of the unchanged; failed records are not taken out."""
        with self._translated():
            db = self._connection
            yield from (
                ids for (ids,) in db.execute("select ids from batch where part = ? and state = 'done'", (part,))
            )
            yield from (ids for (ids,) in db.execute("select ids from same where part = ?", (part,)))
