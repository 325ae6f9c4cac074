"""The few statements that each database words in its own way: session manners, snapshots, what columns exist.

All SQL written by hand is here; the T-SQL among it is parsed by a test. Texts only: `database.py` sends them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from migrate_etl.rock.dialects import DialectName, compile_text
from migrate_etl.rock.tables import ROCK_COLUMNS

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
    "mssql": "SELECT max([MigrationId]) FROM [dbo].[__MigrationHistory]",
}
"""Rock's own list of the changes made to its database; a login need not have the right to read it."""

WITH_OFFSET = ("datetimeoffset", "timestamp with time zone")


def columns_statement(dialect: DialectName, types: Sequence[str] = ()) -> str:
    """Asks for (table, column) of the Rock tables, as far as the login may see them; of some types only, if given."""
    if dialect == "sqlite":
        return "SELECT t.name, c.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c"
    if dialect == "mssql":  # as anybody would write it: some servers know this question by its words
        tables = ", ".join(f"'{table}'" for table in ROCK_COLUMNS)
        of_types = f" AND DATA_TYPE IN ({', '.join(map(repr, types))})" if types else ""
        return (
            "SELECT TABLE_NAME, COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS"  # noqa: S608  names of our own
            f" WHERE TABLE_SCHEMA = 'dbo' AND TABLE_NAME IN ({tables}){of_types}"
        )
    names = ("table_schema", "table_name", "column_name", "data_type")
    catalogue = sa.table("columns", *(sa.column(name) for name in names), schema="information_schema").alias("c")
    owner, table, column, kind = catalogue.c
    wanted = sa.select(table, column).where(owner == sa.func.current_schema(), table.in_(list(ROCK_COLUMNS)))
    return compile_text(wanted.where(kind.in_(types)) if types else wanted, dialect)


def probe(table: str, columns: Sequence[str], dialect: DialectName) -> str:
    """Asks for columns of a table without reading a row: refused without the right to, whatever the catalogue hides."""
    source = sa.table(table, *(sa.column(name) for name in columns), schema=SCHEMA[dialect]).alias("t")
    wanted = sa.select(*source.c) if columns else sa.select(sa.literal_column("1")).select_from(source)
    return compile_text(wanted.where(sa.false()), dialect)


def everything(table: str, dialect: DialectName) -> str:
    """Asks for the columns of a table without reading a row, where no catalogue names them."""
    source = sa.table(table, schema=SCHEMA[dialect]).alias("t")
    return compile_text(sa.select(sa.text("*")).select_from(source).where(sa.false()), dialect)
