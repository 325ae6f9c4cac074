"""Rock: a handle on a sample database that plants rows with sensible defaults, one call a thing.

`empty_rock` makes a database with what ships with Rock and no church in it: the start of a test of one case.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from migrate_etl.sandbox.rock import shipped
from migrate_etl.sandbox.rock.schema import CURRENT, metadata
from migrate_etl.sandbox.rock.writer import Writer


class Rock(Writer):
    """Plants people, groups, gifts, attendance and prayers. Every method returns the id of the row it planted.

    `values`, `group_types` and `roles` map the short names of `shipped.py` to ids. Further columns of the row are
    given by name; those that the release lacks are passed over.
    """

    def __init__(self, engine: sa.Engine, tables: sa.MetaData) -> None:
        super().__init__(engine, tables)
        self.values: dict[str, int] = {}
        self.group_types: dict[str, int] = {}
        self.roles: dict[str, int] = {}
        self.entity_types: dict[str, int] = {}
        self._kinds: dict[int, str] = {}

    # people ------------------------------------------------------------------------------------------------------

    def person(
        self, first: str | None = "Ann", last: str | None = "Hill", *, alias: bool = True, **columns: Any
    ) -> int:
        """A person (record type Person, active) with a primary alias of its own unless `alias` is off."""
        person_id: int = columns.pop("Id", None) or self.next_id("Person")
        alias_id = self.alias(person_id, person_id) if alias else None
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
            "PrimaryAliasId": alias_id,
        }
        return self.add("Person", Id=person_id, **{**given, **columns})

    def alias(self, person_id: int, stood_for: int) -> int:
        """An alias that leads to `person_id`; `stood_for` is the person it was made for (another one after a merge)."""
        return self.add("PersonAlias", PersonId=person_id, AliasPersonId=stood_for)

    def alias_of(self, person_id: int) -> int:
        """The id of the person's primary alias."""
        table = self.tables.tables["PersonAlias"]
        return int(self.execute(sa.select(table.c.Id).where(table.c.AliasPersonId == person_id)).scalar_one())

    def phone(self, person_id: int, number: str, kind: str | None = "phone mobile", **columns: Any) -> int:
        kind_id = self.values[kind] if kind else None
        given = {"PersonId": person_id, "Number": number, "NumberTypeValueId": kind_id, "FullNumber": number}
        return self.add("PhoneNumber", **{**given, **columns})

    # groups ------------------------------------------------------------------------------------------------------

    def group(self, name: str, kind: str = "small group", **columns: Any) -> int:
        """An active group of a type by its short name."""
        given = {"Name": name, "GroupTypeId": self.group_types[kind], "IsActive": True, "IsPublic": True}
        group_id = self.add("Group", **{**given, **columns})
        self._kinds[group_id] = kind
        return group_id

    def member(self, group_id: int, person_id: int, role: str = "member", **columns: Any) -> int:
        """An active member; `member` and `leader` are the roles of the group's own type."""
        role_id = self.roles.get(f"{self._kinds.get(group_id)} {role}") or self.roles[role]
        given = {"GroupId": group_id, "PersonId": person_id, "GroupRoleId": role_id, "GroupMemberStatus": 1}
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
        """A new location tied to the group, used for mail; the id of the tie (GroupLocation)."""
        location = self.add(
            "Location", Street1=street, City="Springfield", State="IL", PostalCode="62701", Country="US", IsActive=True
        )
        given = {"GroupId": group_id, "LocationId": location, "GroupLocationTypeValueId": self.values[kind]}
        return self.add("GroupLocation", **{**given, "IsMailingLocation": True, **columns})

    # giving ------------------------------------------------------------------------------------------------------

    def fund(self, name: str, **columns: Any) -> int:
        """An account that is open, tax deductible and called in public what it is called inside."""
        given = {"Name": name, "PublicName": name, "IsTaxDeductible": True, "IsActive": True}
        return self.add("FinancialAccount", **{**given, **columns})

    def batch(self, name: str, campus_id: int | None = None, **columns: Any) -> int:
        """A closed batch with a control amount of zero."""
        return self.add("FinancialBatch", **{"Name": name, "CampusId": campus_id, "Status": 2, **columns})

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
            "CreatedDateTime": when,
            "ModifiedDateTime": when,
        }
        transaction = self.add("FinancialTransaction", **{**given, **columns})
        for fund, amount in [(1, cents)] if isinstance(cents, int) else cents:
            self.add("FinancialTransactionDetail", TransactionId=transaction, AccountId=fund, Amount=amount)
        if refund_of is not None:
            self.add("FinancialTransactionRefund", Id=transaction, OriginalTransactionId=refund_of or None)
        return transaction

    # meetings and prayers ----------------------------------------------------------------------------------------

    def occurrence(self, group_id: int | None, day: date, **columns: Any) -> int:
        given = {"GroupId": group_id, "OccurrenceDate": day, "SundayDate": day, "OccurrenceDateKey": date_key(day)}
        return self.add("AttendanceOccurrence", **{**given, **columns})

    def attendance(self, occurrence_id: int, alias_id: int | None, when: datetime, **columns: Any) -> int:
        """Somebody who came."""
        given = {"OccurrenceId": occurrence_id, "PersonAliasId": alias_id, "StartDateTime": when, "DidAttend": True}
        return self.add("Attendance", **{**given, "RSVP": 3, **columns})

    def prayer(self, text: str, alias_id: int | None = None, **columns: Any) -> int:
        """A public, approved, active request."""
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


