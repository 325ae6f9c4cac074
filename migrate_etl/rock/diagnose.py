"""Test Connection: can this Rock database be read, and what is in it? Asks; changes nothing, decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from migrate_etl.rock import catalog
from migrate_etl.rock.database import Consistency, RockDatabase
from migrate_etl.rock.release import estimate_release
from migrate_transfer.core.errors import MigrateError
from migrate_transfer.core.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class CampusFound:
    """A campus to choose from; Rock leaves `is_active` empty for old ones."""

    id: int
    name: str
    is_active: bool | None


@dataclass(frozen=True, slots=True)
class Period:
    """First and last local date of something; both None where nothing has a date."""

    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a readable Rock database holds and how it will be read."""

    release: str
    """Estimated by the columns the database has: `v16.0 or later, before v17.0`."""
    last_update: date | None
    """Day of the newest Rock migration applied, where its list can be read."""
    missing_columns: tuple[str, ...]
    """Columns this release does not have; the import does without them."""
    campuses: tuple[CampusFound, ...]
    gifts: Period
    attendance: Period
    rows: Mapping[str, int]
    """Rock table -> its rows, of the tables the import turns into records."""
    consistency: Consistency
    collation: str | None
    driver: str
    arrow: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The answer: `code` OK with contents, or a code of `failures.py` with message and remedy."""

    code: str
    message: str
    remedy: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    contents: Contents | None = None

    @property
    def ok(self) -> bool:
        return self.code == "OK"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; dates as ISO text."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def test_connection(connection: str) -> Diagnosis:
    """Open the database, look around, and say what was found or what is wrong. Raises no error of the database's."""
    try:
        with RockDatabase.open(connection, retry=RetryPolicy(patience=0)) as database:
            contents = _contents(database)
    except MigrateError as error:
        return Diagnosis(error.error_code, error.message, error.remedy, error.details)
    return Diagnosis("OK", f"Rock {contents.release} can be read.", contents=contents)


COUNTED = (
    "Person",
    "Group",
    "GroupMember",
    "FinancialTransactionDetail",
    "FinancialAccount",
    "Attendance",
    "PrayerRequest",
)


def _contents(database: RockDatabase) -> Contents:
    tables = database.tables
    campus = tables["Campus"]
    named = sa.select(campus.c.Id.label("id"), campus.c.Name.label("name"), campus.c.IsActive.label("is_active"))
    # By pages, because that is the road of the large tables: whether Arrow works shows here.
    campuses = [CampusFound(*row) for page in database.pages(named, campus.c.Id) for row in page.iter_rows()]
    return Contents(
        release=estimate_release(tables),
        last_update=_last_update(database),
        missing_columns=tuple(f"{table}.{column}" for table, column, _ in tables.missing()),
        campuses=tuple(campuses),
        gifts=_period(database, tables["FinancialTransaction"].c.TransactionDateTime),
        attendance=_period(database, tables["AttendanceOccurrence"].c.OccurrenceDate),
        rows={name: _rows(database, name) for name in COUNTED},
        consistency=database.consistency,
        collation=database.fact(catalog.COLLATION),
        driver=database.driver,
        arrow=database.no_arrow is None,
        notes=tuple(_notes(database)),
    )


def _period(database: RockDatabase, column: sa.ColumnElement[Any]) -> Period:
    frame = database.frame(sa.select(sa.func.min(column).label("first"), sa.func.max(column).label("last")))
    return Period(*(value.date() if isinstance(value, datetime) else value for value in frame.row(0)))


def _rows(database: RockDatabase, table: str) -> int:
    return int(database.scalar(sa.select(sa.func.count().label("rows")).select_from(database.tables[table])))


def _last_update(database: RockDatabase) -> date | None:
    """Migrations are named by the minute they were written: 202405021655212_Rollup."""
    name = database.fact(catalog.NEWEST_MIGRATION)
    if name is None or not name[:8].isdigit():
        return None
    try:
        return date(int(name[:4]), int(name[4:6]), int(name[6:8]))
    except ValueError:
        return None


def _notes(database: RockDatabase) -> list[str]:
    notes = []
    if database.certificate_unchecked:
        notes.append("The server's certificate was not checked: FreeTDS does so with Encrypt=true alone.")
    if database.no_arrow is not None:
        notes.append(f"Large tables are read row by row: {database.no_arrow}.")
    if database.refused_manners:
        named = ", ".join(database.refused_manners)
        notes.append(f"The server does not know what would make reading gentler: {named}.")
    if database.consistency == "pages":
        notes.append("The database keeps no snapshots; what changes while the import reads is named in its report.")
    return notes


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case date():
            return value.isoformat()
    return value
