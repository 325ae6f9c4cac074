"""SQLAlchemy statements -> the SQL text that reaches a database, for each kind of database we read.

Only compiling: nothing here opens a connection. Values are written into the text (they are ids, dates and well-known
GUIDs, never people's words), because the same text must go through pyodbc and through arrow-odbc, and because a
parameter would travel as a procedure call that servers type differently. No engine is made either: SQLAlchemy's own
start-up asks a server for version, collation and isolation first, and falls over on odd answers; this way a server
sees our statements alone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import mssql, sqlite
from sqlalchemy.dialects.mssql.base import MSDialect, MSIdentifierPreparer, MSSQLCompiler
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler, SQLiteDialect
from sqlalchemy.engine import Dialect

from migrate_etl.rock.tables import Guid

DialectName = Literal["sqlite", "postgresql", "mssql"]


class _TsqlMoment(mssql.DATETIME):
    """A day's beginning as the day alone: where moments are kept as text, letters are compared, and neither a blank
    nor a `T` behind it may decide. SET DATEFORMAT has told SQL Server that the year comes first.

    Any other moment with a `T`, by which SQL Server takes it for ISO whatever its language.
    """

    def literal_processor(self, dialect: Dialect) -> Callable[[datetime], str]:
        return lambda value: f"'{_plainest(value)}'"


def _plainest(value: datetime) -> str:
    text = value.isoformat(timespec="milliseconds" if value.microsecond else "seconds")
    return text.removesuffix("T00:00:00")


class _SqliteMoment(sqlite.DATETIME):
    """The shortest text: SQLite compares letters, and '2024-01-01 00:00:00' < '2024-01-01 00:00:00.000000'."""

    def literal_processor(self, dialect: Dialect) -> Callable[[datetime], str]:
        return lambda value: f"'{_shortest(value)}'"


def _shortest(value: datetime) -> str:
    text = value.isoformat(sep=" ")
    return text.removesuffix(" 00:00:00")


class _TsqlText(MSSQLCompiler):
    """YEAR(x) says the same as DATEPART(year, x), and more servers know it."""

    def visit_extract(self, extract: sa.Extract, **kw: Any) -> str:
        return f"{extract.field.upper()}({self.process(extract.expr, **kw)})"


class _InBrackets(MSIdentifierPreparer):
    """Every name, so that none can be a word that some server reserves."""

    def _requires_quotes(self, value: str) -> bool:
        return True


class _Tsql(MSDialect):
    statement_compiler = _TsqlText
    preparer = _InBrackets
    colspecs = {**MSDialect.colspecs, sa.DateTime: _TsqlMoment}  # noqa: RUF012


class _SqliteText(SQLiteCompiler):
    """Year and month are cut from the text: strftime would take it for a date first, at three times the cost.

    GUIDs compare in any case, as SQL Server's do: to SQLite they are text, and a copy of a church's database has them
    as SQL Server hands them out, in upper case."""

    PLACES: ClassVar = {"year": (1, 4), "month": (6, 2)}

    def visit_extract(self, extract: sa.Extract, **kw: Any) -> str:
        start, length = self.PLACES[extract.field]
        return f"CAST(SUBSTR({self.process(extract.expr, **kw)}, {start}, {length}) AS INTEGER)"

    def visit_column(self, column: Any, *args: Any, **kw: Any) -> str:
        text = super().visit_column(column, *args, **kw)
        compared = isinstance(column.type, Guid) and not kw.get("within_columns_clause")
        return f"{text} COLLATE NOCASE" if compared else text


class _Sqlite(SQLiteDialect):
    statement_compiler = _SqliteText
    colspecs = {**SQLiteDialect.colspecs, sa.DateTime: _SqliteMoment}  # noqa: RUF012


# "named" because the other styles double every % in the text.
DIALECTS: dict[DialectName, Dialect] = {
    "sqlite": _Sqlite(paramstyle="named"),
    "postgresql": PGDialect(paramstyle="named"),  # type: ignore[no-untyped-call]
    "mssql": _Tsql(paramstyle="named"),  # type: ignore[no-untyped-call]
}


def compile_text(statement: sa.Select[Any], dialect: DialectName) -> str:
    """The statement as one SQL text without parameters."""
    return str(statement.compile(dialect=DIALECTS[dialect], compile_kwargs={"literal_binds": True}))
