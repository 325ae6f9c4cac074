"""A believable church of any size: households, giving habits over years, groups, check-ins, prayers. Then the dirt.

Deterministic from the seed. Written in blocks, so that memory does not grow with gifts or attendance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from migrate_etl.sandbox.rock import names
from migrate_etl.sandbox.rock.build import Rock, empty_rock
from migrate_etl.sandbox.rock.dirt import plant_dirt
from migrate_etl.sandbox.rock.schema import CURRENT

TENDERS = (
    ("currency ach",) * 4 + ("currency card",) * 4 + ("currency check",) * 3 + ("currency cash", "currency apple pay")
)
HABITS = (2_000, 2_500, 5_000, 5_000, 7_500, 10_000, 10_000, 12_345, 15_000, 25_000, 50_000, 100_000)
"""Usual gifts in cents."""


@dataclass(slots=True)
class Church:
    """What the generator remembers while it writes."""

    rock: Rock
    random: Random
    people: int
    gifts: int
    attendances: int
    first_day: date
    last_day: date
    campuses: list[int] = field(default_factory=list)
    adults: list[tuple[int, int, int]] = field(default_factory=list)
    """(alias id, campus id, usual gift in cents)"""
    funds: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)


def make_sample(
    target: str | Path,
    people: int = 500,
    seed: int = 1,
    *,
    gifts: int | None = None,
    attendances: int | None = None,
    years: int = 6,
    last_day: date = date(2026, 10, 31),
    release: int = CURRENT,
    dirt: bool = True,
) -> None:
    """Write a sample Rock database to a new SQLite file or a SQLAlchemy URL.

    `gifts` counts transactions (one in ten is split over two funds) and `attendances` rows; by default ten and fifteen
    a person. `release` is Rock's major version, whose columns the tables have.
    """
    with empty_rock(target, release) as rock:
        church = Church(
            rock,
            Random(seed),
            people,
            people * 10 if gifts is None else gifts,
            people * 15 if attendances is None else attendances,
            last_day - timedelta(days=365 * years),
            last_day,
        )
        _places_and_funds(church)
        _households(church)
        _groups(church)
        _giving(church)
        _attendance(church)
        _prayers(church)
        if dirt:
            plant_dirt(rock, church.campuses, church.last_day.year)


def _places_and_funds(church: Church) -> None:
    rock = church.rock
    church.campuses = [
        1,
        rock.add("Campus", Name="North Campus", IsActive=True),
        rock.add("Campus", Name="Old Chapel", IsActive=False),
    ]
    given = {"IsTaxDeductible": True, "IsActive": True}
    missions = rock.add("FinancialAccount", Name="Missions", PublicName="Missions", **given)
    church.funds = [
        1,
        1,
        1,
        missions,
        rock.add(
            "FinancialAccount",
            Name="Missions North",
            PublicName="",
            ParentAccountId=missions,
            CampusId=church.campuses[1],
            **given,
        ),
        rock.add("FinancialAccount", Name="Building Fund", PublicName="Building", **given),
    ]


def _households(church: Church) -> None:
    rock, random = church.rock, church.random
    blocks: dict[str, list[tuple[Any, ...]]] = {name: [] for name in COLUMNS}
    person, made = rock.next_id("Person"), 0
    while made < church.people:
        size = min(random.choice((1, 1, 2, 2, 3, 4, 5)), church.people - made)
        _household(church, blocks, person, size)
        person, made = person + size, made + size
        if len(blocks["Person"]) > 20_000:
            _flush(rock, blocks)
    _flush(rock, blocks)
    rock.reserve("Person", person - 1)


COLUMNS = {
    "Person": [
        "Id",
        "RecordTypeValueId",
        "RecordStatusValueId",
        "ConnectionStatusValueId",
        "FirstName",
        "NickName",
        "LastName",
        "BirthDay",
        "BirthMonth",
        "BirthYear",
        "Gender",
        "MaritalStatusValueId",
        "Email",
        "IsEmailActive",
        "GivingGroupId",
        "GivingId",
        "GivingLeaderId",
        "PrimaryFamilyId",
        "PrimaryCampusId",
        "PrimaryAliasId",
        "BirthDate",
        "CreatedDateTime",
        "ModifiedDateTime",
        "AgeClassification",
    ],
    "PersonAlias": ["Id", "PersonId", "AliasPersonId"],
    "Group": ["Id", "GroupTypeId", "CampusId", "Name", "IsActive"],
    "GroupMember": ["Id", "GroupId", "PersonId", "GroupRoleId", "GroupMemberStatus", "GroupOrder"],
    "PhoneNumber": ["Id", "PersonId", "CountryCode", "Number", "FullNumber", "NumberTypeValueId"],
    "Location": ["Id", "Street1", "City", "State", "PostalCode", "Country", "IsActive"],
    "GroupLocation": [
        "Id",
        "GroupId",
        "LocationId",
        "GroupLocationTypeValueId",
        "IsMailingLocation",
        "IsMappedLocation",
    ],
}


def _flush(rock: Rock, blocks: dict[str, list[tuple[Any, ...]]]) -> None:
    for table, rows in blocks.items():
        rock.bulk(table, COLUMNS[table], rows)
        rows.clear()


def _household(church: Church, blocks: dict[str, list[tuple[Any, ...]]], first_id: int, size: int) -> None:
    rock, random, values = church.rock, church.random, church.rock.values
    last, campus = random.choice(names.LAST), random.choice(church.campuses[:2])
    family = rock.next_id("Group")
    blocks["Group"].append((family, rock.group_types["family"], campus, f"{last} Family", True))
    for n in range(size):
        person = first_id + n
        adult, gender = n < 2, 1 + (n % 2 if n < 2 else random.randrange(2))
        first = random.choice(names.FIRST_MALE if gender == 1 else names.FIRST_FEMALE)
        born = date(
            random.randrange(1945, 2003) if adult else random.randrange(2008, 2026),
            random.randrange(1, 13),
            random.randrange(1, 29),
        )
        alias = rock.next_id("PersonAlias")
        blocks["Person"].append(
            (
                person,
                values["record type person"],
                values["record status active"],
                values[
                    random.choice(
                        (
                            "connection member",
                            "connection member",
                            "connection attendee",
                            "connection visitor",
                            "connection own",
                        )
                    )
                ],
                first,
                first,
                last,
                born.day,
                born.month,
                born.year,
                gender,
                values["marital married" if adult and size > 1 else "marital single"],
                f"{first}.{last}.{person}@example.org".lower() if adult else None,
                True,
                family if adult else None,
                f"G{family}" if adult else f"P{person}",
                first_id,
                family,
                campus,
                alias,
                born,
                datetime(2019, 1, 1) + timedelta(minutes=person % 500_000),
                datetime(2023, 1, 1) + timedelta(minutes=person % 500_000),
                1 if adult else 2,
            )
        )
        blocks["PersonAlias"].append((alias, person, person))
        role = rock.roles["adult" if adult else "child"]
        blocks["GroupMember"].append((rock.next_id("GroupMember"), family, person, role, 1, 0))
        if adult:
            number = f"555{person % 10_000_000:07d}"
            phone = values[random.choice(("phone mobile", "phone home"))]
            blocks["PhoneNumber"].append((rock.next_id("PhoneNumber"), person, "1", number, f"1{number}", phone))
            church.adults.append((alias, campus, random.choice(HABITS)))
    place = rock.next_id("Location")
    city, state, code = random.choice(names.CITIES)
    street = f"{random.randrange(1, 9999)} {random.choice(names.STREETS)} St"
    blocks["Location"].append((place, street, city, state, code, "US", True))
    blocks["GroupLocation"].append((rock.next_id("GroupLocation"), family, place, values["location home"], True, True))


def _groups(church: Church) -> None:
    """Sections with small groups below them, serving teams, check-in areas, and the groups Rock makes for itself."""
    rock, random = church.rock, church.random
    sections = [
        rock.group(f"Section {n}", "section", CampusId=campus) for n, campus in enumerate(church.campuses[:2], 1)
    ]
    top = rock.next_id("Person") - 1
    rock.reserve("Person", top)
    for n in range(max(4, church.people // 40)):
        kind = random.choice(("small group", "small group", "serving team", "own type"))
        place = n % 2
        group = rock.group(
            f"{random.choice(names.GROUP_WORDS)} {n}",
            kind,
            ParentGroupId=sections[place],
            CampusId=church.campuses[place],
        )
        church.groups.append(group)
        for m, person in enumerate(sorted(random.sample(range(4, top + 1), min(12, top - 4)))):
            rock.member(group, person, "leader" if m == 0 else "member")
    church.groups += [rock.group(f"Kids {name}", "check-in area", CampusId=1) for name in ("Nursery", "K-2", "3-5")]
    own = rock.group_types["known relationships"]
    relations = ((rock.next_id("Group"), own, None, "Known Relationships", True) for _ in range(church.people // 2))
    rock.bulk("Group", COLUMNS["Group"], relations)


def _weeks(church: Church, total: int) -> Iterator[tuple[date, int]]:
    """Every Sunday of the range with its share of `total`, heavier at the year's end."""
    day = church.first_day + timedelta(days=(6 - church.first_day.weekday()) % 7)
    sundays = []
    while day <= church.last_day:
        sundays.append(day)
        day += timedelta(days=7)
    weights = [3 if sunday.month == 12 and sunday.day > 20 else 2 for sunday in sundays]
    given, seen, whole = 0, 0, sum(weights)
    for sunday, weight in zip(sundays, weights, strict=True):
        seen += weight
        share = total * seen // whole - given
        given += share
        yield sunday, share


