"""A SQLite file as our books are kept in: safe among threads, processes, kills and power cuts; its errors in our words.

WAL mode, so that readers never wait for the writer. A killed process loses nothing that was committed. A power cut may
take the last commits, the newest first, and never damages the file; a transaction that must outlive it is `durable`
(it is on the disk, with all before it, when it returns), at the price of a flush.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import StorageError

BUSY_SECONDS = 60.0
"""How long a writer waits for the other writers' transactions, each of which is a matter of milliseconds."""

SETTINGS = (
    # A batch's payload is some 100 KB: fewer, larger pages and checkpoints make planning a third cheaper.
    "pragma page_size=8192",
    "pragma journal_mode=wal",
    "pragma wal_autocheckpoint=2000",
    "pragma synchronous=normal",
)

_CANNOT_OPEN = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL)


class Store:
    """One file, a connection a thread. `remedy` says what to do when the file itself is damaged.

    Raises StorageError from every method: DISK_FULL, DISK_FAILED, STORAGE_DAMAGED, STORAGE_BUSY, STORAGE_UNREACHABLE,
    and OTHER_RELEASE for a file whose layout is not `version`.
    """

    def __init__(self, path: Path, schema: str, *, version: int, remedy: str) -> None:
        self.path, self._remedy = path, remedy
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._prepare(schema, version)
        except OSError as error:
            raise StorageError(f"The folder of {path.name} cannot be written: {error.strerror or error}") from error
        except BaseException:
            self.close()
            raise

    def _prepare(self, schema: str, version: int) -> None:
        with self._translated():
            (found,) = self._connection.execute("pragma user_version").fetchone()
            if found == 0:
                self._connection.executescript(f"begin immediate; {schema} pragma user_version={version}; commit;")
            elif found != version:
                raise StorageError(
                    f"{self.path.name} was written by another release of Migrate.",
                    code="OTHER_RELEASE",
                    remedy="Go on with the release that began the job.",
                )

    def close(self) -> None:
        """Close every thread's connection; what was committed is on the disk then."""
        with self._lock:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
        self._local = threading.local()

    @property
    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            with self._lock:
                self._opened.append(found)
            for setting in SETTINGS:
                _set(found, setting)
            self._local.connection = found
        return found

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One moment of the file, whatever others write meanwhile."""
        with self._translated(), self._between("begin") as connection:
            yield connection

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """All or nothing; one writer at a time. Inside another such block of the same thread it is part of that one."""
        if self._connection.in_transaction:
            if durable:
                raise ValueError("what must be durable cannot be a part of another transaction")
            yield self._connection
            return
        with self._translated():
            self._connection.execute(f"pragma synchronous={'full' if durable else 'normal'}")
            with self._between("begin immediate") as connection:
                yield connection

    @contextmanager
    def _between(self, begin: str) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        connection.execute(begin)
        try:
            yield connection
            connection.execute("commit")
        finally:
            if connection.in_transaction:
                connection.execute("rollback")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            found = self._storage_error(error)
            if found is None:
                raise
            raise found from error

    def _storage_error(self, error: sqlite3.DatabaseError) -> StorageError | None:
        """What the failure means for a person; None for a mistake of our own, which must not look like a full disk."""
        kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
        name = self.path.name
        if kind == sqlite3.SQLITE_FULL:
            return StorageError(f"The disk is full: {name} cannot grow.", code="DISK_FULL")
        if kind == sqlite3.SQLITE_IOERR:
            return StorageError(
                f"The disk failed while {name} was read or written ({error}).",
                code="DISK_FAILED",
                remedy="Check the disk's free space, quota and health, then start the job again: it goes on.",
            )
        if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return StorageError(f"{name} is damaged ({error}).", code="STORAGE_DAMAGED", remedy=self._remedy)
        if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StorageError(
                f"Another process has kept {name} to itself for more than {BUSY_SECONDS:.0f} s.",
                code="STORAGE_BUSY",
                remedy="End the program that holds the file (a backup, a virus scanner, a hung run), then start again.",
            )
        if kind in _CANNOT_OPEN:
            return StorageError(
                f"{name} cannot be opened for writing ({error}).",
                code="STORAGE_UNREACHABLE",
                remedy="Give the user who runs the job the right to write the folder, which must be on a local disk.",
            )
        return None


def _set(connection: sqlite3.Connection, setting: str) -> None:
    """Run a pragma; while others turn the same new file to WAL, SQLite says "locked" without waiting for them."""
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(setting)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            Control().wait(0.01)
        else:
            return
