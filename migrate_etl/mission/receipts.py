"""The receipts book: what one target has accepted, over all jobs that loaded it. It decides `unchanged`.

One SQLite file per target (Mission URL and organisation), beside the job folders. A row is one accepted batch: its
Rock ids (64-bit little-endian) and their 16-byte fingerprints, packed. Losing the book costs a full resend, which
changes nothing in Mission.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl
import pyarrow as pa

from migrate_etl.idset import IdSet
from migrate_transfer.ledger.store import Store

SCHEMA = """
create table if not exists segment (sequence integer primary key, entity text not null, key text not null,
  low integer not null, high integer not null, ids blob not null, prints blob not null, unique (entity, key));
create index if not exists segment_range on segment (entity, low, high);
create table if not exists corrected (sequence integer primary key, entity text not null, id integer not null,
  original text not null, corrected text not null, author text not null, reason text not null,
  corrected_at text not null);
create index if not exists corrected_record on corrected (entity, id, sequence);
"""
VERSION = 2
DAMAGED = (
    "Move the file away and start the job again: every record is then sent once more, which changes nothing in Mission."
    " Corrections made by hand are lost with it: restore it from a backup if there were any."
)

PRINT = pa.binary(16)
SCATTERED = 500
"""Segments that overlap another before the book is put in order: a lookup reads every segment its ids may be in."""
ORDERED = 5_000
"""Records of a segment in a book put in order."""
PIECE = 200
"""Segments read at a time where all are asked for."""


class ReceiptsBook:
    """What a target has accepted. Threads and processes may share it. Raises StorageError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._store = Store(path, SCHEMA, version=VERSION, remedy=DAMAGED)

    @classmethod
    def open(cls, path: Path) -> ReceiptsBook:
        """The book of one target, put in order."""
        book = cls(path)
        try:
            book.put_in_order()
        except BaseException:
            book.close()
            raise
        return book

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._store.close()

    @property
    def begun(self) -> bool:
        """Whether the target has ever accepted anything."""
        with self._store.reading() as db:
            return db.execute("select 1 from segment limit 1").fetchone() is not None

    @contextmanager
    def together(self) -> Iterator[None]:
        """Whatever this thread notes as accepted inside is written at once, when the block ends."""
        with self._store.writing():
            yield

    def accepted(self, entity: str, key: str, ids: Sequence[int], prints: Sequence[bytes]) -> None:
        """Note that these contents of these records are in Mission now.

        Twice under one key is the same as once, and keeps its place among the others: a batch of a job that was killed
        and goes on today does not become newer than what another job has sent since.
        """
        if not ids:
            return
        packed = b"".join(prints)
        if len(packed) != 16 * len(ids):
            raise ValueError("every accepted record needs its fingerprint of 16 bytes")
        with self._store.writing() as db:
            db.execute(
                "insert into segment (entity, key, low, high, ids, prints) values (?, ?, ?, ?, ?, ?)"
                " on conflict (entity, key) do update set low = excluded.low, high = excluded.high,"
                " ids = excluded.ids, prints = excluded.prints",
                (entity, key, min(ids), max(ids), array("q", ids).tobytes(), packed),
            )

    def lookup(self, entity: str, ids: pl.Series) -> pl.Series:
        """The fingerprint last accepted of each id (Int64), or null: a Binary series in the order of `ids`."""
        wanted = ids.drop_nulls().sort()
        with self._store.reading() as db:
            segments = db.execute(
                "select sequence, low, high from segment where entity = ? and low <= ? and high >= ? order by sequence",
                (entity, wanted.max(), wanted.min()),
            ).fetchall()
            numbers = _touched(segments, wanted)
            if not numbers:
                return pl.repeat(None, len(ids), dtype=pl.Binary, eager=True)
            rows = [
                db.execute("select ids, prints from segment where sequence = ?", (number,)).fetchone()
                for number in numbers
            ]
        known = _frame(rows).filter(pl.col("id").is_between(wanted.min(), wanted.max()))
        return (
            ids.alias("id").to_frame().join(_latest(known), on="id", how="left", maintain_order="left")["fingerprint"]
        )

    def has(self, entity: str, rock_id: int, fingerprint: bytes) -> bool:
        """Whether this very content of the record was the last that Mission accepted."""
        return self.lookup(entity, pl.Series([rock_id], dtype=pl.Int64)).to_list() == [fingerprint]

    def known(self, entity: str) -> IdSet:
        """Every id that the target has ever accepted."""
        with self._store.reading() as db:
            low, high, count = db.execute(
                "select min(low), max(high), sum(length(ids)) / 8 from segment where entity = ?", (entity,)
            ).fetchone()
            rows = db.execute("select ids from segment where entity = ?", (entity,))
            return IdSet(_pieces(rows), low or 0, high or 0, count or 0)

    def put_in_order(self) -> None:
        """Rewrite what has become scattered: the last fingerprint of each record, by id. Answers stay what they were.

        Many runs with a few changes each leave segments of few ids far apart, each of which every lookup would read.
        """
        for entity in self._scattered():
            with self._store.writing() as db:
                latest = _latest(_frame(_segments(db, entity))).sort("id")
                db.execute("delete from segment where entity = ?", (entity,))
                for piece in latest.iter_slices(ORDERED):
                    found = piece["id"].to_list()
                    row = (entity, f"in order from {found[0]}", found[0], found[-1], array("q", found).tobytes())
                    db.execute(
                        "insert into segment (entity, key, low, high, ids, prints) values (?, ?, ?, ?, ?, ?)",
                        (*row, b"".join(piece["fingerprint"].to_list())),
                    )

    def _scattered(self) -> list[str]:
        """Entities of which too many segments overlap one that begins below them."""
        with self._store.reading() as db:
            ranges = db.execute("select entity, low, high from segment order by entity, low").fetchall()
        overlaps: dict[str, int] = {}
        reached: dict[str, int] = {}
        for entity, low, high in ranges:
            overlaps[entity] = overlaps.get(entity, 0) + (low <= reached.get(entity, low - 1))
            reached[entity] = max(high, reached.get(entity, high))
        return [entity for entity, count in overlaps.items() if count > SCATTERED]

    def correct(
        self, entity: str, rock_id: int, original: str, corrected: str, author: str, reason: str, when: str
    ) -> None:
        """Remember what a person changed by hand in a record that Mission had refused; JSON objects and plain text.

        Earlier corrections of the record stay on file; the last one is in force. On the disk when this returns.
        """
        with self._store.writing(durable=True) as db:
            db.execute(
                "insert into corrected (entity, id, original, corrected, author, reason, corrected_at)"
                " values (?, ?, ?, ?, ?, ?, ?)",
                (entity, rock_id, original, corrected, author, reason, when),
            )

    def corrections(self, entity: str) -> pl.DataFrame:
        """id, original and corrected (JSON text), author, reason, corrected_at of the last correction of each record,
        by id."""
        names = ("id", "original", "corrected", "author", "reason", "corrected_at")
        with self._store.reading() as db:
            rows = db.execute(
                "select id, original, corrected, author, reason, corrected_at from corrected where sequence in"
                " (select max(sequence) from corrected where entity = ? group by id) order by id",
                (entity,),
            ).fetchall()
        schema = {name: pl.Int64 if name == "id" else pl.String for name in names}
        return pl.DataFrame(rows, schema=schema, orient="row")


