"""The ledger of a transfer: SQLite, one file, a row for each item, exactly one outcome each.

The scan enters what it finds page by page; a scan that was killed goes on behind its last cursor. An item is claimed
(`in_flight`) before its first byte is sent, so that after a kill only those few are asked about at the destination.
Totals are recounted from the rows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Self

from migrate_transfer.core.backend import Item, Oddity, Stored
from migrate_transfer.leases import FileLease
from migrate_transfer.ledger.item_records import (
    DONE,
    FAILED,
    IN_FLIGHT,
    OUTCOMES,
    SKIPPED,
    UNCHANGED,
    Entry,
    FileTotals,
    Outcome,
    Row,
)
from migrate_transfer.ledger.mounts import Mounts
from migrate_transfer.ledger.passes import Passes
from migrate_transfer.ledger.records import Totals
from migrate_transfer.ledger.store import Store

SCHEMA = """
create table if not exists item (id integer primary key, key text not null, size integer not null,
  modified integer not null, created integer not null, version text not null, stable_id text not null,
  state integer not null default 0, sha256 blob, etag text, level text, sent integer not null default 0,
  code text, message text, remedy text);
create table if not exists scan (one integer primary key check (one = 1), cursor text, last integer not null,
  complete integer not null);
create table if not exists there (key text primary key, size integer not null, etag text not null,
  sha256 text not null, modified integer not null, tier text not null, source text not null,
  moved integer not null default 0, version text not null default '') without rowid;
create table if not exists known (key text primary key, version text not null, etag text not null,
  stable_id text not null, size integer not null, modified integer not null) without rowid;
create table if not exists pass (number integer primary key, done integer not null, unchanged integer not null,
  skipped integer not null, failed integer not null, moved integer not null, sent integer not null);
