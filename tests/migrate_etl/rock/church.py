"""A church of a dozen rows, each there for a reason, built in SQLite or PostgreSQL through Rock's own tables."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from migrate_etl.rock.tables import ROCK_COLUMNS, RockTables

GUID = "36CF10D6-C695-413D-8E7C-4546EFEF385E"
NAMES = ["Anna", "José", "😀" * 50, "שָׁלוֹם עולם", None, "", "O'Brien; --", "  x "]
MOMENTS = [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 997000), None, datetime(2024, 3, 10, 2, 30, 0, 120000)]
AMOUNTS = [Decimal("0.01"), Decimal("-9999999999999999.99"), Decimal("9999999999999999.99"), Decimal("0.00")]
LONG_TEXT = "é😀" * 40_000


def build(url: str, present: dict[str, list[str]] | None = None) -> None:
    """Make the tables of a Rock database (`present`: only these columns) and put the rows in."""
    engine = sa.create_engine(url)
    tables = RockTables(present)
    for name in ROCK_COLUMNS:
        if not tables.lacks(name, "Id"):
            sa.inspect(tables[name]).create(engine)
    with engine.begin() as connection:
        for name, rows in ROWS.items():
            for row in rows:
                known = {column: value for column, value in row.items() if not tables.lacks(name, column)}
                if known:
                    connection.execute(sa.insert(tables[name]).values(_stored(known, engine.dialect.name)))
    engine.dispose()


def current() -> dict[str, list[str]]:
    """The columns of a current release, to take some away from."""
    return {table: [column.name for column in columns] for table, columns in ROCK_COLUMNS.items()}


def _stored(row: dict[str, Any], dialect: str) -> dict[str, Any]:
    """SQLite keeps money as whole cents."""
    if dialect != "sqlite":
        return row
    return {name: int(value * 100) if isinstance(value, Decimal) else value for name, value in row.items()}


ROWS: dict[str, list[dict[str, Any]]] = {
    "Person": [
        {
            "Id": number * 3,
            "Guid": GUID,
            "FirstName": name,
            "LastName": "Long" * 12,
            "IsDeceased": number % 2 == 1,
            "Gender": 1,
            "IsEmailActive": True,
            "CreatedDateTime": MOMENTS[number % 4],
        }
        for number, name in enumerate(NAMES, start=1)
    ],
    "Campus": [
        {"Id": 1, "Guid": GUID, "Name": "Main", "IsActive": True},
        {"Id": 2, "Guid": GUID, "Name": "Nord 😀", "IsActive": None},
    ],
    "FinancialTransaction": [
        {
            "Id": number,
            "TransactionDateTime": moment,
            "TransactionTypeValueId": 1,
            "ShowAsAnonymous": False,
        }
        for number, moment in enumerate(MOMENTS, start=1)
    ],
    "FinancialTransactionDetail": [
        {"Id": number, "TransactionId": 1, "AccountId": 1, "Amount": amount}
        for number, amount in enumerate(AMOUNTS, start=1)
    ],
    "AttendanceOccurrence": [
        {"Id": 1, "OccurrenceDate": date(1, 1, 1)},
        {"Id": 2, "OccurrenceDate": date(9999, 12, 31)},
        {"Id": 3, "OccurrenceDate": date(2024, 2, 29), "DidNotOccur": True},
    ],
    "PrayerRequest": [{"Id": 1, "Text": LONG_TEXT, "EnteredDateTime": datetime(2024, 1, 1), "PrayerCount": 2**31 - 1}],
    "PhoneNumber": [
        {"Id": number, "PersonId": person, "Number": "5551234", "IsUnlisted": False}
        for number, person in enumerate([3, 3, 6, 9, 24], start=1)
    ],
}
