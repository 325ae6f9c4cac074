"""T-SQL -> what PostgreSQL runs for it, and PostgreSQL's refusals -> SQL Server's."""

from __future__ import annotations

import re

import psycopg
import sqlglot
from psycopg import errors
from sqlglot import exp

SCHEMA = "dbo"


def select(sql: str) -> str:
    """The statement for PostgreSQL, where `dbo` is `public`, and a login's default schema its search path.

    Raises SqlglotError for what is no T-SQL.
    """
    tree = sqlglot.parse_one(sql, read="tsql")
    in_catalogue = "INFORMATION_SCHEMA" in sql
    for table in tree.find_all(exp.Table):
        if table.db == SCHEMA:
            table.set("db", exp.to_identifier("public"))
    for part in list(tree.find_all(exp.Extract)):
        part.replace(exp.cast(part.copy(), "int"))
    for nothing in list(tree.find_all(exp.Null)):
        if isinstance(nothing.parent, exp.Select | exp.Alias):  # a bare NULL is an int
            nothing.replace(exp.cast(exp.null(), "int"))
    if in_catalogue:
        for name in tree.find_all(exp.Identifier):
            name.set("this", name.name.lower())
        for literal in tree.find_all(exp.Literal):
            literal.set("this", "public" if literal.name == SCHEMA else literal.name)
    return tree.sql("postgres", identify=True)


def number(pattern: str, sql: str) -> int | None:
    found = re.fullmatch(pattern, sql, re.IGNORECASE)
    return None if found is None else int(found[1])


def said_of(error: psycopg.Error) -> tuple[int, str, int]:
    """Number, text and severity of what SQL Server would say."""
    match error:
        case errors.InsufficientPrivilege():
            return 229, "The SELECT permission was denied on the object 'X', database 'RockDB', schema 'dbo'.", 14
        case errors.UndefinedTable():
            return 208, "Invalid object name 'X'.", 16
        case errors.UndefinedColumn():
            return 207, "Invalid column name 'X'.", 16
        case errors.LockNotAvailable():
            return 1222, "Lock request time out period exceeded.", 16
        case errors.DeadlockDetected():
            return DEADLOCK
    return 102, f"Incorrect syntax: {type(error).__name__}.", 15


DEADLOCK = (
    1205,
    "Transaction (Process ID 51) was deadlocked on lock resources with another process and has been chosen as the"
    " deadlock victim. Rerun the transaction.",
    13,
)
