"""Which Rock release a database belongs to, and whether it is one at all, told by the columns it has. Pure."""

from __future__ import annotations

from migrate_etl.rock.tables import ROCK_COLUMNS, RockTables
from migrate_transfer.core.errors import SourceError

MARKS = ("Person", "PersonAlias", "DefinedValue", "FinancialTransactionDetail", "Attendance")
"""Tables that every Rock has and hardly anything else has together."""

OCCURRENCE = (("AttendanceOccurrence", "Id"), ("Attendance", "OccurrenceId"))
"""Came with v8.0: before, an attendance named group, schedule and date itself."""

RELEASES = (
    ("v17.0", "Person", "PrimaryAliasGuid"),
    ("v16.0", "Person", "PrimaryAliasId"),
    ("v15.0", "Person", "AgeBracket"),
    ("v14.1", "Person", "RaceValueId"),
    ("v13.3", "FinancialAccount", "UsesCampusChildAccounts"),
    ("v13.0", "Person", "AccountProtectionProfile"),
    ("v12.4", "FinancialTransactionDetail", "ForeignCurrencyAmount"),
    ("v12.0", "FinancialTransactionDetail", "FeeCoverageAmount"),
    ("v11.0", "PhoneNumber", "FullNumber"),
    ("v10.2", "Group", "InactiveReasonValueId"),
    ("v10.0", "Person", "PrimaryCampusId"),
    ("v8.0", "AttendanceOccurrence", "Id"),
)
"""Releases, newest first, and a column each brought (section 8 of the database reference)."""


def estimate_release(tables: RockTables) -> str:
    """`v16.0 or later, before v17.0`, told by the columns the database has."""
    newer = None
    for release, table, column in RELEASES:
        if not tables.lacks(table, column):
            return f"{release} or later" + (f", before {newer}" if newer else "")
        newer = release
    return "before v8.0"


def missing_columns(tables: RockTables) -> list[tuple[str, str]]:
    """(table, column) that every supported release has and this database does not show.

    A column that came with some release may be lacking, even one of v8.0: the mapping does without it. The
    occurrences of attendance may not.
    """
    return [
        (table, column) for table, column, since in tables.missing() if since is None or (table, column) in OCCURRENCE
    ]


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
    if any(tables.lacks(table, column) for table, column in OCCURRENCE):
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