def _touched(segments: Sequence[tuple[int, int, int]], wanted: pl.Series) -> list[int]:
    """Sequence numbers of the segments (sequence, low, high) in whose range one of the sorted ids lies."""
    if not segments:
        return []
    frame = pl.DataFrame(segments, schema={"sequence": pl.Int64, "low": pl.Int64, "high": pl.Int64}, orient="row")
    first = wanted.search_sorted(frame["low"], side="left")
    after = wanted.search_sorted(frame["high"], side="right")
    return frame["sequence"].filter(after > first).to_list()


def _segments(db: sqlite3.Connection, entity: str) -> list[tuple[bytes, bytes]]:
    return db.execute("select ids, prints from segment where entity = ? order by sequence", (entity,)).fetchall()


def _frame(rows: Sequence[tuple[bytes, bytes]]) -> pl.DataFrame:
    """Packed rows as `id` and `fingerprint`, in their order."""
    ids, prints = b"".join(row[0] for row in rows), b"".join(row[1] for row in rows)
    return pl.DataFrame({"id": _column(ids, pa.int64(), 8), "fingerprint": _column(prints, PRINT, 16)}).cast(
        {"fingerprint": pl.Binary}
    )


def _pieces(rows: sqlite3.Cursor) -> Iterator[pl.Series]:
    """The ids of packed rows, some thousands at a time."""
    while some := rows.fetchmany(PIECE):
        yield pl.Series(_column(b"".join(ids for (ids,) in some), pa.int64(), 8))


def _latest(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.unique("id", keep="last", maintain_order=True)


def _column(packed: bytes, kind: pa.DataType, width: int) -> pa.Array:
    return pa.Array.from_buffers(kind, len(packed) // width, [None, pa.py_buffer(packed)])