GIFT = [
    "Id",
    "BatchId",
    "TransactionDateTime",
    "TransactionTypeValueId",
    "AuthorizedPersonAliasId",
    "FinancialPaymentDetailId",
    "CreatedDateTime",
    "ModifiedDateTime",
    "Status",
]


def _giving(church: Church) -> None:
    rock, random, values = church.rock, church.random, church.rock.values
    tenders = [values[name] for name in TENDERS]
    kind = values["transaction contribution"]
    for sunday, share in _weeks(church, church.gifts):
        batches = {
            campus: rock.add(
                "FinancialBatch",
                Name=f"{sunday} {campus}",
                BatchStartDateTime=datetime.combine(sunday, datetime.min.time()),
                Status=2,
                CampusId=campus,
            )
            for campus in church.campuses[:2]
        }
        gifts, details, payments = [], [], []
        growth = 100 + 3 * (sunday.year - church.first_day.year)
        for alias, campus, usual in random.choices(church.adults, k=share):
            gift = rock.next_id("FinancialTransaction")
            moment = datetime.combine(sunday, datetime.min.time()) + timedelta(
                minutes=random.randrange(7 * 60, 20 * 60)
            )
            gifts.append((gift, batches[campus], moment, kind, alias, gift, moment, moment, "Complete"))
            payments.append((gift, random.choice(tenders)))
            cents = usual * growth // 100
            parts = (cents,) if gift % 10 else (cents // 3, cents - cents // 3)
            for n, part in enumerate(parts):
                fund = church.funds[(gift + n) % len(church.funds)] if n or gift % 4 == 0 else 1
                details.append((rock.next_id("FinancialTransactionDetail"), gift, fund, part))
        rock.bulk("FinancialPaymentDetail", ("Id", "CurrencyTypeValueId"), payments)
        rock.bulk("FinancialTransaction", GIFT, gifts)
        rock.bulk("FinancialTransactionDetail", ("Id", "TransactionId", "AccountId", "Amount"), details)
        rock.reserve("FinancialPaymentDetail", gifts[-1][0] if gifts else 0)


def _attendance(church: Church) -> None:
    rock, random = church.rock, church.random
    columns = ("Id", "OccurrenceId", "PersonAliasId", "StartDateTime", "DidAttend", "CampusId", "RSVP")
    for sunday, share in _weeks(church, church.attendances):
        held = random.sample(church.groups, min(len(church.groups), max(2, share // 40)))
        occurrences = [rock.occurrence(group, sunday) for group in held]
        start = datetime.combine(sunday, datetime.min.time()) + timedelta(hours=9)
        rows = []
        for n in range(share):
            alias = 4 + random.randrange(church.people)
            came = random.random() < 0.9
            rows.append(
                (
                    rock.next_id("Attendance"),
                    occurrences[n % len(occurrences)],
                    alias,
                    start + timedelta(minutes=n % 90),
                    came,
                    None if n % 9 == 0 else 1 + n % 2,
                    3,
                )
            )
        rock.bulk("Attendance", columns, rows)


def _prayers(church: Church) -> None:
    for n in range(max(5, church.people // 20)):
        alias = church.random.choice(church.adults)[0]
        moment = datetime.combine(church.last_day, datetime.min.time()) - timedelta(days=n % 900, hours=n % 24)
        church.rock.prayer(
            church.random.choice(names.PRAYERS),
            alias,
            EnteredDateTime=moment,
            IsPublic=n % 3 != 0,
            PrayerCount=n % 30,
            CampusId=1 + n % 2,
        )
