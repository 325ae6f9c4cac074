"""RockDatabase: reads a Rock database, gently, and nothing else. The only place that knows pyodbc."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeVar

import polars as pl
from sqlalchemy import ColumnElement, Select

from migrate_etl.rock import catalog
from migrate_etl.rock.columns import OutColumn, columns_of, to_frame
from migrate_etl.rock.connection import OdbcString, Place, PostgresServer, SqliteFile, SqlServer, parse_connection
from migrate_etl.rock.dialects import DialectName, compile_text
from migrate_etl.rock.failures import Moment, failure
from migrate_etl.rock.odbc import choose_driver, odbc_string
from migrate_etl.rock.release import require_rock
from migrate_etl.rock.tables import RockTables
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import ConnectionLost, MigrateError, SourceError
from migrate_transfer.core.retry import RetryPolicy

T = TypeVar("T")

Consistency = Literal["snapshot", "pages"]
"""How reading holds together: one view of the whole database, or short pages that each see their own moment."""

FETCH_ROWS = 50_000
"""Rows held as Python objects at a time: they take some ten times the room of a frame."""


@dataclass(slots=True)
class _Session:
    """One open connection, whatever the driver. `errors` is the driver's own base class for its errors."""

    dialect: DialectName
    connection: Any = field(repr=False)
    errors: type[Exception] = field(repr=False)
    driver: str

    def run(self, sql: str) -> None:
        with translated(self.errors, "reading"), closing(self.connection.cursor()) as cursor:
            cursor.execute(sql)

    def values(self, sql: str) -> list[tuple[Any, ...]]:
        with translated(self.errors, "reading"), closing(self.connection.cursor()) as cursor:
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]

    def frame(self, sql: str, columns: Sequence[OutColumn]) -> pl.DataFrame:
        from_sqlite = self.dialect == "sqlite"
        with translated(self.errors, "reading"), closing(self.connection.cursor()) as cursor:
            cursor.execute(sql)
            pieces = [to_frame(columns, cursor.fetchmany(FETCH_ROWS), from_sqlite=from_sqlite)]
            while pieces[-1].height == FETCH_ROWS:
                pieces.append(to_frame(columns, cursor.fetchmany(FETCH_ROWS), from_sqlite=from_sqlite))
        return pl.concat(pieces)


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


def _open_sqlite(place: SqliteFile) -> _Session:
    address = f"{place.path.resolve().as_uri()}?mode=ro"
    with translated(sqlite3.Error, "connecting"):
        connection = sqlite3.connect(address, uri=True, timeout=15, isolation_level=None, check_same_thread=False)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    return _Session("sqlite", connection, sqlite3.Error, f"SQLite {sqlite3.sqlite_version}")


def _open_postgres(place: PostgresServer) -> _Session:
    import psycopg  # an extra: only tests and trials keep Rock in PostgreSQL

    with translated(psycopg.Error, "connecting"):
        connection = psycopg.connect(**{"connect_timeout": "15", **place.conninfo}, autocommit=True)  # type: ignore[arg-type]
    return _Session("postgresql", connection, psycopg.Error, f"psycopg {psycopg.__version__}")


def _open_odbc(text: str, timeout: int) -> _Session:
    pyodbc = _pyodbc()
    with translated(pyodbc.Error, "connecting"):
        connection = pyodbc.connect(text, autocommit=True, timeout=timeout)
        server = str(connection.getinfo(pyodbc.SQL_DBMS_NAME))
        driver = f"{connection.getinfo(pyodbc.SQL_DRIVER_NAME)} {connection.getinfo(pyodbc.SQL_DRIVER_VER)}"
    # Wide characters for narrow columns too: the narrow ones come in whatever the locale says.
    connection.setdecoding(pyodbc.SQL_CHAR, encoding="utf-16le", ctype=pyodbc.SQL_WCHAR)
    dialect: DialectName = "postgresql" if "postgre" in server.lower() else "mssql"
    return _Session(dialect, connection, pyodbc.Error, driver)


def _pyodbc() -> Any:
    """pyodbc, on first use: its wheel loads unixODBC, which a machine may lack."""
    try:
        import pyodbc
    except ImportError:
        raise failure("IM003", "Can't open lib libodbc", "connecting") from None
    pyodbc.pooling = False  # a pooled connection would outlive close() with its snapshot and its locks
    return pyodbc


def open_session(place: Place) -> _Session:
    """A connection made gentle and read-only. Raises SourceError."""
    match place:
        case SqliteFile():
            session = _open_sqlite(place)
        case PostgresServer():
            session = _open_postgres(place)
        case OdbcString(text, timeout):
            session = _open_odbc(text, timeout)
        case SqlServer():
            session = _open_odbc(
                odbc_string(place, place.driver or choose_driver(_pyodbc().drivers())), place.connect_timeout
            )
    for sql in catalog.GENTLE[session.dialect]:
        _tolerant(session, sql)
    return session


