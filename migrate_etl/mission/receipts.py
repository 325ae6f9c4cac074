"""The receipts book: what one target has accepted, over all jobs that loaded it. It decides `unchanged`.

One SQLite file per target (Mission URL and organisation), beside the job folders. A row is one accepted batch: its
Rock ids (64-bit little-endian) and their 16-byte fingerprints, packed. Losing the book costs a full resend, which
changes nothing in Mission.
"""

from __future__ import annotations

import hashlib
import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl
import pyarrow as pa

from migrate_transfer.core.errors import StorageError

SCHEMA = """
create table if not exists segment (sequence integer primary key, entity text not null, key text not null,
  low integer not null, high integer not null, ids blob not null, prints blob not null, unique (entity, key));
create index if not exists segment_range on segment (entity, low, high);
create table if not exists correction (entity text not null, id integer not null, original text not null,
  corrected text not null, author text not null, reason text not null, corrected_at text not null,
  primary key (entity, id));
"""

PRINT = pa.binary(16)


class ReceiptsBook:
    """What a target has accepted. One process writes at a time (SQLite's lock); any may read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"Cannot write {path.parent}: {error.strerror or error}") from error
        with self._translated():
            self._db = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
            self._db.execute("pragma journal_mode=wal")
            self._db.execute("pragma synchronous=normal")
            self._db.executescript(SCHEMA)

    @classmethod
    def open(cls, folder: Path, mission_url: str, organization: str) -> ReceiptsBook:
        """The book of one target; the file name gives neither URL nor organisation away."""
        target = hashlib.sha256(f"{mission_url}\n{organization}".encode()).hexdigest()[:16]
        return cls(folder / f"receipts-{target}.sqlite")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StorageError(f"The receipts book {self.path.name} cannot be written or read: {error}") from error

    def accepted(self, entity: str, key: str, ids: Sequence[int], prints: Sequence[bytes]) -> None:
        """Note that these contents of these records are in Mission now.

        Twice under one key is the same as once, and keeps its place among the others: a batch of a job that was killed
        and goes on today does not become newer than what another job has sent since.
        """
        row = (entity, key, min(ids), max(ids), array("q", ids).tobytes(), b"".join(prints))
        with self._translated():
            self._db.execute(
                "insert into segment (entity, key, low, high, ids, prints) values (?, ?, ?, ?, ?, ?)"
                " on conflict (entity, key) do update set low = excluded.low, high = excluded.high,"
                " ids = excluded.ids, prints = excluded.prints",
                row,
            )

    def lookup(self, entity: str, ids: pl.Series) -> pl.Series:
        """The fingerprint last accepted of each id (Int64), or null: a Binary series in the order of `ids`."""
        if ids.is_empty():
            return pl.Series("fingerprint", [], dtype=pl.Binary)
        low, high = ids.min(), ids.max()
        known = self._segments("entity = ? and low <= ? and high >= ?", (entity, high, low))
        known = known.filter(pl.col("id").is_between(low, high))
        latest = known.unique("id", keep="last", maintain_order=True)
        return ids.alias("id").to_frame().join(latest, on="id", how="left", maintain_order="left")["fingerprint"]

    def has(self, entity: str, rock_id: int, fingerprint: bytes) -> bool:
        """Whether this very content of the record was the last that Mission accepted."""
        return self.lookup(entity, pl.Series([rock_id], dtype=pl.Int64)).to_list() == [fingerprint]

    def known(self, entity: str) -> pl.Series:
        """Every id that the target has ever accepted (Int64, ascending, once each)."""
        return self._segments("entity = ?", (entity,))["id"].unique().sort()

    def _segments(self, where: str, values: tuple[object, ...]) -> pl.DataFrame:
        with self._translated():
            rows = self._db.execute(
                f"select ids, prints from segment where {where} order by sequence", values
            ).fetchall()
        ids, prints = b"".join(row[0] for row in rows), b"".join(row[1] for row in rows)
        return pl.DataFrame({"id": _column(ids, pa.int64(), 8), "fingerprint": _column(prints, PRINT, 16)}).cast(
            {"fingerprint": pl.Binary}
        )

    def correct(
        self, entity: str, rock_id: int, original: str, corrected: str, author: str, reason: str, when: str
    ) -> None:
        """Remember what a person changed by hand in a record that Mission had refused; JSON objects and plain text."""
        with self._translated():
            self._db.execute(
                "insert or replace into correction values (?, ?, ?, ?, ?, ?, ?)",
                (entity, rock_id, original, corrected, author, reason, when),
            )

    def corrections(self, entity: str) -> pl.DataFrame:
        """id, original and corrected (JSON text), author, reason, corrected_at of every correction."""
        names = ("id", "original", "corrected", "author", "reason", "corrected_at")
        with self._translated():
            rows = self._db.execute(f"select {', '.join(names)} from correction where entity = ?", (entity,)).fetchall()
        schema = {name: pl.Int64 if name == "id" else pl.String for name in names}
        return pl.DataFrame(rows, schema=schema, orient="row")


def _column(packed: bytes, kind: pa.DataType, width: int) -> pa.Array:
    return pa.Array.from_buffers(kind, len(packed) // width, [None, pa.py_buffer(packed)])
