"""A session of a server that is a thin thing over SQLite: selects, and of anything else it says that it knows it not.

It sends what it finds: whole numbers as bigint, floats as float, everything else as text without a limit.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp

from tests.fakes.tds import answers
from tests.fakes.tds.tokens import refused
from tests.fakes.tds.types import MAX, Column

if TYPE_CHECKING:
    from tests.fakes.tds.settings import TdsServer


def open_database(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    for name, start, length in (("YEAR", 0, 4), ("MONTH", 5, 2)):
        database.create_function(name, 1, _part(start, length), deterministic=True)
    return database


def _part(start: int, length: int) -> Any:
    return lambda moment: None if moment is None else int(moment[start : start + length])


class ThinSession:
    """As much of `Session` as the listener needs."""

    def __init__(self, server: TdsServer, database: sqlite3.Connection) -> None:
        self.server, self.database = server, database
        self.killed = self.tabular = False

    def manage(self, said: bytes) -> bytes:
        return refused(102, "No transactions here.")

    def answer(self, sql: str, headers: bytes) -> bytes:
        self.server.statements.append(sql)
        self.tabular = False
        try:
            cursor = self.database.execute(_for_sqlite(sql))
            names, values = [name for name, *_ in cursor.description], cursor.fetchall()
        except sqlglot.errors.SqlglotError:
            return refused(102, "Syntax.")
        except sqlite3.Error as error:
            return refused(208 if "no such table" in str(error) else 102, "No.")
        self.tabular = True
        return answers.answer([_column(name, values, at) for at, name in enumerate(names)], values)


def _for_sqlite(sql: str) -> str:
    tree = sqlglot.parse_one(sql, read="tsql")
    if not isinstance(tree, exp.Select):
        raise sqlglot.errors.ParseError("only selects")
    for table in tree.find_all(exp.Table):
        table.set("db", None)
    for part in list(tree.find_all(exp.Year, exp.Month)):
        part.replace(exp.Anonymous(this=type(part).__name__.upper(), expressions=[_unwrapped(part.this)]))
    return tree.sql("sqlite", identify=True)


def _unwrapped(value: Any) -> Any:
    """Without the conversion to a date that T-SQL's YEAR stands for."""
    while isinstance(value, exp.TsOrDsToDate | exp.Cast):
        value = value.this
    return value.copy()


def _column(name: str, values: list[tuple[Any, ...]], at: int) -> Column:
    match next((row[at] for row in values if row[at] is not None), None):
        case int():
            return Column(name, "bigint", 8)
        case float():
            return Column(name, "float", 8)
    return Column(name, "text", MAX)
