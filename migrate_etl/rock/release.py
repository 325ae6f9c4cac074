"""Which Rock release a database belongs to, and whether it is one at all, told by the columns it has. Pure."""

from __future__ import annotations

from migrate_etl.rock.tables import ROCK_COLUMNS, RockTables
from migrate_transfer.core.errors import SourceError

OLDEST = (8, 0)
"""Attendance got its occurrences in v8.0; older databases keep meetings elsewhere."""

MARKS = ("Person", "PersonAlias", "DefinedValue", "FinancialTransactionDetail", "Attendance")
"""Tables that every Rock has and hardly anything else has together."""


def version(name: str) -> tuple[int, int]:
    """`v10.2` -> (10, 2)."""
    major, minor = name.removeprefix("v").split(".")
    return int(major), int(minor)


def required(since: str | None) -> bool:
    """Whether every supported release has what came with that one."""
    return since is None or version(since) <= OLDEST


def missing_columns(tables: RockTables) -> list[tuple[str, str]]:
    """(table, column) that every supported release has and this database does not show."""
    return [(table, column) for table, column, since in tables.missing() if required(since)]


def require_rock(tables: RockTables) -> None:
    """Raises SourceError NOT_A_ROCK_DATABASE or ROCK_TOO_OLD unless every needed column is there."""
    lacking = missing_columns(tables)
    if not lacking:
        return
    absent = sorted({table for table in ROCK_COLUMNS if tables.lacks(table, "Id")})
    if any(mark in absent for mark in MARKS):
        raise SourceError(
            "This is not a Rock database: it lacks " + ", ".join(absent[:5]) + ".",
            code="NOT_A_ROCK_DATABASE",
            remedy="Match the database name in the connection string to the RockRMS database name exactly.",
            details={"missing_tables": absent},
        )
    if "AttendanceOccurrence" in absent:
        raise SourceError(
            "This Rock is older than v8.0: it keeps attendance without occurrences.",
            code="ROCK_TOO_OLD",
            remedy="Update Rock to v8.0 or later, then import.",
        )
    named = ", ".join(f"{table}.{column}" for table, column in lacking[:5])
    raise SourceError(
        f"The database lacks what every Rock since v8.0 has: {named}.",
        code="ROCK_SCHEMA_INCOMPLETE",
        remedy="Let a Rock administrator check the database; an interrupted Rock update leaves tables unfinished.",
        details={"missing": [f"{table}.{column}" for table, column in lacking]},
    )
