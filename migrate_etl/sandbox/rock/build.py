"""Rock: a handle on a sample database that plants rows, one at a time with sensible defaults or many in bulk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from migrate_etl.rock.tables import Money
from migrate_etl.sandbox.rock.schema import CURRENT, metadata
from migrate_etl.sandbox.rock.shipped import GROUP_ROLES, GROUP_TYPES, PERSONS, VALUES

BULK = 20_000
DEFAULTS: dict[type, Any] = {
    int: 0,
    bool: False,
    str: "",
    datetime: datetime(2000, 1, 1),
    date: date(1753, 1, 1),
    Decimal: 0,
    object: 0,
}


class Rock:
    """Plants rows in a Rock database made by `empty_rock`. Ids count up per table; money is given in cents.

    Every method that plants a row returns its id. Close it, or use `with`: it commits at the end.
    """

    def __init__(self, engine: sa.Engine, tables: sa.MetaData) -> None:
        self.engine, self.tables = engine, tables
        self._connection = engine.connect()
        self._ids: dict[str, int] = {}
        self._fill = {name: _fill(table) for name, table in tables.tables.items()}
        self.values: dict[str, int] = {}
        self.group_types: dict[str, int] = {}
        self.roles: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._connection.commit()
        self._connection.close()
        self.engine.dispose()

    def next_id(self, table: str, skip: int = 0) -> int:
        """The next id of a table, leaving a gap of `skip` ids as deleted rows do."""
        self._ids[table] = self._ids.get(table, 0) + 1 + skip
        return self._ids[table]

    def add(self, table: str, **values: Any) -> int:
        """One row; columns that may not be null and are not given get a neutral value, a column the release lacks is left out."""
        row_id: int = values.pop("Id", None) or self.next_id(table)
        self._ids[table] = max(self._ids.get(table, 0), row_id)
        known = self.tables.tables[table].c
        given = {name: value for name, value in values.items() if name in known}
        row = {**self._fill[table], **self._guid(table, row_id), **given, "Id": row_id}
        self.bulk(table, list(row), [tuple(row.values())])
        return row_id

    def _guid(self, table: str, row_id: int) -> dict[str, str]:
        number = list(self.tables.tables).index(table)
        return {"Guid": guid(number, row_id)} if "Guid" in self.tables.tables[table].c else {}

    def bulk(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Many rows of the given columns; other columns that may not be null get their neutral value."""
        known = self.tables.tables[table].c
        keep = [n for n, column in enumerate(columns) if column in known]
        names = [columns[n] for n in keep]
        rest = {name: value for name, value in self._fill[table].items() if name not in names}
        number = list(self.tables.tables).index(table)
        with_guid = "Guid" in known and "Guid" not in names
        at = columns.index("Id")
        tail = tuple(rest.values())
        ready = (tuple(row[n] for n in keep) + tail + ((guid(number, row[at]),) if with_guid else ()) for row in rows)
        self._insert(table, [*names, *rest, *(["Guid"] if with_guid else [])], ready)

    def _insert(self, table: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        if self.engine.dialect.name == "sqlite":
            raw = self._connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            quoted = ", ".join(f'"{name}"' for name in names)
            marks = ", ".join("?" * len(names))
            raw.executemany(f'insert into "{table}" ({quoted}) values ({marks})', (_plain(row) for row in rows))
            return
        money = {c.name for c in self.tables.tables[table].c if isinstance(c.type, Money)}
        stream = iter(rows)
        while block := list(islice(stream, BULK)):
            records = [
                {n: Decimal(v) / 100 if n in money and v is not None else v for n, v in zip(names, row, strict=True)}
                for row in block
            ]
            self._connection.execute(self.tables.tables[table].insert(), records)

    def commit(self) -> None:
        self._connection.commit()

    def execute(self, statement: Any) -> sa.CursorResult[Any]:
        """Any other statement, in the same transaction."""
        return self._connection.execute(statement)

    def reserve(self, table: str, last: int) -> None:
        """Ids up to `last` are taken."""
        self._ids[table] = last

    # one row with its meaning ------------------------------------------------------------------------------------

    def person(
        self, first: str | None = "Ann", last: str | None = "Hill", *, alias: bool = True, **columns: Any
    ) -> int:
        """A person (record type Person, active) with a primary alias of its own unless `alias` is off."""
        person_id: int = columns.pop("Id", None) or self.next_id("Person")
        given = {
            "RecordTypeValueId": self.values["record type person"],
            "RecordStatusValueId": self.values["record status active"],
            "ConnectionStatusValueId": self.values["connection member"],
            "FirstName": first,
            "NickName": first,
            "LastName": last,
            "IsEmailActive": True,
            "GivingId": f"P{person_id}",
            "GivingLeaderId": person_id,
        }
        self.add("Person", Id=person_id, **{**given, **columns})
        if alias:
            self.alias(person_id, person_id)
        return person_id

    def alias(self, person_id: int, stood_for: int) -> int:
        """An alias that leads to `person_id`; `stood_for` is the person it was made for (another one after a merge)."""
        return self.add("PersonAlias", PersonId=person_id, AliasPersonId=stood_for)

    def phone(self, person_id: int, number: str, kind: str | None = "phone mobile", **columns: Any) -> int:
        kind_id = self.values[kind] if kind else None
        given = {"PersonId": person_id, "Number": number, "NumberTypeValueId": kind_id, "FullNumber": number}
        return self.add("PhoneNumber", **{**given, **columns})

    def group(self, name: str, kind: str = "small group", **columns: Any) -> int:
        """An active group of a type by its short name (see shipped.GROUP_TYPES)."""
        return self.add("Group", **{"Name": name, "GroupTypeId": self.group_types[kind], "IsActive": True, **columns})

    def member(self, group_id: int, person_id: int, role: str = "member", **columns: Any) -> int:
        given = {"GroupId": group_id, "PersonId": person_id, "GroupRoleId": self.roles[role], "GroupMemberStatus": 1}
        return self.add("GroupMember", **{**given, **columns})

    def family(self, name: str, adults: Sequence[int] = (), children: Sequence[int] = (), **columns: Any) -> int:
        """A family with its members; their primary family is not changed."""
        family_id = self.group(name, "family", **columns)
        for person_id in adults:
            self.member(family_id, person_id, "adult")
        for person_id in children:
            self.member(family_id, person_id, "child")
        return family_id

    def address(self, group_id: int, street: str, kind: str = "location home", **columns: Any) -> int:
        location = self.add(
            "Location", Street1=street, City="Springfield", State="IL", PostalCode="62701", Country="US", IsActive=True
        )
        given = {"GroupId": group_id, "LocationId": location, "GroupLocationTypeValueId": self.values[kind]}
        return self.add("GroupLocation", **{**given, "IsMailingLocation": True, **columns})

    def gift(
        self, cents: int | Sequence[tuple[int, int]], when: datetime | None, alias_id: int | None, **columns: Any
    ) -> int:
        """A contribution: cents to fund 1, or (fund, cents) splits. Returns the transaction's id.

        `tender` names a currency value, `refund_of` makes it a refund (an original's id, or 0 for one without)."""
        tender, refund_of = columns.pop("tender", "currency check"), columns.pop("refund_of", None)
        payment = self.add("FinancialPaymentDetail", CurrencyTypeValueId=self.values[tender] if tender else None)
        given = {
            "TransactionDateTime": when,
            "TransactionTypeValueId": self.values["transaction contribution"],
            "AuthorizedPersonAliasId": alias_id,
            "FinancialPaymentDetailId": payment,
        }
        transaction = self.add("FinancialTransaction", **{**given, **columns})
        for fund, amount in [(1, cents)] if isinstance(cents, int) else cents:
            self.add("FinancialTransactionDetail", TransactionId=transaction, AccountId=fund, Amount=amount)
        if refund_of is not None:
            self.add("FinancialTransactionRefund", Id=transaction, OriginalTransactionId=refund_of or None)
        return transaction

    def occurrence(self, group_id: int | None, day: date, **columns: Any) -> int:
        return self.add(
            "AttendanceOccurrence", **{"GroupId": group_id, "OccurrenceDate": day, "SundayDate": day, **columns}
        )

    def attendance(self, occurrence_id: int, alias_id: int | None, when: datetime, **columns: Any) -> int:
        given = {"OccurrenceId": occurrence_id, "PersonAliasId": alias_id, "StartDateTime": when, "DidAttend": True}
        return self.add("Attendance", **{**given, "RSVP": 3, **columns})

    def prayer(self, text: str, alias_id: int | None = None, **columns: Any) -> int:
        given = {
            "FirstName": "Somebody",
            "Text": text,
            "RequestedByPersonAliasId": alias_id,
            "EnteredDateTime": datetime(2024, 5, 1, 8, 0),
            "IsPublic": True,
            "IsApproved": True,
            "IsActive": True,
        }
        return self.add("PrayerRequest", **{**given, **columns})


def guid(table: int, row_id: int) -> str:
    return f"{table:08x}-0000-4000-8000-{row_id:012x}"


def _plain(row: Sequence[Any]) -> tuple[Any, ...]:
    """As SQLite keeps it: dates and moments as ISO text."""
    return tuple(str(value) if isinstance(value, date) else value for value in row)


def _fill(table: sa.Table) -> dict[str, Any]:
    skip = ("Id", "Guid")
    return {c.name: DEFAULTS[c.type.python_type] for c in table.c if not c.nullable and c.name not in skip}


def empty_rock(target: str | Path, release: int = CURRENT) -> Rock:
    """A new Rock database with all tables and the rows that ship with Rock, but no church yet.

    `target` is a file for SQLite or a SQLAlchemy URL. Raises sqlalchemy errors if tables are there already.
    """
    url = str(target) if "://" in str(target) else f"sqlite:///{target}"
    engine = sa.create_engine(url)
    tables = metadata(release, references=engine.dialect.name == "sqlite")
    tables.create_all(engine, checkfirst=False)
    rock = Rock(engine, tables)
    _ship(rock)
    return rock


def _ship(rock: Rock) -> None:
    for list_name, name, value_guid, word in VALUES:
        rock.values[name] = rock.add(
            "DefinedValue", DefinedTypeId=_list(rock, list_name), Guid=value_guid, Value=word, IsActive=True
        )
    for name, type_guid, label in GROUP_TYPES:
        rock.group_types[name] = rock.add(
            "GroupType", Guid=type_guid, Name=label, GroupTerm="Group", GroupMemberTerm="Member"
        )
    for name, role_guid, kind, leads in GROUP_ROLES:
        rock.roles[name] = rock.add(
            "GroupTypeRole", Guid=role_guid, GroupTypeId=rock.group_types[kind], Name=name.title(), IsLeader=leads
        )
    for name in ("Rock.Model.Person", "Rock.Model.PrayerRequest", "Rock.Model.Registration"):
        rock.add("EntityType", Name=name, FriendlyName=name.rsplit(".", 1)[1], IsEntity=True)
    rock.add("Campus", Name="Main Campus", ShortCode="MAIN", IsActive=True)
    rock.add("FinancialAccount", Name="General Fund", PublicName="General Fund", IsTaxDeductible=True, IsActive=True)
    for first, last, person_guid in PERSONS:
        rock.person(first, last, Guid=person_guid, IsSystem=True)


def _list(rock: Rock, name: str) -> int:
    key = f"list {name}"
    if key not in rock.values:
        rock.values[key] = rock.add("DefinedType", Name=name, IsActive=True)
    return rock.values[key]