create index if not exists known_by_id on known (stable_id) where stable_id != '';
create table if not exists fact (name text primary key, value text not null) without rowid;
"""
LATER = {"moved": "integer not null default 0", "version": "text not null default ''"}
"""Columns that `there` did not have from the start, in the order in which they came."""
VERSION = 1
DAMAGED = "Put the damaged job folder aside and start a new job: what is at the destination already is found there."
SLICE = 2_000
MOST = 2**53
"""A sparse file may claim 8 EiB, and the sum of two is no number of 64 bits: of what is not moved, so many bytes
count."""
ENTER = "insert into item (key, size, modified, version, created, stable_id) values (?, ?, ?, ?, ?, ?)"
"""The fields of Item. Columns that are given as NULL would make it twice as slow."""
ENTER_LEFT_OUT = (
    "insert into item (key, size, modified, created, version, stable_id, state, code, message, remedy)"
    " values (?, ?, ?, 0, '', '', ?, ?, ?, ?)"
)
TOTALS = (
    "select count(*), coalesce(sum(sent), 0), coalesce(sum(size) filter (where state < 2), 0),"
    " coalesce(sum(size) filter (where state = 2), 0), coalesce(sum(size) filter (where state > 2), 0),"
    " count(*) filter (where state = 2), count(*) filter (where state = 3), count(*) filter (where state = 4),"
    " count(*) filter (where state = 5) from item"
)
"""Without groups: SQLite would sort the rows for them."""
SKIPS = "select code, count(*) from item where state = 4 group by 1"
COLUMNS = "id, key, size, modified, created, version, stable_id, state, lower(hex(sha256)), coalesce(etag, '')"
TEXTS = ("etag", "level", "code", "message", "remedy")
TOLD = "lower(hex(sha256)), " + ", ".join(f"coalesce({one}, '')" for one in TEXTS)


class ItemLedger:
    """Thread-safe; short transactions. Raises StorageError when the disk fails."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store = Store(path, SCHEMA, version=VERSION, remedy=DAMAGED)
        self._catch_up()
        self.passes, self.mounts = Passes(self._store), Mounts(self._store)
        self._lock = threading.Lock()
        """Our own threads wait here: SQLite would let them sleep and look."""

    def _catch_up(self) -> None:
        """Books that were begun by an earlier release do not know yet what was moved, nor versions."""
        with self._store.reading() as db:
            columns = {column for _, column, *_ in db.execute("pragma table_info(there)")}
        for column, kind in LATER.items():
            if column not in columns:
                with self._store.writing() as db:
                    db.execute(f"alter table there add column {column} {kind}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._store.close()

    @contextmanager
    def lease(self) -> Iterator[None]:
        """The right to work on this job, ended by the operating system when its holder dies. Raises AlreadyRunning."""
        with FileLease(self.path.parent / "leases", "files"):
            yield

    def scan_begins(self) -> str | None:
        """Forget what was entered behind the last cursor; the cursor to go on from, None for the beginning."""
        with self._lock, self._store.writing() as db:
            db.execute("insert or ignore into scan values (1, null, 0, 0)")
            cursor, last = db.execute("select cursor, last from scan").fetchone()
            db.execute("delete from item where id > ?", (last,))
        return None if cursor is None else str(cursor)

    def not_entered(self, entries: Sequence[Item | Oddity]) -> Sequence[Item | Oddity]:
        """Those of these few whose keys are not in the books yet."""
        query = f"select key from item where key in ({','.join('?' * len(entries))})"  # noqa: S608  marks only
        with self._store.reading() as db:
            found = {key for (key,) in db.execute(query, [one.key for one in entries])}
        return [one for one in entries if one.key not in found]

    def enter(self, entries: Iterable[Item | Oddity], cursor: str | None) -> None:
        """Enter some of the listing; with a cursor, it goes on behind that."""
        with self._lock, self._store.writing() as db:
            for kind, some in groupby(entries, type):
                if kind is Oddity:
                    db.executemany(ENTER_LEFT_OUT, (_left_out(one) for one in some if isinstance(one, Oddity)))
                else:
                    db.executemany(ENTER, some)
            if cursor is not None:
                db.execute("update scan set cursor = ?, last = (select coalesce(max(id), 0) from item)", (cursor,))

    def settle_collisions(self, folded: Callable[[str], str]) -> None:
        """Of the items whose names are one name when they are `folded`, the first listed stays; the others fail."""
        with self._lock, self._store.writing() as db:
            db.create_function("folded", 1, folded, deterministic=True)
            db.execute(
                "update item set state = 5, code = 'NAME_COLLISION', message = ?, remedy = ? where state = 0"
                " and id not in (select min(id) from item where state = 0 group by folded(key))",
                (
                    "The destination takes this name and that of another file, already listed, for one.",
                    "Rename one of the two files and retry the failed items.",
                ),
            )

    def scan_ended(self) -> None:
        with self._lock, self._store.writing(durable=True) as db:
            db.execute("update scan set complete = 1, last = (select coalesce(max(id), 0) from item)")
            db.execute("insert or replace into fact values ('source_listed', 'yes')")

    @property
    def scanned(self) -> bool:
        with self._store.reading() as db:
            row = db.execute("select complete from scan").fetchone()
        return bool(row and row[0])

    def there(self, stored: Iterable[Stored]) -> None:
        """Remember what the destination holds."""
        with self._lock, self._store.writing() as db:
            db.executemany("insert or replace into there values (?, ?, ?, ?, ?, ?, ?, ?, ?)", stored)

    def doubt(self) -> None:
        """The destination is not what it was: before the job goes on it is listed anew."""
        with self._lock, self._store.writing() as db:
            db.execute("delete from there")
            db.execute("delete from fact where name = 'destination_listed'")
            db.execute("update scan set complete = 0 where complete = 1")

    def miss(self) -> None:
        """What was there when it had its outcome, and is not there now that the destination is listed, waits again."""
        with self._lock, self._store.writing() as db:
            db.execute(
                "update item set state = 0, sha256 = null, etag = null where state in (?, ?) and not exists"
                " (select 1 from there where there.key = item.key and there.etag = item.etag)",
                (DONE, UNCHANGED),
            )

    def stored(self, keys: Sequence[str]) -> dict[str, Stored]:
        """What the destination held under these keys when it was listed."""
        with self._store.reading() as db:
            places = ",".join("?" * len(keys))
            rows = db.execute(f"select * from there where key in ({places})", keys).fetchall()  # noqa: S608  marks only
        return {row[0]: Stored(*row) for row in rows}

    def waiting(self, smallest: int, largest: int) -> Iterator[Row]:
        """Items of such sizes without an outcome, in the order of the listing, read a slice at a time."""
        last = 0
        while True:
            with self._store.reading() as db:
                rows = db.execute(
                    f"select {COLUMNS} from item where id > ? and state < 2 and size between ? and ?"  # noqa: S608
                    f" order by id limit {SLICE}",
                    (last, smallest, largest),
                ).fetchall()
            for number, key, size, modified, created, version, stable_id, state, sha256, etag in rows:
                item = Item(key, size, modified, version, created, stable_id)
                yield Row(number, item, state == IN_FLIGHT, sha256, etag)
            if len(rows) < SLICE:
                return
            last = rows[-1][0]

    def claim(self, numbers: Sequence[int]) -> None:
        """These are about to be sent."""
        with self._lock, self._store.writing() as db:
            db.executemany("update item set state = 1 where id = ? and state = 0", [(number,) for number in numbers])

    def prove(self, copies: Sequence[tuple[str, str, int]]) -> None:
        """SHA-256, etag and number of those that were read back, before anything leans on it: after a kill it is known
        whose source may be gone."""
        with self._lock, self._store.writing() as db:
            db.executemany(
                "update item set sha256 = ?, etag = ? where id = ? and state = 1",
                [(bytes.fromhex(sha256), etag, number) for sha256, etag, number in copies],
            )

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Record outcomes; an item that has one keeps it."""
        with self._lock, self._store.writing() as db:
            db.executemany(
                "update item set state = ?, sha256 = ?, etag = ?, level = ?, sent = sent + ?, code = ?, message = ?,"
                " remedy = ?, size = coalesce(?, size), modified = coalesce(?, modified),"
                " version = coalesce(?, version) where id = ? and state < 2",
                map(_settled, outcomes),
            )

    def note(self, name: str, value: str) -> None:
        """Keep a fact of the job: when it began, what was forecast."""
        with self._lock, self._store.writing() as db:
            db.execute("insert or replace into fact values (?, ?)", (name, value))

    def fact(self, name: str) -> str | None:
        with self._store.reading() as db:
            row = db.execute("select value from fact where name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def totals(self) -> FileTotals:
        """Recount everything at one moment; may be called while another process works."""
        with self._store.reading() as db:
            found, sent, waiting, moved, others, done, unchanged, skipped, failed = db.execute(TOTALS).fetchone()
            skips = dict(db.execute(SKIPS)) if skipped else {}
        pending = found - done - unchanged - skipped - failed
        known = Totals(found, done, unchanged, skipped, failed, pending, skips)
        return FileTotals(known, waiting + moved + others, moved + others, moved, sent)

    def wait_at_least(self, count: int, largest: int) -> bool:
        """Whether so many items of at most that size have no outcome yet."""
        with self._store.reading() as db:
            (found,) = db.execute(
                "select count(*) from (select 1 from item where state < 2 and size <= ? limit ?)", (largest, count)
            ).fetchone()
        return bool(found >= count)

    def moving(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Of what waits, files and bytes that will move: at least, for the destination has something of that name and
        size for the others, and at the most."""
        with self._store.reading() as db:
            files, size, new_files, new_size = db.execute(
                "select count(*), coalesce(sum(item.size), 0), count(*) filter (where there.key is null),"
                " coalesce(sum(item.size) filter (where there.key is null), 0) from item"
                " left join there on there.key = item.key and there.size = item.size where state < 2"
            ).fetchone()
        return (new_files, files), (new_size, size)

    def entries(self, *states: int) -> Iterator[Entry]:
        """The manifest's lines (of these states, or all), in the order of the listing."""
        last, wanted = 0, ",".join(map(str, states or range(6)))
        while True:
            with self._store.reading() as db:
                rows = db.execute(
                    f"select id, key, size, modified, state, {TOLD} from item"  # noqa: S608
                    f" where id > ? and state in ({wanted}) order by id limit {SLICE}",
                    (last,),
                ).fetchall()
            for _, key, size, modified, state, sha256, etag, level, code, message, remedy in rows:
                yield Entry(key, size, modified, OUTCOMES[state], sha256, etag, level, code, message, remedy)
            if len(rows) < SLICE:
                return
            last = rows[-1][0]


def _settled(o: Outcome) -> tuple[object, ...]:
    said = (o.state, bytes.fromhex(o.sha256), o.etag, o.level, o.sent, o.code, o.message, o.remedy)
    read = (o.item.size, o.item.modified, o.item.version) if o.item else (None, None, None)
    return (*said, *read, o.number)


def _left_out(entry: Oddity) -> tuple[object, ...]:
    state = SKIPPED if entry.outcome == "skipped" else FAILED
    return (entry.key, min(entry.size, MOST), entry.modified, state, entry.code, entry.message, entry.remedy)
