"""Households: people with their families, addresses, phones and e-mails, as Rock lays them over eight tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

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


class _Home(NamedTuple):
    """What the people of a household share."""

    family: int
    campus: int | None
    head: int
    last: str
    size: int


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
    campus = random.choices(church.campuses, (55, 30, 5, 8))[0] if random.random() > 0.02 else None
    home = _Home(rock.next_id("Group"), campus, rock.last_id("Person") + 1, random.choice(names.LAST), size)
    blocks["Group"].append((home.family, rock.group_types["family"], campus, f"{home.last} Family", True))
    for n in range(size):
        adult = n < 2
        person = _person(church, words, blocks, home, n)
        role = rock.roles["adult" if adult else "child"]
        blocks["GroupMember"].append((rock.next_id("GroupMember"), home.family, person, role, 1, 0))
        (church.adults if adult else church.children).append(len(church.persons))
        church.persons.append(person)
        church.campus_of.append(campus or 0)
    _own_groups(rock, blocks, home.head)
    _address(rock, random, blocks, home.family)


def _person(church: Church, words: _Words, blocks: Blocks, home: _Home, n: int) -> int:
    """The n-th of a household, with an alias and, for the first two, who are adults, a phone."""
    random, adult = church.random, n < 2
    person, luck = church.rock.next_id("Person"), church.random.random()
    gender = (1 + n) if adult and home.size > 1 else 1 + (luck < 0.55)
    first = random.choice(names.FIRST_MALE if gender == 1 else names.FIRST_FEMALE)
    made = FIRST_IMPORT + timedelta(minutes=person * 37 % 4_000_000)
    alone = not adult or luck > 0.97
    row = (
        *(person, words.person, *_status(words, luck), random.choice(words.connections)),
        *(first, names.NICKNAMES.get(first, first), first[0] if luck < 0.3 else None, home.last),
        *_birth(random, adult, luck),
        *(gender, words.married if adult and home.size > 1 else words.single),
        *(_mail(first, home, person, luck) if adult else (None, True, 0)),
        luck > 0.995,
        *((None, f"P{person}", person) if alone else (home.family, f"G{home.family}", home.head)),
        *(home.family, home.campus, person + ALIAS_OFFSET, 1 if adult else 2, made, made + timedelta(person % 900)),
    )
    blocks["Person"].append(row)
    blocks["PersonAlias"].append((person + ALIAS_OFFSET, person, person))
    if adult:
        _phone(church, words, blocks, person, luck)
    if random.random() < 0.006:
        _merged(church, blocks, person)
    return person


def _status(words: _Words, luck: float) -> tuple[int, int | None]:
    if luck < 0.91:
        return words.active, None
    return (words.inactive, words.moved) if luck < 0.985 else (words.pending, None)


def _birth(random: Random, adult: bool, luck: float) -> tuple[int, int, int | None, date | None]:
    """Day, month, year, and the date they make; one in twenty keeps the year to themselves."""
    first = date(random.randrange(1940, 2004) if adult else random.randrange(2008, 2026), 1, 1)
    born = first + timedelta(days=random.randrange(365))
    return (born.day, born.month, born.year, born) if luck < 0.95 else (born.day, born.month, None, None)


def _mail(first: str, home: _Home, person: int, luck: float) -> tuple[str, bool, int]:
    """Address, active, preference; some use the address of the head of the house."""
    number = home.head if luck < 0.15 else person
    address = f"{first}.{home.last}.{number}@example.org".lower().replace("'", "")
    return address, luck < 0.97, 2 if luck > 0.98 else 0


def _phone(church: Church, words: _Words, blocks: Blocks, person: int, luck: float) -> None:
    number = f"{217 + person % 600:03d}555{person * 7919 % 10_000:04d}"
    kind, row_id = church.random.choice(words.phones), church.rock.next_id("PhoneNumber")
    blocks["PhoneNumber"].append((row_id, person, "1", number, f"1{number}", kind, luck > 0.96))


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
