"""An open connection to the database, whatever the driver, and how its errors become ours.

SQLite and PostgreSQL are opened here; what is told of ODBC is in `opening.py`, the one place that knows pyodbc.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from migrate_etl.rock.columns import OutColumn, from_json_arrays, refuse_coarse, to_frame
from migrate_etl.rock.connection import COMMAND_TIMEOUT, PostgresServer, SqliteFile
from migrate_etl.rock.dialects import DialectName
from migrate_etl.rock.failures import Moment, failure
from migrate_transfer.core.errors import MigrateError, SourceError

FETCH_ROWS = 50_000
"""Rows held as Python objects at a time: they take some ten times the room of a frame."""


@dataclass(slots=True)
class Session:
    """One open connection, whatever the driver. `errors` is the driver's own base class for its errors."""

    dialect: DialectName
    connection: Any = field(repr=False)
    errors: type[Exception] = field(repr=False)
    driver: str

    text: str | None = field(default=None, repr=False)
    """The ODBC connection string, where there is one."""
    timeout: int = 15
    longest: int = COMMAND_TIMEOUT
    """Seconds a statement may take."""
    refused: list[str] = field(default_factory=list)
    """Statements that would have made it gentle."""
    be_lenient: Callable[[], None] | None = field(default=None, repr=False)
    """From then on a text may hold half a letter, which Python's codec refuses; reading is slower then."""

    def close(self) -> None:
        with suppress(self.errors):
            self.connection.close()

    def run(self, sql: str) -> None:
        with translated(self.errors, "reading"), closing(self.connection.cursor()) as cursor:
            cursor.execute(sql)

    def values(self, sql: str) -> list[tuple[Any, ...]]:
        with translated(self.errors, "reading"), closing(self.connection.cursor()) as cursor:
            _execute(cursor, sql)
            rows = [tuple(row) for row in cursor.fetchall()]
            _drain(cursor)
            return rows

    def described(self, sql: str) -> list[Described]:
        """The columns of what a statement yields."""
        with translated(self.errors, "reading"), closing(self.connection.cursor()) as cursor:
            _execute(cursor, sql)
            told = _described(cursor)
            cursor.fetchall()
            _drain(cursor)
            return told

    def frame(self, sql: str, columns: Sequence[OutColumn]) -> pl.DataFrame:
        try:
            return self._frame(sql, columns)
        except UnicodeDecodeError:
            if self.be_lenient is None:
                raise
        self.be_lenient()
        return self._frame(sql, columns)

    def _frame(self, sql: str, columns: Sequence[OutColumn]) -> pl.DataFrame:
        from_sqlite = self.dialect == "sqlite"
        with translated(self.errors, "reading"), closing(self.connection.cursor()) as cursor:
            _execute(cursor, sql)
            refuse_coarse(columns, [one.coarse for one in _described(cursor)])
            pieces = [to_frame(columns, cursor.fetchmany(FETCH_ROWS), from_sqlite=from_sqlite)]
            while pieces[-1].height == FETCH_ROWS:
                pieces.append(to_frame(columns, cursor.fetchmany(FETCH_ROWS), from_sqlite=from_sqlite))
            _drain(cursor)
        return pl.concat(pieces)

    def block(self, sql: str, columns: Sequence[OutColumn]) -> pl.DataFrame:
        """Like `frame`, for a statement with a limit.

        SQLite is asked for each column as one JSON array: it writes them in C, where rows as Python tuples take more
        than twice the time. What JSON cannot hold is read as rows. The limit keeps SQLite from dropping the order of
        what is inside.
        """
        if self.dialect != "sqlite":
            return self.frame(sql, columns)
        arrays = ", ".join(f'json_group_array("{column.name}")' for column in columns)
        try:
            (texts,) = self.values(f"SELECT {arrays} FROM ({sql})")  # noqa: S608  names of our own statement
            return from_json_arrays(columns, texts)
        except (SourceError, ValueError):
            return self.frame(sql, columns)


def _execute(cursor: Any, sql: str) -> None:
    """Up to the first answer with columns: a server may say of something else first that it is done."""
    cursor.execute(sql)
    more = getattr(cursor, "nextset", None)
    while cursor.description is None and more is not None and more():
        pass


def _drain(cursor: Any) -> None:
    """To the answer's end: an error may stand behind the rows, and what is left a driver has the server cancel."""
    more = getattr(cursor, "nextset", None)
    while more is not None and more():
        pass


@dataclass(frozen=True, slots=True)
class Described:
    """A column of an answer: its name, the Python type of its values, how many digits or letters it holds."""

    name: str
    type: object
    size: int

    @property
    def coarse(self) -> bool:
        """A float of four bytes."""
        return self.type is _FLOAT and 0 < self.size <= 24

    @property
    def with_offset(self) -> bool:
        """What pyodbc makes of `datetimeoffset`, which it cannot read."""
        return self.type is bytearray and 26 <= self.size <= 34


_FLOAT = float


def _described(cursor: Any) -> list[Described]:
    return [Described(name, kind, precision or 0) for name, kind, _, _, precision, *_ in cursor.description or ()]


@contextmanager
def translated(errors: type[Exception], moment: Moment) -> Iterator[None]:
    """A driver's error becomes ours, without the driver's text: that may quote statements, values and logins."""
    found: MigrateError | None = None
    try:
        yield
    except errors as error:
        found = failure(_state(error), str(error), moment)
    if found is not None:
        raise found


def _state(error: Exception) -> str | None:
    state = getattr(error, "sqlstate", None) or (error.args[0] if error.args else None)
    return state if isinstance(state, str) and len(state) == 5 else None


def open_sqlite(place: SqliteFile) -> Session:
    address = f"{place.path.resolve().as_uri()}?mode=ro"
    with translated(sqlite3.Error, "connecting"):
        connection = sqlite3.connect(address, uri=True, timeout=15, isolation_level=None, check_same_thread=False)
    session = Session("sqlite", connection, sqlite3.Error, f"SQLite {sqlite3.sqlite_version}")
    try:
        session.values("SELECT count(*) FROM sqlite_master")  # only reading shows whether the file is a database
    except SourceError:
        session.close()
        raise
    return session


def open_postgres(place: PostgresServer) -> Session:
    import psycopg  # an extra: only tests and trials keep Rock in PostgreSQL

    with translated(psycopg.Error, "connecting"):
        connection = psycopg.connect(**{"connect_timeout": "15", **place.conninfo}, autocommit=True)  # type: ignore[arg-type]
    return Session("postgresql", connection, psycopg.Error, f"psycopg {psycopg.__version__}")
