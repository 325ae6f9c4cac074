"""People: names, contact data, status, and who is no member at all."""

from __future__ import annotations

from datetime import date, datetime

import pytest
import sqlalchemy as sa

from migrate_etl.rock.well_known import GIVER_ANONYMOUS
from migrate_etl.sandbox.rock import Rock
from tests.migrate_etl.entities.conftest import MapAll


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("Ann", "Hill", ("Ann", "Hill")),
        (None, None, ("Unknown", "Unknown")),
        ("  ", "\u00a0\t", ("Unknown", "Unknown")),
        (None, "Ace Hardware", (None, "Ace Hardware")),
        ("Cher", "", ("Cher", None)),
        (" Zoë 🎉 ", "محمد", ("Zoë 🎉", "محمد")),
    ],
)
def test_names(rock: Rock, mapped: MapAll, first: str, last: str, expected: tuple[str, str]) -> None:
    person = rock.person(first, last, NickName="Sunny")
    row = mapped("people")[person]
    assert (row["first_name"], row["last_name"], row["preferred_name"]) == (*expected, "Sunny")


@pytest.mark.parametrize(
    ("address", "active", "expected", "rules"),
    [
        (" ann@example.org\u00a0", True, "ann@example.org", set()),
        ("a" * 60 + "@example.org", True, "a" * 60 + "@example.org", set()),
        ("", True, None, set()),
        (None, True, None, set()),
        ("not an address", True, None, {"invalid_email"}),
        ("ann@example", True, None, {"invalid_email"}),
        ("ann@example.org", False, None, {"inactive_email"}),
    ],
)
def test_email(rock: Rock, mapped: MapAll, address: str, active: bool, expected: str, rules: set[str]) -> None:
    person = rock.person(Email=address, IsEmailActive=active)
    people = mapped("people")
    assert people[person]["email"] == expected
    assert people.rules(person) == rules


def test_phone_prefers_mobile_and_never_an_unlisted_one(rock: Rock, mapped: MapAll) -> None:
    one, two, three = rock.person(), rock.person(), rock.person()
    rock.phone(one, "5550000001", "phone home")
    rock.phone(one, "(555) 000-0002", "phone mobile", CountryCode="1")
    rock.phone(two, "5550000003", "phone mobile", IsUnlisted=True)
    rock.phone(two, "5550000004", "phone work", Extension="7")
    rock.phone(three, "123", None)
    people = mapped("people")
    assert [people[p]["phone"] for p in (one, two, three)] == ["+1 5550000002", "5550000004 x7", "123"]
    assert people.rules(three) == {"malformed_phone"}


@pytest.mark.parametrize(
    ("parts", "expected", "rules"),
    [
        ((1980, 2, 29), "1980-02-29", set()),
        ((1999, 2, 30), None, {"impossible_birth_date"}),
        ((None, 7, 3), None, {"partial_birth_date"}),
        ((1990, None, None), None, {"partial_birth_date"}),
        ((None, None, None), None, set()),
    ],
)
def test_birth_date(rock: Rock, mapped: MapAll, parts: tuple[int | None, ...], expected: str, rules: set[str]) -> None:
    year, month, day = parts
    person = rock.person(BirthYear=year, BirthMonth=month, BirthDay=day)
    people = mapped("people")
    assert people[person]["birth_date"] == expected
    assert people.rules(person) == rules


def test_status(rock: Rock, mapped: MapAll) -> None:
    values = rock.values
    inactive = {"RecordStatusValueId": values["record status inactive"]}
    visitor = {"ConnectionStatusValueId": values["connection visitor"]}
    cases = {
        rock.person(): "Active",
        rock.person(IsDeceased=True): "Deceased",
        rock.person(**inactive, RecordStatusReasonValueId=values["reason deceased"]): "Deceased",
        rock.person(**inactive, **visitor): "Inactive",
        rock.person(**visitor): "Visitor",
        rock.person(RecordStatusValueId=values["record status pending"]): "Visitor",
        rock.person(RecordStatusValueId=None, ConnectionStatusValueId=None): "Active",
    }
    people = mapped("people")
    assert {person: people[person]["status"] for person in cases} == cases


