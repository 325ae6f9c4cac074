"""The few statements that each database words in its own way: session manners, snapshots, what columns exist.

All SQL written by hand is here; the T-SQL among it is parsed by a test. Texts only: `database.py` sends them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from migrate_etl.rock.dialects import DialectName
from migrate_etl.rock.tables import ROCK_COLUMNS, RockTables

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

_NAMES = ", ".join(f"'{table}'" for table in ROCK_COLUMNS)

COLUMNS: Mapping[DialectName, str] = {
    "sqlite": (
        "SELECT t.name, c.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c"
        f" WHERE t.name COLLATE NOCASE IN ({_NAMES})"
    ),
    "postgresql": (
        "SELECT table_name, column_name FROM information_schema.columns"
        f" WHERE table_schema = ANY (current_schemas(false)) AND table_name IN ({_NAMES})"
    ),
    "mssql": (
        "SELECT TABLE_NAME, COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS"
        f" WHERE TABLE_SCHEMA = 'dbo' AND TABLE_NAME IN ({_NAMES})"
    ),
}
"""(table, column) of the Rock tables, as far as the login may see them."""


def read_tables(values: Callable[[str], list[tuple[Any, ...]]], dialect: DialectName) -> RockTables:
    """The Rock tables as the database has them; `values` runs a statement and hands out its rows."""
    present: dict[str, set[str]] = {}
    for table, column in values(COLUMNS[dialect]):
        present.setdefault(table, set()).add(column)
    return RockTables(present, schema="dbo" if dialect == "mssql" else None)