def date_key(day: date) -> int:
    """Rock's `yyyymmdd`."""
    return day.year * 10_000 + day.month * 100 + day.day


def empty_rock(target: str | Path, release: str = CURRENT, *, indexes: bool = True) -> Rock:
    """A new Rock database with all tables and the rows that ship with Rock (campus 1, fund 1 and persons 1 to 3 too).

    `target` is a file for SQLite or a SQLAlchemy URL; `release` is "current" or like "v9" and "v12.4". Without
    `indexes` call `build_indexes` after the rows. Raises InvalidRequest for an unknown release, and SQLAlchemy's
    errors where tables are there already.
    """
    engine = sa.create_engine(str(target) if "://" in str(target) else f"sqlite:///{target}")
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _without_waiting)
    tables = metadata(release, references=engine.dialect.name == "sqlite")
    with engine.begin() as connection:
        for table in tables.tables.values():
            connection.execute(sa.schema.CreateTable(table))
    rock = Rock(engine, tables)
    if indexes:
        rock.build_indexes()
    _ship(rock)
    return rock


def _without_waiting(connection: Any, _: object) -> None:
    """A sample that a power cut destroys is made again: no waiting for the disk."""
    connection.execute("pragma synchronous = off")
    connection.execute("pragma journal_mode = memory")


def _ship(rock: Rock) -> None:
    _ship_values(rock)
    _ship_group_types(rock)
    for name, guid in shipped.ENTITY_TYPES:
        given = {"Guid": guid} if guid else {}
        short = name.rsplit(".", 1)[1]
        rock.entity_types[short] = rock.add("EntityType", Name=name, FriendlyName=short, IsEntity=True, **given)
    rock.add("Campus", Name="Main Campus", ShortCode="MAIN", IsActive=True)
    rock.fund("General Fund", Guid=shipped.GENERAL_FUND)
    for first, last, guid in shipped.PERSONS:
        rock.person(first, last, Guid=guid, IsSystem=True)


def _ship_values(rock: Rock) -> None:
    lists: dict[str, int] = {}
    for list_name, name, guid, word in shipped.VALUES:
        if list_name not in lists:
            lists[list_name] = rock.add("DefinedType", Name=list_name, IsActive=True)
        rock.values[name] = rock.add(
            "DefinedValue",
            DefinedTypeId=lists[list_name],
            Guid=guid,
            Value=word,
            IsActive=name not in shipped.RETIRED_VALUES,
        )


def _ship_group_types(rock: Rock) -> None:
    for kind, guid, label in shipped.GROUP_TYPES:
        purpose = rock.values[shipped.PURPOSES[kind]] if kind in shipped.PURPOSES else None
        given = {"GroupTerm": "Group", "GroupMemberTerm": "Member", "GroupTypePurposeValueId": purpose}
        rock.group_types[kind] = rock.add("GroupType", Guid=guid, Name=label, **given)
    for role, guid, kind, label in shipped.GROUP_ROLES:
        rock.roles[role] = rock.add("GroupTypeRole", Guid=guid, GroupTypeId=rock.group_types[kind], Name=label)
    taken = {kind for _, _, kind, _ in shipped.GROUP_ROLES}
    for kind in (kind for kind in rock.group_types if kind not in taken):
        for role, leads in (("member", False), ("leader", True)):
            type_id = rock.group_types[kind]
            own = rock.add("GroupTypeRole", GroupTypeId=type_id, Name=role.title(), IsLeader=leads)
            rock.roles[f"{kind} {role}"] = own
    rock.roles["member"], rock.roles["leader"] = rock.roles["small group member"], rock.roles["small group leader"]
    pairs = [(rock.group_types[above], rock.group_types[below]) for above, below in shipped.CHILD_TYPES]
    rock.bulk("GroupTypeAssociation", ("GroupTypeId", "ChildGroupTypeId"), pairs)