def test_who_is_no_member(rock: Rock, mapped: MapAll) -> None:
    values = rock.values
    cases = {
        1: "system_person",
        rock.person(RecordTypeValueId=values["record type nameless"]): "nameless",
        rock.person(RecordTypeValueId=values["record type rest user"]): "rest_user",
        rock.person(RecordTypeValueId=values["record type own"]): "record_type",
        rock.person(RecordTypeValueId=None): None,
        rock.person(None, "Ace", RecordTypeValueId=values["record type business"]): None,
    }
    people = mapped("people")
    assert {person: people.skip(person) for person in cases} == cases
    assert [people[p]["record_type"] for p in list(cases)[-2:]] == ["person", "business"]


def test_campus_of_the_family_stands_in(rock: Rock, mapped: MapAll) -> None:
    north = rock.add("Campus", Name="North", IsActive=True)
    family = rock.family("Hill", CampusId=north)
    inside = rock.person(PrimaryFamilyId=family)
    outside, nowhere = rock.person(PrimaryCampusId=1), rock.person()
    people = mapped("people", campus_ids=[north])
    assert [people.skip(p) for p in (inside, outside, nowhere)] == [None, "other_campus", "no_campus"]


def test_a_family_that_is_not_loaded_becomes_null(rock: Rock, mapped: MapAll) -> None:
    archived, kept = rock.family("Gone", IsArchived=True), rock.family("Here")
    one, two = rock.person(PrimaryFamilyId=archived), rock.person(PrimaryFamilyId=kept)
    people = mapped("people")
    assert people[one]["external_family_id"] is None
    assert people.rules(one) == {"family_not_loaded"}
    assert people[two]["external_family_id"] == f"rock:family:{kept}"


def test_people_whom_a_gift_in_scope_names_are_pulled_in(rock: Rock, mapped: MapAll) -> None:
    north = rock.add("Campus", Name="North", IsActive=True)
    giver, other = rock.person(PrimaryCampusId=1), rock.person(PrimaryCampusId=1)
    batch = rock.add("FinancialBatch", Name="B", CampusId=north)
    rock.gift(500, datetime(2024, 5, 5), rock.alias(giver, 900_000), BatchId=batch)
    people = mapped("people", campus_ids=[north])
    assert [people.skip(p) for p in (giver, other)] == [None, "other_campus"]
    assert [people[p]["_pulled_in"] for p in (giver, other)] == [True, False]


def test_a_second_record_of_a_meeting_pulls_nobody_in(rock: Rock, mapped: MapAll) -> None:
    north = rock.add("Campus", Name="North", IsActive=True)
    person, guest = rock.person(PrimaryCampusId=1), rock.person(PrimaryCampusId=1)
    aliases = rock.alias(person, 900_000), rock.alias(person, 900_001)
    held = rock.occurrence(None, date(2024, 5, 5))
    for alias, campus in ((aliases[0], 1), (aliases[1], north), (rock.alias(guest, 900_002), north)):
        rock.attendance(held, alias, datetime(2024, 5, 5, 9), CampusId=campus)
    people = mapped("people", campus_ids=[north])
    assert [people.skip(p) for p in (person, guest)] == ["other_campus", None]


def test_a_shared_address_is_a_finding_whatever_its_case(rock: Rock, mapped: MapAll) -> None:
    one, two = rock.person(Email="shared@example.org"), rock.person(Email=" Shared@Example.org")
    alone = rock.person(Email="alone@example.org")
    people = mapped("people")
    assert [people.rules(p) for p in (one, two, alone)] == [{"duplicate_email"}, {"duplicate_email"}, set()]


def test_a_shipped_person_is_known_by_its_guid_in_any_case(rock: Rock, mapped: MapAll) -> None:
    rock.execute(sa.text('UPDATE "Person" SET "Guid" = upper("Guid")'))
    shipped = rock.execute(sa.text(f"""SELECT "Id" FROM "Person" WHERE "Guid" = '{GIVER_ANONYMOUS.upper()}'"""))
    assert mapped("people").skip(shipped.scalar_one()) == "system_person"
