"""The ledger of one job: SQLite, one file, shared by threads and processes.

Records are kept by batch with their ids packed (64-bit little-endian); a record has a row of its own only where it
differs from its batch. Totals are recounted from the rows, never kept as counters.

What is planned is durable before it can be sent, so that even after a power cut the very same bytes go out again under
the same key. An outcome is not: a power cut that takes it costs sending that batch again, which changes nothing.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from migrate_transfer.core.errors import Stopped
from migrate_transfer.leases import FileLease
from migrate_transfer.ledger.packing import count_twice, packed, unpacked
from migrate_transfer.ledger.records import Batch, FailedItem, PlannedBatch, Totals
from migrate_transfer.ledger.store import Store

SCHEMA = """
create table if not exists part (name text primary key, discovered integer not null default 0,
  cursor integer not null default 0);
create table if not exists lease (part text primary key, token integer not null);
create table if not exists skip (part text not null, rule text not null, count integer not null,
  primary key (part, rule));
create table if not exists same (part text not null, cursor integer not null, count integer not null, ids blob not null,
  primary key (part, cursor));
create table if not exists batch (number integer primary key, part text not null, key text not null unique,
  count integer not null, ids blob not null, bytes integer not null, payload blob,
  state text not null default 'pending' check (state in ('pending', 'done', 'split')),
  imported integer, updated integer, skipped integer);
create index if not exists batch_open on batch (part, number) where state = 'pending';
create index if not exists batch_count on batch (part, state, count);
create table if not exists item (part text not null, id integer not null, external_id text not null,
  code text not null, message text not null, remedy text not null, payload blob not null, batch integer,
  primary key (part, id)) without rowid;
