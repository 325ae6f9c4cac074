"""The engine, and one transaction per request: committed once, at the end, before the answer goes out."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session

from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import StorageError

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 30
WAL_TRIES = 3_000


class Database:
    """SQLite (write-ahead log, one writer at a time) or PostgreSQL. Thread-safe. Errors do not repeat values: they
    end in logs."""

    def __init__(self, url: str, *, connections: int = 10) -> None:
        self.url = sa.make_url(url)
        self.postgresql = self.url.get_backend_name() == "postgresql"
        if self.postgresql:
            driven = self.url.set(drivername="postgresql+psycopg")
            options: dict[str, Any] = {"pool_size": connections, "max_overflow": 4, "hide_parameters": True}
            self.engine = sa.create_engine(driven, **options)
            # Of their own: to change a connection to and fro costs half as much as to ask.
            self._single = sa.create_engine(driven, **options, isolation_level="AUTOCOMMIT", pool_reset_on_return=None)
            _lost_together(self.engine, self._single)
            _lost_together(self._single, self.engine)
        else:
            connecting = {"timeout": BUSY_SECONDS}
            self.engine = sa.create_engine(self.url, connect_args=connecting, hide_parameters=True)
            sa.event.listen(self.engine, "connect", _prepare)
            sa.event.listen(self.engine, "begin", _begin)

    def migrate(self) -> None:
        """Bring the tables to this release's shape; safe to call by several replicas at once. Raises StorageError
        DATABASE_NEWER where a newer release has been there."""
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self.engine.begin() as connection:
            if self.postgresql:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(727001)"))
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise StorageError(
                    "The service's database was written by a newer release.",
                    code="DATABASE_NEWER",
                    remedy="Start that release, or restore the backup from before it.",
                ) from error

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose work is committed at the end of the block, or undone by an error."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def alone(self, session: Session, statement: sa.Executable, values: dict[str, Any]) -> sa.Row[Any] | None:
        """The first row, if any, that a statement which stands alone answers. On PostgreSQL it is its own transaction,
        asked once instead of three times; on SQLite it is part of the session's, which may hold the only lock."""
        if not self.postgresql:
            return session.execute(statement, values).first()
        with self._single.connect() as connection:
            return connection.execute(statement, values).first()

    def learn(self) -> None:
        """Let SQLite see how jobs are spread, all of them: 0.2 s for 100,000. Without, it looks through all of a
        tenant's for those of one project, or that ended last, though there are indexes. PostgreSQL does so itself."""
        if not self.postgresql:
            with self.engine.begin() as connection:
                connection.exec_driver_sql("ANALYZE jobs")
            self.engine.dispose()  # a connection reads it when it is opened, and not again

    def close(self) -> None:
        self.engine.dispose()
        if self.postgresql:
            self._single.dispose()


def insert_unless_there(session: Session, table: type[DeclarativeBase], **values: Any) -> None:
    """Add a row unless there is one like it. Of two that do so at once one waits for the other, and both go on."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(insert(table).values(**values).on_conflict_do_nothing())


def after_commit(session: Session, call: Callable[[], None]) -> None:
    """Call once the session's transaction has been committed; never if it is not."""
    sa.event.listen(session, "after_commit", lambda _: call(), once=True)


def _lost_together(one: sa.Engine, other: sa.Engine) -> None:
    """A connection that the database has ended tells that the other pool's are dead too: nobody is to find out anew."""

    def lost(context: sa.engine.ExceptionContext) -> None:
        if context.is_disconnect:
            other.dispose()

    sa.event.listen(one, "handle_error", lost)


def _prepare(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late and is a deferred one
    _to_wal(connection)
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _to_wal(connection: Any) -> None:
    """While another process does the same to a new file, SQLite says "locked" without waiting."""
    for _ in range(WAL_TRIES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            Control().wait(0.01)
        else:
            return
    raise StorageError("The service's database stays locked by another program.", code="STORAGE_BUSY")


def _begin(connection: sa.Connection) -> None:
    """Take the write lock first: a transaction that reads and then writes cannot be refused half-way."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
