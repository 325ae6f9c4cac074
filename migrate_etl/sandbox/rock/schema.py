"""The Rock tables as a release has them: types, keys and nullability from the real schema (`schema.json`).

A row of the file: column, T-SQL type, nullable, first major release that has it (null: before v8), table it refers to.
"""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Time,
    Unicode,
    UnicodeText,
)

from migrate_etl.rock.tables import GUID, MONEY

CURRENT = 18
INDEXED = (
    ("FinancialTransactionDetail", "TransactionId"),
    ("FinancialTransaction", "TransactionDateTime"),
    ("Attendance", "OccurrenceId"),
    ("GroupMember", "GroupId"),
    ("PhoneNumber", "PersonId"),
    ("PersonAlias", "PersonId"),
    ("GroupLocation", "GroupId"),
)


def facts() -> dict[str, list[tuple[str, str, bool, int | None, str | None]]]:
    """Table -> (column, T-SQL type, nullable, since, referred table)."""
    raw = json.loads((files(__package__) / "schema.json").read_text())
    return {table: [tuple(row) for row in rows] for table, rows in raw.items()}


def metadata(release: int = CURRENT, *, references: bool = True) -> MetaData:
    """The tables of one major release, with primary keys, foreign keys (unless left out) and the indexes Rock has."""
    tables = MetaData()
    for name, rows in facts().items():
        columns: list[Any] = []
        for column, kind, nullable, since, target in rows:
            if since is not None and since > release:
                continue
            key = column == "Id"
            link = [ForeignKey(f"{target}.Id")] if references and target and not key else []
            columns.append(
                Column(column, _type(kind), *link, primary_key=key, nullable=nullable and not key, autoincrement=False)
            )
        Table(name, tables, *columns)
    for name, column in INDEXED:
        table = tables.tables[name]
        if column in table.c:
            Index(f"IX_{name}_{column}", table.c[column])
    return tables


def _type(kind: str) -> Any:
    simple = {
        "int": Integer(),
        "bigint": BigInteger(),
        "bit": Boolean(),
        "date": Date(),
        "datetime": DateTime(),
        "uniqueidentifier": GUID,
        "decimal(18,2)": MONEY,
        "time(7)": Time(),
        "geography": UnicodeText(),
        "nvarchar(max)": UnicodeText(),
    }
    if kind in simple:
        return simple[kind]
    if found := re.fullmatch(r"nvarchar\((\d+)\)", kind):
        return Unicode(int(found[1]))
    if found := re.fullmatch(r"decimal\((\d+),(\d+)\)", kind):
        return Numeric(int(found[1]), int(found[2]))
    raise ValueError(f"unknown type {kind}")
