"""Opening a Rock database, whatever its kind, made gentle and read-only. The only place that knows pyodbc."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import Any

from migrate_etl.rock import catalog
from migrate_etl.rock.connection import OdbcString, Place, PostgresServer, SqliteFile, SqlServer
from migrate_etl.rock.dialects import DialectName
from migrate_etl.rock.failures import failure
from migrate_etl.rock.knock import greeting_of
from migrate_etl.rock.odbc import choose_driver, is_freetds, odbc_string, speaks_postgresql, without_own_retries
from migrate_etl.rock.session import Session, open_postgres, open_sqlite, translated
from migrate_transfer.core.errors import ConnectionLost, MigrateError, SourceError, TransientError

ENOUGH = 2
"""Connections that may break at one statement which is no must."""


def _open_odbc(text: str, timeout: int, longest: int) -> Session:
    pyodbc = _pyodbc()
    with translated(pyodbc.Error, "connecting"):
        connection = pyodbc.connect(text, autocommit=True, timeout=timeout)
        server = str(connection.getinfo(pyodbc.SQL_DBMS_NAME))
        with suppress(pyodbc.Error):  # a driver that has no such limit is watched all the same
            connection.timeout = longest
        driver = f"{connection.getinfo(pyodbc.SQL_DRIVER_NAME)} {connection.getinfo(pyodbc.SQL_DRIVER_VER)}"
    # Wide characters for narrow columns too: the narrow ones come in whatever the locale says.
    connection.setdecoding(pyodbc.SQL_CHAR, encoding="utf-16le", ctype=pyodbc.SQL_WCHAR)

    def be_lenient() -> None:
        for kind in (pyodbc.SQL_WCHAR, pyodbc.SQL_WVARCHAR, pyodbc.SQL_WLONGVARCHAR):
            connection.add_output_converter(kind, _with_half_letters)

    dialect: DialectName = "postgresql" if speaks_postgresql(driver, server) else "mssql"
    return Session(dialect, connection, pyodbc.Error, driver, text, timeout, longest, be_lenient=be_lenient)


def _with_half_letters(data: bytes | None) -> str | None:
    """What a form cut off after so many units of UTF-16 may end in half an emoji: U+FFFD, as when Arrow reads it."""
    return None if data is None else str(data, "utf-16-le", "replace")


def _open_sql_server(place: SqlServer) -> Session:
    driver = place.driver or choose_driver(_pyodbc().drivers())
    try:
        return _open_odbc(odbc_string(place, driver), place.connect_timeout, place.command_timeout)
    except SourceError as error:
        if not is_freetds(driver):
            raise
        found = error
    raise _told_apart(found, place, driver)


def _told_apart(found: SourceError, place: SqlServer, driver: str) -> MigrateError:
    """FreeTDS says too little of why it did not connect; asking the server again in other ways says more.

    Of the two errors a server sends when it lacks the database it passes on only that the login failed, and of a
    failed TLS handshake nothing: where certificates are checked, that is mostly why.
    """
    if found.error_code == "ROCK_LOGIN_FAILED":
        with suppress(SourceError):
            other = replace(place, database="")
            _open_odbc(odbc_string(other, driver), place.connect_timeout, place.command_timeout).close()
            return failure("3D000", "", "connecting")
    silent = found.error_code == "ROCK_UNREACHABLE" and not found.details.get("numbers")
    if not silent or found.details.get("sqlstate") != "08001":
        return found
    match greeting_of(place.address, place.connect_timeout):
        case "encrypts" if place.encrypt == "mandatory" and not place.trust_certificate:
            return failure("08001", "certificate", "connecting")
        case "encrypts" | "in clear":
            return failure("08001", "encryption", "connecting")
    return found


def _pyodbc() -> Any:
    """pyodbc, on first use: its wheel loads unixODBC, which a machine may lack."""
    try:
        import pyodbc  # type: ignore[import-not-found]
    except ImportError:
        raise failure("IM003", "Can't open lib libodbc", "connecting") from None
    pyodbc.pooling = False  # a pooled connection would outlive close() with its snapshot and its locks
    return pyodbc


def open_session(place: Place, losses: Counter[str]) -> Session:
    """A connection made gentle and read-only. Raises SourceError, or a TransientError while the server is busy.

    `losses` counts at which statements connections broke: one that ends them all is left out after the second.
    """
    while True:
        session = _connected(place)
        try:
            if _soften(session, losses):
                return session
        except TransientError:
            session.close()
            raise
        session.close()


def gentle(dialect: DialectName, losses: Counter[str]) -> list[str]:
    """The statements that make a session gentle, but those at which connections broke."""
    return [sql for sql in catalog.GENTLE[dialect] if losses[sql] < ENOUGH]


def _soften(session: Session, losses: Counter[str]) -> bool:
    """Whether the connection lives on; a server that does not know a statement is read without."""
    session.refused.extend(sql for sql in catalog.GENTLE[session.dialect] if losses[sql] >= ENOUGH)
    for sql in gentle(session.dialect, losses):
        try:
            session.run(sql)
        except ConnectionLost as lost:
            if lost.error_code == "ROCK_NO_ANSWER":
                raise
            losses[sql] += 1
            return False
        except SourceError:
            session.refused.append(sql)
    return True


def _connected(place: Place) -> Session:
    match place:
        case SqliteFile():
            return open_sqlite(place)
        case PostgresServer():
            return open_postgres(place)
        case OdbcString(text, timeout, longest):
            return _open_odbc(without_own_retries(text), timeout, longest)
        case SqlServer():
            return _open_sql_server(place)


def tolerant(session: Session, sql: str) -> bool:
    """Whether the statement could be run; no error comes of it."""
    try:
        session.run(sql)
    except MigrateError:
        return False
    return True