"""
VERSION = 2
DAMAGED = (
    "Put the damaged job folder aside and start a new job with the same options: what Mission has already is found in"
    " the receipts book and counts as unchanged."
)
PAGE = 1_000
"""Dead letters read at a time: millions may have failed, each with its payload."""
LAST_NAME = chr(0x10FFFF)
"""Sorts after every part."""


class Ledger:
    """Thread-safe; short transactions. Raises StorageError when the disk fails, Stopped (lease lost) from a write to a
    part whose lease has passed to somebody else."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store = Store(path, SCHEMA, version=VERSION, remedy=DAMAGED)
        self._held: dict[str, int] = {}

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
        self._store.close()

    @contextmanager
    def lease(self, part: str) -> Iterator[int]:
        """The exclusive right to work on one part, held until the block or the process ends, however it ends.

        Yields the fencing token, which grows with every holder: should the lock itself fail (its file removed, a
        network disk that forgets), the older holder's next write is refused. Raises AlreadyRunning when another
        holder is alive.
        """
        with FileLease(self.path.with_name("leases"), part):
            self._held[part] = token = self._next_token(part)
            try:
                yield token
            finally:
                del self._held[part]

    def _next_token(self, part: str) -> int:
        with self._store.writing(durable=True) as db:
            (token,) = db.execute(
                "insert into lease values (?, 1) on conflict do update set token = token + 1 returning token", (part,)
            ).fetchone()
        return int(token)

    @contextmanager
    def _writing(self, part: str, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        with self._store.writing(durable=durable) as db:
            held = self._held.get(part)
            if held is not None and db.execute("select token from lease where part = ?", (part,)).fetchone() != (held,):
                raise Stopped("lease_lost")
            yield db

    @contextmanager
    def together(self, part: str) -> Iterator[None]:
        """Whatever this thread settles inside is written at once; not on the disk before the block ends."""
        with self._writing(part):
            yield

    def discovered(self, part: str, count: int) -> None:
        """Enter how many items were found. A smaller number than was entered before changes nothing: what the scan did
        not count may have come before it was read, and is an item like the others."""
        with self._writing(part) as db:
            db.execute(
                "insert into part (name, discovered) values (?, ?)"
                " on conflict do update set discovered = max(discovered, excluded.discovered)",
                (part, count),
            )

    def skips(self, part: str, counts: Mapping[str, int]) -> None:
        """Record how many items each rule left out; replaces what stood there."""
        with self._writing(part) as db:
            db.execute("delete from skip where part = ?", (part,))
            db.executemany("insert into skip values (?, ?, ?)", [(part, rule, n) for rule, n in counts.items()])

    def cursor(self, part: str) -> int:
        """How many rows of the part's dataset are planned."""
        with self._store.reading() as db:
            row = db.execute("select cursor from part where name = ?", (part,)).fetchone()
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
        with self._writing(part, durable=True) as db:
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
        row = (part, batch.key, batch.count, batch.ids, len(batch.payload), packed(batch.payload))
        number = db.execute(
            "insert into batch (part, key, count, ids, bytes, payload) values (?, ?, ?, ?, ?, ?)", row
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
        with self._store.reading() as db:
            numbers = db.execute(
                "select number from batch where part = ? and state = 'pending' order by number", (part,)
            ).fetchall()
        for number in numbers:
            with self._store.reading() as db:
                key, ids, stored, size, *place = db.execute(
                    "select key, ids, payload, bytes, part, number from batch where number = ?", number
                ).fetchone()
            yield Batch(key, ids, unpacked(stored, size), *place)

    def split(self, batch: Batch, halves: Sequence[PlannedBatch]) -> list[Batch]:
        """Replace a refused batch by smaller ones; its records count once, with their new batches."""
        if b"".join(half.ids for half in halves) != batch.ids:
            raise ValueError("the halves of a batch have other records than the batch")
        with self._writing(batch.part, durable=True) as db:
            if not self._close(db, batch, "split"):
                raise Stopped("lease_lost")
            return [self._insert(db, batch.part, half) for half in halves]

    @staticmethod
    def _close(db: sqlite3.Connection, batch: Batch, state: str) -> bool:
        """Give an open batch its end and let its payload go; False for one that has ended before."""
        ended = db.execute(
            "update batch set state = ?, payload = null where number = ? and state = 'pending'", (state, batch.number)
        )
        return ended.rowcount == 1

    def settle(self, batch: Batch, failed: Sequence[FailedItem], counts: tuple[int, int, int] | None) -> None:
        """Record a batch's outcome: done, but for the failed records. `counts` is what Mission said it imported,
        updated and skipped, None where it did not say. Settling twice is the same as once."""
        if failed and not {item.id for item in failed} <= set(array("q", batch.ids)):
            raise ValueError("a failed record is not of the batch")
        with self._writing(batch.part) as db:
            if self._close(db, batch, "done"):
                db.execute(
                    "update batch set imported = ?, updated = ?, skipped = ? where number = ?",
                    (*(counts or (None, None, None)), batch.number),
                )
                self._fail(db, batch.part, failed, batch.number)

    def parts(self) -> list[str]:
        with self._store.reading() as db:
            return [name for (name,) in db.execute("select name from part order by rowid")]

    def totals(self, part: str) -> Totals:
        """Recount one part at one moment; may be called while another process works on it."""
        with self._store.reading() as db:
            known = db.execute("select discovered, cursor from part where name = ?", (part,)).fetchone()
            counts = dict(db.execute("select state, sum(count) from batch where part = ? group by state", (part,)))
            (unchanged,) = db.execute("select coalesce(sum(count), 0) from same where part = ?", (part,)).fetchone()
            skips = dict(db.execute("select rule, count from skip where part = ?", (part,)))
            failed, refused = db.execute("select count(*), count(batch) from item where part = ?", (part,)).fetchone()
        discovered, cursor = known or (0, 0)
        done, waiting, skipped = counts.get("done", 0) - refused, counts.get("pending", 0), sum(skips.values())
        rest = discovered - done - unchanged - skipped - failed - waiting
        unplanned = max(0, rest) if cursor < discovered else 0
        return Totals(discovered, done, unchanged, skipped, failed, waiting + unplanned, skips)

    def bytes_done(self, part: str) -> int:
        """Uncompressed bytes of the requests whose items ended done, less the items of them that failed."""
        with self._store.reading() as db:
            (sent,) = db.execute("select coalesce(sum(bytes), 0) from batch where part = ? and state = 'done'", (part,))
            (refused,) = db.execute(
                "select coalesce(sum(length(payload)), 0) from item where part = ? and batch is not null", (part,)
            )
        return int(sent[0] - refused[0])

    def violations(self, part: str) -> list[str]:
        """What is wrong with a part's books, in words; nothing if each item stands there once with one outcome.

        Expands every id of the part (some 30 bytes each while it runs).
        """
        totals = self.totals(part)
        with self._store.reading() as db:
            taken = [
                *(ids for (ids,) in db.execute("select ids from batch where part = ? and state <> 'split'", (part,))),
                *(ids for (ids,) in db.execute("select ids from same where part = ?", (part,))),
            ]
            alone = db.execute("select id from item where part = ? and batch is null", (part,)).fetchall()
        ids = b"".join([*taken, array("q", [id for (id,) in alone]).tobytes()])
        twice = count_twice(ids)
        return [
            *([f"{part}: outcomes do not add up to the {totals.discovered} discovered"] * (not totals.balanced)),
            *([f"{part}: {twice} items stand there twice"] * (twice > 0)),
        ]

    def failed(self, part: str | None = None) -> Iterator[tuple[str, FailedItem]]:
        """The dead letters, of one part or all, by part and id."""
        last, end = (part or "", -(2**63)), part or LAST_NAME
        while True:
            with self._store.reading() as db:
                rows = db.execute(
                    "select part, id, external_id, code, message, remedy, payload from item"
                    " where (part, id) > (?, ?) and part <= ? order by part, id limit ?",
                    (*last, end, PAGE),
                ).fetchall()
            for row in rows:
                yield row[0], FailedItem(*row[1:])
            if len(rows) < PAGE:
                return
            last = rows[-1][:2]

    def accepted(self, part: str) -> Iterator[bytes]:
        """Packed ids of the batches that were taken and of the unchanged; failed records are not taken out."""
        with self._store.reading() as db:
            rows = db.execute("select ids from batch where part = ? and state = 'done'", (part,)).fetchall()
            rows += db.execute("select ids from same where part = ?", (part,)).fetchall()
        for (ids,) in rows:
            yield ids
