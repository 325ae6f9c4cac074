"""A Rock database from the XML that Rock's own SampleData block loads: real input, made by somebody else.

Families, people, phones, businesses, relationships, campuses, groups, giving and attendance patterns are built; what an
import does not read (attributes, notes, logins, registrations, connections) is passed over.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random

from migrate_etl.sandbox.rock.build import Rock, empty_rock
from migrate_transfer.core.errors import InvalidRequest

STEP = {"weekly": 7, "biweekly": 14, "monthly": 28, "quarterly": 91, "yearly": 364}
STATUS = {"active": "record status active", "inactive": "record status inactive", "pending": "record status pending"}
CONNECTION = {
    "member": "connection member",
    "attendee": "connection attendee",
    "visitor": "connection visitor",
    "web prospect": "connection prospect",
    "prospect": "connection prospect",
}
MARITAL = {"married": "marital married", "single": "marital single", "divorced": "marital divorced"}
GROUP_TYPE = {"serving": "serving team", "smallgroup": "small group", "generalgroup": "general"}
PHONES = (
    ("homePhone", "phone home"),
    ("mobilePhone", "phone mobile"),
    ("cellPhone", "phone mobile"),
    ("workPhone", "phone work"),
)


@dataclass(slots=True)
class _Build:
    rock: Rock
    random: Random
    today: date
    campuses: dict[str, int] = field(default_factory=dict)
    funds: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    aliases: dict[int, int] = field(default_factory=dict)
    families: dict[str, int] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    occurrences: dict[tuple[int, date, str], int] = field(default_factory=dict)
    batches: dict[date, int] = field(default_factory=dict)


def make_from_sampledata(target: str | Path, xml: Path, *, seed: int = 1, today: date = date(2026, 11, 1)) -> None:
    """Build the sample church of `xml` in a new database. Patterns that run "until now" end at `today`.

    Raises InvalidRequest for a file that is no such XML; one with a document type is refused, for entities could
    make it grow without end.
    """
    root = _parse(xml)
    with empty_rock(target) as rock:
        build = _Build(rock, Random(seed), today, campuses={"main campus": 1}, funds={"General Fund": 1})
        for campus in root.iterfind("campuses/campus"):
            name = campus.get("name", "Campus")
            build.campuses[name.lower()] = rock.add("Campus", Name=name, IsActive=campus.get("isActive") != "false")
        for family in root.iterfind("families/family"):
            _family(build, family)
        _groups(build, root)
        _relationships(build, root)
        for family in root.iterfind("families/family"):
            _giving(build, family)
            _attending(build, family)


def _parse(xml: Path) -> ET.Element:
    try:
        text = xml.read_bytes()
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            raise InvalidRequest(f"{xml.name} has a document type.", remedy="Give the plain sample data XML of Rock.")
        root = ET.fromstring(text)
    except OSError as error:
        raise InvalidRequest(f"Cannot read {xml}: {error.strerror}.", remedy="Give an existing file.") from error
    except ET.ParseError as error:
        line, _ = error.position
        raise InvalidRequest(
            f"{xml.name} is no well-formed XML (line {line}).", remedy="Fetch the file again."
        ) from None
    if root.tag != "data" or root.find("families") is None:
        raise InvalidRequest(f"{xml.name} is not Rock's sample data.", remedy="Its root is <data> with <families>.")
    return root


def _day(text: str | None) -> date | None:
    for pattern in ("%m/%d/%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text or "", pattern).date()
        except ValueError:
            continue
    return None


def _family(build: _Build, family: ET.Element) -> None:
    rock = build.rock
    campus = build.campuses.get((family.get("campus") or "").lower())
    family_id = rock.group(family.get("name", "Family"), "family", CampusId=campus, Guid=family.get("guid", "").lower())
    build.families[family.get("guid", "").lower()] = family_id
    for person in family.iterfind("members/person"):
        person_id = _person(build, person, family_id, campus)
        rock.member(family_id, person_id, "child" if person.get("familyRole") == "child" else "adult")
    for address in family.iterfind("addresses/address"):
        place = rock.add(
            "Location",
            Street1=address.get("street1"),
            Street2=address.get("street2") or None,
            City=address.get("city"),
            State=address.get("state"),
            PostalCode=address.get("postalCode"),
            IsActive=True,
        )
        kind = f"location {address.get('type', 'home')}"
        rock.add(
            "GroupLocation",
            GroupId=family_id,
            LocationId=place,
            GroupLocationTypeValueId=rock.values.get(kind, rock.values["location home"]),
            IsMailingLocation=True,
            IsMappedLocation=True,
        )


def _person(build: _Build, person: ET.Element, family_id: int, campus: int | None) -> int:
    rock, values, said = build.rock, build.rock.values, person.attrib
    born = _day(said.get("birthDate"))
    business = said.get("recordType") == "business"
    status = STATUS.get((said.get("recordStatus") or "active").lower(), "record status active")
    person_id = rock.person(
        said.get("firstName"),
        said.get("lastName"),
        Guid=said["guid"].lower(),
        NickName=said.get("nickName"),
        MiddleName=said.get("middleName"),
        RecordTypeValueId=values["record type business" if business else "record type person"],
        RecordStatusValueId=values[status],
        RecordStatusReasonValueId=values["reason deceased"]
        if (said.get("recordStatusReason") or "").lower() == "deceased"
        else None,
        ConnectionStatusValueId=values.get(
            CONNECTION.get((said.get("connectionStatus") or "").lower(), "connection own")
        ),
        MaritalStatusValueId=values.get(MARITAL.get((said.get("maritalStatus") or "").lower(), "")),
        Gender={"male": 1, "female": 2}.get((said.get("gender") or "").lower(), 0),
        Email=said.get("email") or None,
        IsEmailActive=said.get("emailIsActive") != "false",
        BirthDay=born.day if born else None,
        BirthMonth=born.month if born else None,
        BirthYear=born.year if born else None,
        PrimaryFamilyId=family_id,
        PrimaryCampusId=campus,
        GivingGroupId=family_id,
        GivingId=f"G{family_id}",
        alias=False,
    )
    build.people[said["guid"].lower()] = person_id
    build.aliases[person_id] = rock.alias(person_id, person_id)
    for attribute, kind in PHONES:
        if digits := "".join(filter(str.isdigit, said.get(attribute) or "")):
            rock.phone(person_id, digits, kind, CountryCode="1")
    return person_id


def _named(build: _Build, element: ET.Element) -> int:
    """The person an element names by guid; one the file does not describe (Rock ships an administrator) is made."""
    guid = element.get("guid", element.get("personGuid", "")).lower()
    if guid not in build.people:
        first, _, last = (element.get("fullname") or "Admin Admin").partition(" ")
        person_id = build.rock.person(first, last, Guid=guid, alias=False)
        build.people[guid] = person_id
        build.aliases[person_id] = build.rock.alias(person_id, person_id)
    return build.people[guid]


def _groups(build: _Build, root: ET.Element) -> None:
    rock = build.rock
    for path, default in (("groups/group", "general"), ("securityRoles/group", "security role")):
        for group in root.iterfind(path):
            kind = GROUP_TYPE.get(group.get("type", ""), default)
            parent = build.groups.get((group.get("parentGroupGuid") or "").lower())
            group_id = rock.group(
                group.get("name", "Group"),
                kind,
                Guid=group.get("guid", "").lower(),
                Description=group.get("description"),
                ParentGroupId=parent,
                CampusId=1,
                IsSecurityRole=default == "security role",
            )
            build.groups[group.get("guid", "").lower()] = group_id
            for person in group.iter("person"):
                rock.member(group_id, _named(build, person), "leader" if person.get("isLeader") == "true" else "member")


def _relationships(build: _Build, root: ET.Element) -> None:
    for relation in root.iterfind("relationships/relationship"):
        group_id = build.rock.group("Known Relationships", "known relationships")
        build.rock.member(group_id, _named(build, relation), "owner")
        other = build.people.get((relation.get("forGuid") or "").lower())
        if other is not None:
            build.rock.member(group_id, other, "owner")


def _sundays(first: date, last: date, step: int) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += timedelta(days=step)


def _giving(build: _Build, family: ET.Element) -> None:
    for pattern in family.iterfind("giving"):
        start = _day(pattern.get("startGiving"))
        if start is None:
            continue
        weeks_ago = int(pattern.get("endingGivingWeeksAgo") or 0)
        end = _day(pattern.get("endGiving")) or build.today - timedelta(weeks=weeks_ago)
        alias = build.aliases[_named(build, pattern)]
        step = STEP.get(pattern.get("frequency", ""), 10**6)
        often = int(pattern.get("percentGive") or 100)
        for day in _sundays(start, end, step):
            if build.random.randrange(100) < often:
                _gift(build, pattern, alias, start, day)


def _gift(build: _Build, pattern: ET.Element, alias: int, start: date, day: date) -> None:
    rock = build.rock
    growth, every = int(pattern.get("growRatePercent") or 0), int(pattern.get("growFrequencyWeeks") or 52)
    factor = 100 + growth * ((day - start).days // (7 * every))
    parts = []
    for part in (pattern.get("accountAmount") or "").split(","):
        name, _, amount = part.strip().rpartition(":")
        if name:
            parts.append((_fund(build, name), int(amount) * factor))
    if day not in build.batches:
        build.batches[day] = rock.add(
            "FinancialBatch",
            Name=f"Giving {day}",
            Status=2,
            CampusId=1,
            BatchStartDateTime=datetime.combine(day, time()),
        )
    rock.gift(parts, datetime.combine(day, time(9, build.random.randrange(60))), alias, BatchId=build.batches[day])


def _fund(build: _Build, name: str) -> int:
    if name not in build.funds:
        build.funds[name] = build.rock.add(
            "FinancialAccount", Name=name, PublicName=name, IsTaxDeductible=True, IsActive=True
        )
    return build.funds[name]


def _attending(build: _Build, family: ET.Element) -> None:
    start = _day(family.get("startingAttendance"))
    if start is None:
        return
    weeks_ago = int(family.get("endingAttendanceWeeksAgo") or 0)
    end = _day(family.get("endingAttendance")) or build.today - timedelta(weeks=weeks_ago)
    often, usual = int(family.get("percentAttendance") or 0), int(family.get("percentAttendedRegularService") or 100)
    first = start + timedelta(days=(6 - start.weekday()) % 7)
    area = _service(build)
    for day in _sundays(first, end, 7):
        if build.random.randrange(100) >= often:
            continue
        regular = build.random.randrange(100) < usual
        schedule = family.get("attendingScheduleId" if regular else "attendingAltScheduleId") or "0"
        for person in family.iterfind("members/person"):
            key = (area, day, schedule)
            if key not in build.occurrences:
                build.occurrences[key] = build.rock.occurrence(area, day, ScheduleId=int(schedule) or None)
            moment = datetime.combine(day, time(9 if regular else 11, build.random.randrange(30)))
            alias = build.aliases[build.people[person.attrib["guid"].lower()]]
            build.rock.attendance(build.occurrences[key], alias, moment, CampusId=1)


def _service(build: _Build) -> int:
    if "service" not in build.groups:
        build.groups["service"] = build.rock.group("Weekend Service", "check-in area", CampusId=1)
    return build.groups["service"]
