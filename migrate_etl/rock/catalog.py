"""The few statements that each database words in its own way: session manners, snapshots, what columns exist.

All SQL written by hand is here; the T-SQL among it is parsed by a test. Texts only: `database.py` sends them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from migrate_etl.rock.dialects import DialectName, compile_text
from migrate_etl.rock.tables import ROCK_COLUMNS, RockTables
from migrate_transfer.core.errors import SourceError

SCHEMA: Mapping[DialectName, str | None] = {"sqlite": None, "postgresql": None, "mssql": "dbo"}

GENTLE: Mapping[DialectName, tuple[str, ...]] = {
    "sqlite": ("PRAGMA query_only = ON",),
    "postgresql": ("SET default_transaction_read_only = on", "SET lock_timeout = 15000"),
    "mssql": (
        "SET LOCK_TIMEOUT 15000",
        "SET DEADLOCK_PRIORITY LOW",
        # A driver's configuration may cut long texts short (FreeTDS: `text size`).
        "SET TEXTSIZE 2147483647",
        "SET DATEFORMAT ymd",
    ),
}
"""Waiting at most 15 s for a lock, giving way in a deadlock, never writing."""

ALLOWS_SNAPSHOT: Mapping[DialectName, str] = {
    "sqlite": "SELECT journal_mode = 'wal' FROM pragma_journal_mode",
    "postgresql": "SELECT 1",
    "mssql": "SELECT snapshot_isolation_state FROM sys.databases WHERE name = DB_NAME()",
}
"""One row with 1 where a reader can keep one view of the database without holding anybody up."""

BEGIN_SNAPSHOT: Mapping[DialectName, tuple[str, ...]] = {
    "sqlite": ("BEGIN",),
    "postgresql": ("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",),
    "mssql": ("SET TRANSACTION ISOLATION LEVEL SNAPSHOT", "BEGIN TRANSACTION"),
}

END_SNAPSHOT: Mapping[DialectName, tuple[str, ...]] = {
    "sqlite": ("ROLLBACK",),
    "postgresql": ("ROLLBACK",),
    "mssql": ("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION", "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"),
}

OUTCOME = "SELECT @@ERROR AS error, @@ROWCOUNT AS found"
"""How the statement before ended: the number of its error, 0 without one, and its rows."""

COLLATION: Mapping[DialectName, str] = {
    "sqlite": "SELECT 'BINARY'",
    "postgresql": "SELECT datcollate FROM pg_database WHERE datname = current_database()",
    "mssql": "SELECT CAST(DATABASEPROPERTYEX(DB_NAME(), 'Collation') AS nvarchar(128))",
}

NEWEST_MIGRATION: Mapping[DialectName, str] = {
    "sqlite": 'SELECT max("MigrationId") FROM "__MigrationHistory"',
    "postgresql": 'SELECT max("MigrationId") FROM "__MigrationHistory"',
    "mssql": "SELECT MAX(MigrationId) FROM dbo.__MigrationHistory",
}
"""Rock's own list of the changes made to its database; a login need not have the right to read it."""

WITH_OFFSET = ("datetimeoffset", "timestamp with time zone")


def columns_statement(dialect: DialectName, types: Sequence[str] = ()) -> str:
    """Asks for (table, column) of the Rock tables, as far as the login may see them; of some types only, if given."""
    if dialect == "sqlite":
        return "SELECT t.name, c.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c"
    names = ("table_schema", "table_name", "column_name", "data_type")
    schema: sa.ColumnElement[str] | str = sa.func.current_schema()
    view, view_schema = "columns", "information_schema"
    if dialect == "mssql":  # in capitals: some databases tell letters apart
        names, view, view_schema = tuple(n.upper() for n in names), view.upper(), view_schema.upper()  # type: ignore[assignment]
        schema = "dbo"
    catalogue = sa.table(view, *(sa.column(name) for name in names), schema=view_schema).alias("c")
    owner, table, column, kind = catalogue.c
    wanted = sa.select(table, column).where(owner == schema, table.in_(list(ROCK_COLUMNS)))
    return compile_text(wanted.where(kind.in_(types)) if types else wanted, dialect)


def probe(table: str, columns: Sequence[str], dialect: DialectName) -> str:
    """Asks for columns of a table without reading a row: refused without the right to, whatever the catalogue hides."""
    source = sa.table(table, *(sa.column(name) for name in columns), schema=SCHEMA[dialect]).alias("t")
    wanted = sa.select(*source.c) if columns else sa.select(sa.literal_column("1")).select_from(source)
    return compile_text(wanted.where(sa.false()), dialect)


def read_tables(values: Callable[[str], list[tuple[Any, ...]]], dialect: DialectName) -> RockTables:
    """The Rock tables as the database has them; `values` runs a statement and hands out its rows."""
    present: dict[str, set[str]] = {}
    for table, column in values(columns_statement(dialect)):
        present.setdefault(table, set()).add(column)
    return RockTables(present, schema=SCHEMA[dialect])


def refuse_offsets(values: Callable[[str], list[tuple[Any, ...]]], dialect: DialectName) -> None:
    """Raises SourceError ROCK_COLUMN_TYPE where moments have an offset: drivers turn such ones into other hours.

    A database that does not tell its types is taken for one of Rock's own.
    """
    found: list[tuple[Any, ...]] = []
    with suppress(SourceError):
        found = [] if dialect == "sqlite" else values(columns_statement(dialect, WITH_OFFSET))
    named = [f"{t}.{c}" for t, c in found if any(known.name == c for known in ROCK_COLUMNS.get(t, ()))]
    if named:
        raise SourceError(
            f"Moments with an offset, where Rock keeps local ones without: {', '.join(named)}.",
            code="ROCK_COLUMN_TYPE",
            remedy="Read a database whose columns are of Rock's types: restore a copy, or undo the change of type.",
        )
