"""Households: people with their families, addresses, phones and e-mails, as Rock lays them over eight tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from migrate_etl.sandbox.rock import names
from migrate_etl.sandbox.rock.build import Rock
from migrate_etl.sandbox.rock.church import ALIAS_OFFSET, Church
from migrate_etl.sandbox.rock.writer import column_names

SIZES = (1, 1, 1, 2, 2, 2, 3, 4, 4, 5)
BLOCK = 20_000
FIRST_IMPORT = datetime(2018, 3, 1, 9)
PERSON = column_names(
    """Id RecordTypeValueId RecordStatusValueId RecordStatusReasonValueId ConnectionStatusValueId FirstName
NickName MiddleName LastName BirthDay BirthMonth BirthYear BirthDate Gender MaritalStatusValueId Email
IsEmailActive EmailPreference IsDeceased GivingGroupId GivingId GivingLeaderId PrimaryFamilyId
PrimaryCampusId PrimaryAliasId AgeClassification CreatedDateTime ModifiedDateTime"""
)
COLUMNS: dict[str, list[str]] = {
    "Person": PERSON,
    "PersonAlias": ["Id", "PersonId", "AliasPersonId"],
    "Group": ["Id", "GroupTypeId", "CampusId", "Name", "IsActive"],
    "GroupMember": ["Id", "GroupId", "PersonId", "GroupRoleId", "GroupMemberStatus", "GroupOrder"],
    "PhoneNumber": ["Id", "PersonId", "CountryCode", "Number", "FullNumber", "NumberTypeValueId", "IsUnlisted"],
    "Location": ["Id", "Street1", "Street2", "City", "State", "PostalCode", "Country", "IsActive"],
    "GroupLocation": [
        "Id",
        "GroupId",
        "LocationId",
        "GroupLocationTypeValueId",
        "IsMailingLocation",
        "IsMappedLocation",
    ],
}
Blocks = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class _Words:
    """Ids of the values used for every household, looked up once."""

    person: int
    active: int
    inactive: int
    pending: int
    moved: int
    connections: Sequence[int]
    married: int
    single: int
    phones: Sequence[int]


def households(church: Church) -> None:
    """People until there are as many as asked for, and the groups Rock makes for each of them by itself."""
    rock, words = church.rock, _words(church.rock)
    blocks: Blocks = {name: [] for name in COLUMNS}
    rock.reserve("PersonAlias", ALIAS_OFFSET + rock.last_id("Person"))
    while len(church.persons) < church.people:
        size = min(church.random.choice(SIZES), church.people - len(church.persons))
        _household(church, words, blocks, size)
        if len(blocks["Person"]) >= BLOCK:
            _flush(rock, blocks)
    _flush(rock, blocks)
    rock.reserve("PersonAlias", ALIAS_OFFSET + rock.last_id("Person"))


def _words(rock: Rock) -> _Words:
    values = rock.values
    likely = ("member", "member", "member", "attendee", "attendee", "visitor", "participant", "own", "retired")
    return _Words(
        person=values["record type person"],
        active=values["record status active"],
        inactive=values["record status inactive"],
        pending=values["record status pending"],
        moved=values["reason moved"],
        connections=[values[f"connection {word}"] for word in likely],
        married=values["marital married"],
        single=values["marital single"],
        phones=[values[f"phone {word}"] for word in ("mobile", "mobile", "mobile", "home", "work")],
    )


def _flush(rock: Rock, blocks: Blocks) -> None:
    for table, rows in blocks.items():
        rock.bulk(table, COLUMNS[table], rows)
        rows.clear()


def _household(church: Church, words: _Words, blocks: Blocks, size: int) -> None:
    rock, random = church.rock, church.random
    last = random.choice(names.LAST)
    campus = random.choices(church.campuses, (55, 30, 5, 8))[0] if random.random() > 0.02 else None
    family = rock.next_id("Group")
    blocks["Group"].append((family, rock.group_types["family"], campus, f"{last} Family", True))
    head = rock.last_id("Person") + 1
    for n in range(size):
        adult = n < 2
        person = _person(church, words, blocks, (family, campus, head, last, size), n)
        role = rock.roles["adult" if adult else "child"]
        blocks["GroupMember"].append((rock.next_id("GroupMember"), family, person, role, 1, 0))
        (church.adults if adult else church.children).append(len(church.persons))
        church.persons.append(person)
        church.campus_of.append(campus or 0)
    _own_groups(rock, blocks, head)
    _address(rock, random, blocks, family)


def _person(church: Church, words: _Words, blocks: Blocks, home: tuple[int, int | None, int, str, int], n: int) -> int:
    rock, random = church.rock, church.random
    family, campus, head, last, size = home
    adult, luck = n < 2, random.random()
    person = rock.next_id("Person")
    gender = (1 + n) if adult and size > 1 else 1 + (luck < 0.55)
    first = random.choice(names.FIRST_MALE if gender == 1 else names.FIRST_FEMALE)
    born = date(random.randrange(1940, 2004) if adult else random.randrange(2008, 2026), 1, 1) + timedelta(
        days=random.randrange(365)
    )
    made = FIRST_IMPORT + timedelta(minutes=person * 37 % 4_000_000)
    status, reason = _status(words, luck)
    alone = not adult or luck > 0.97
    blocks["Person"].append(
        (
            person,
            words.person,
            status,
            reason,
            random.choice(words.connections),
            first,
            names.NICKNAMES.get(first, first),
            first[0] if luck < 0.3 else None,
            last,
            born.day,
            born.month,
            born.year if luck < 0.95 else None,
            born if luck < 0.95 else None,
            gender,
            words.married if adult and size > 1 else words.single,
            _email(first, last, head if luck < 0.15 else person) if adult else None,
            luck < 0.97,
            2 if luck > 0.98 else 0,
            False,
            None if alone else family,
            f"P{person}" if alone else f"G{family}",
            person if alone else head,
            family,
            campus,
            person + ALIAS_OFFSET,
            1 if adult else 2,
            made,
            made + timedelta(days=person % 900),
        )
    )
    blocks["PersonAlias"].append((person + ALIAS_OFFSET, person, person))
    if adult:
        number = f"{217 + person % 600:03d}555{person * 7919 % 10_000:04d}"
        kind = random.choice(words.phones)
        blocks["PhoneNumber"].append(
            (rock.next_id("PhoneNumber"), person, "1", number, f"1{number}", kind, luck > 0.96)
        )
    if random.random() < 0.006:
        _merged(church, blocks, person)
    return person


def _status(words: _Words, luck: float) -> tuple[int, int | None]:
    if luck < 0.91:
        return words.active, None
    return (words.inactive, words.moved) if luck < 0.985 else (words.pending, None)


def _email(first: str, last: str, number: int) -> str:
    return f"{first}.{last}.{number}@example.org".lower().replace("'", "")


def _merged(church: Church, blocks: Blocks, person: int) -> None:
    """A record merged into this person: its row is gone, its alias leads here."""
    gone = church.rock.next_id("Person")
    blocks["PersonAlias"].append((gone + ALIAS_OFFSET, person, gone))
    church.old_aliases[person] = gone + ALIAS_OFFSET


def _own_groups(rock: Rock, blocks: Blocks, person: int) -> None:
    """The relationship groups that Rock's nightly job makes for people."""
    for kind, role in (("known relationships", "owner"), ("peer network", "peer owner")):
        group = rock.next_id("Group")
        blocks["Group"].append((group, rock.group_types[kind], None, kind.title(), True))
        blocks["GroupMember"].append((rock.next_id("GroupMember"), group, person, rock.roles[role], 1, None))


def _address(rock: Rock, random: Random, blocks: Blocks, family: int) -> None:
    if random.random() < 0.06:
        return
    place = rock.next_id("Location")
    city, state, code = random.choice(names.CITIES)
    street = f"{random.randrange(1, 9999)} {random.choice(names.STREETS)} St"
    unit = f"Apt {place % 40}" if random.random() < 0.1 else None
    blocks["Location"].append((place, street, unit, city, state, code, "US", True))
    kind = rock.values["location home"]
    blocks["GroupLocation"].append((rock.next_id("GroupLocation"), family, place, kind, True, True))