def _tolerant(session: _Session, sql: str) -> bool:
    """Run a statement that makes reading gentler; a server that does not know it is read without."""
    try:
        session.run(sql)
    except SourceError:
        return False
    return True


class RockDatabase:
    """A Rock database open for reading; one thread at a time.

    Where the database keeps row versions (SQL Server with snapshot isolation allowed, PostgreSQL, SQLite in WAL
    mode) everything read until `renew()` or `close()` is one moment of it: open it once per stage. Elsewhere each
    page is its own short statement under READ COMMITTED; never NOLOCK. `consistency` says which.
    """

    def __init__(self, place: Place, *, page_size: int, control: Control, retry: RetryPolicy) -> None:
        self._place, self._page_size, self._control, self._retry = place, page_size, control, retry
        self._session: _Session | None = open_session(place)
        self.dialect: DialectName = self._session.dialect
        self.driver = self._session.driver
        self.tables = catalog.read_tables(self._session.values, self.dialect)
        self.consistency: Consistency = self._begin(self._session)
        self.reconnects = 0
        """How often the connection broke and was made again: what was read before and after are two moments."""

    @classmethod
    def open(
        cls,
        connection: str,
        *,
        page_size: int = 50_000,
        control: Control | None = None,
        retry: RetryPolicy | None = None,
    ) -> RockDatabase:
        """Open a connection string (see `connection.py`). Raises SourceError with the documented code and remedy."""
        place = parse_connection(connection)
        database = cls(place, page_size=page_size, control=control or Control(), retry=retry or RetryPolicy())
        require_rock(database.tables)
        return database

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with closing(session.connection):
                self._end(session)

    def renew(self) -> None:
        """End the snapshot; what is read next is the database as it is then."""
        if self._session is not None:
            self._end(self._session)
            self.consistency = self._begin(self._session)

    def frame(self, statement: Select[Any]) -> pl.DataFrame:
        """The whole result. Raises SourceError, or a TransientError when patience with a broken link is used up."""
        columns, sql = columns_of(statement), compile_text(statement, self.dialect)
        return self._patiently(lambda session: session.frame(sql, columns))

    def scalar(self, statement: Select[Any]) -> Any:
        """The first value of the first row, None without rows."""
        frame = self.frame(statement)
        return frame.item(0, 0) if frame.height else None

    def pages(
        self, statement: Select[Any], key: ColumnElement[Any], *, after: int = 0, upto: int | None = None
    ) -> Iterator[pl.DataFrame]:
        """Pages of at most `page_size` rows in key order, above `after` and not above `upto`.

        The statement yields its key, unique and named `id`. At least one frame comes, if only to carry the schema. A
        page that fails for a while is asked for again, so no row is lost or doubled.
        """
        last, first = after, True
        while True:
            wanted = statement.where(key > last) if upto is None else statement.where(key > last, key <= upto)
            page = self.frame(wanted.order_by(key).limit(self._page_size))
            if page.height or first:
                yield page
            if page.height < self._page_size:
                return
            last, first = int(page["id"][-1]), False

    def children(self, select: Select[Any], parent_key: ColumnElement[Any], low: int, high: int) -> pl.DataFrame:
        """Rows whose parent key is from `low` to `high`, both included."""
        return self.frame(select.where(parent_key.between(low, high)))

    def _patiently(self, read: Callable[[_Session], T]) -> T:
        return self._retry.run(lambda: self._attempt(read), self._control)

    def _attempt(self, read: Callable[[_Session], T]) -> T:
        session = self._session or self._reconnected()
        try:
            return read(session)
        except ConnectionLost:
            self._session = None
            self.reconnects += 1
            raise
        except MigrateError:
            self.renew()  # a failed statement ends a transaction in some databases
            raise

    def _begin(self, session: _Session) -> Consistency:
        """Start a snapshot if the database has them; one that does not say so clearly is read page by page."""
        try:
            allowed = session.values(catalog.ALLOWS_SNAPSHOT[self.dialect])
        except SourceError:
            return "pages"
        if [tuple(row) for row in allowed] != [(1,)]:
            return "pages"
        begun = all(_tolerant(session, sql) for sql in catalog.BEGIN_SNAPSHOT[self.dialect])
        return "snapshot" if begun else "pages"

    def _end(self, session: _Session) -> None:
        if self.consistency == "snapshot":
            for sql in catalog.END_SNAPSHOT[self.dialect]:
                _tolerant(session, sql)

    def _reconnected(self) -> _Session:
        """Raises ConnectionLost while the server cannot be reached: it was there before, so it is worth waiting for."""
        try:
            self._session = open_session(self._place)
        except SourceError as error:
            if error.error_code != "ROCK_UNREACHABLE":
                raise
            raise ConnectionLost(error.message, code=error.error_code, remedy=error.remedy) from None
        self.consistency = self._begin(self._session)
        return self._session
