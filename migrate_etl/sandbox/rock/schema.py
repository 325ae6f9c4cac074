"""The Rock tables as a release has them: types, keys and nullability from the real schema (`schema.json`).

A row of the file: column, T-SQL type, nullable, first release that is sure to have it (null: before v8), table it
refers to. Columns the database computes by itself are left out.
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
from migrate_transfer.core.errors import InvalidRequest

CURRENT = "current"
NEWER_TABLES = {"AttendanceOccurrence": (8, 0)}
"""Tables younger than Rock itself. Before v8.0 their columns sat elsewhere: a Rock that old cannot be imported."""
INDEXED = (
    ("FinancialTransactionDetail", "TransactionId"),
    ("FinancialTransactionDetail", "AccountId"),
    ("FinancialTransaction", "TransactionDateTime"),
    ("FinancialTransaction", "BatchId"),
    ("FinancialTransaction", "AuthorizedPersonAliasId"),
    ("Attendance", "OccurrenceId"),
    ("Attendance", "PersonAliasId"),
    ("AttendanceOccurrence", "GroupId"),
    ("Group", "GroupTypeId"),
    ("Group", "ParentGroupId"),
    ("GroupMember", "GroupId"),
    ("GroupMember", "PersonId"),
    ("PhoneNumber", "PersonId"),
    ("PersonAlias", "PersonId"),
    ("GroupLocation", "GroupId"),
)
"""Of the many indexes Rock has, those a reader leans on."""

SIMPLE: dict[str, Any] = {
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


def metadata(release: str = CURRENT, *, references: bool = True) -> MetaData:
    """The tables of one release ("v9", "v12.4", "current"), with primary keys, indexes and, if asked, foreign keys.

    Raises InvalidRequest for a release that is not written like these.
    """
    version, tables = version_of(release), MetaData()
    for name, rows in _facts().items():
        if version < NEWER_TABLES.get(name, (0, 0)):
            continue
        present = [row for row in rows if row[3] is None or version_of(f"v{row[3]}") <= version]
        Table(name, tables, *(_column(name, row, references) for row in present))
    for name, column in INDEXED:
        if name in tables.tables and column in tables.tables[name].c:
            Index(f"IX_{name}_{column}", tables.tables[name].c[column])
    return tables


def version_of(release: str) -> tuple[int, int]:
    """The major and minor number of a release; "current" is above every number."""
    if release == CURRENT:
        return (999, 0)
    found = re.fullmatch(r"v(\d{1,2})(?:\.(\d{1,2}))?", release)
    if not found:
        raise InvalidRequest(
            f"{release!r} is no release of Rock.", remedy='Name one like "v9" or "v12.4", or say "current".'
        )
    return int(found[1]), int(found[2] or 0)


def _facts() -> dict[str, list[tuple[str, str, bool, str | None, str | None]]]:
    raw = json.loads((files(__package__) / "schema.json").read_text())
    return {table: [tuple(row) for row in rows] for table, rows in raw.items()}


def _column(table: str, row: tuple[str, str, bool, str | None, str | None], references: bool) -> Column[Any]:
    name, kind, nullable, _, target = row
    key = name == "Id" or table == "GroupTypeAssociation"
    link = [ForeignKey(f"{target}.Id")] if references and target and name != "Id" else []
    return Column(name, _type(kind), *link, primary_key=key, nullable=nullable and not key, autoincrement=False)


def _type(kind: str) -> Any:
    if kind in SIMPLE:
        return SIMPLE[kind]
    if found := re.fullmatch(r"nvarchar\((\d+)\)", kind):
        return Unicode(int(found[1]))
    if found := re.fullmatch(r"decimal\((\d+),(\d+)\)", kind):
        return Numeric(int(found[1]), int(found[2]))
    raise ValueError(f"unknown type {kind}")
