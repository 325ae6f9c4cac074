"""A Rock database from the XML that Rock's own SampleData block loads: real input, made by somebody else.

Here are families, people, campuses, places and groups; giving and attendance are in `sampledata_patterns.py`. What an
import does not read (attributes, notes, previous names, logins, registrations, connections) is passed over. People and
groups that the file names but does not hold, because Rock ships them, are made and marked `not in the file`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from random import Random
from typing import Any

from migrate_etl.sandbox.rock.build import Rock
from migrate_etl.sandbox.rock.sample import record_truth, sample_database
from migrate_etl.sandbox.rock.sampledata_patterns import Patterns
from migrate_etl.sandbox.rock.sampledata_xml import Element, read_sampledata
from migrate_etl.sandbox.rock.schema import CURRENT
from migrate_etl.sandbox.rock.truth import Truth

TODAY = date(2026, 11, 1)
GENDERS = {"male": 1, "female": 2}
CONNECTIONS = {"web prospect": "prospect"}
GROUP_KINDS = {"serving": "serving team", "smallgroup": "small group", "generalgroup": "general"}
ROLES = {
    "step-child": "step child",
    "step-parent": "step parent",
    "can-check-in": "can check in",
    "allow-check-in-by": "allow check in by",
    "parent": "relative parent",
    "child": "relative child",
    "business": "business",
}
PHONES = {"homePhone": "home", "mobilePhone": "mobile", "cellPhone": "mobile", "workPhone": "work"}
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


@dataclass(slots=True)
class Build:
    """What was made so far, by the file's own GUIDs in lower case."""

    rock: Rock
    random: Random
    today: date
    campuses: dict[str, int] = field(default_factory=lambda: {"main campus": 1})
    people: dict[str, int] = field(default_factory=dict)
    children: set[int] = field(default_factory=set)
    families: dict[str, int] = field(default_factory=dict)
    homes: dict[str, int] = field(default_factory=dict)
    """Family -> its location."""
    groups: dict[str, int] = field(default_factory=dict)
    locations: dict[str, int] = field(default_factory=dict)
    relations: dict[int, int] = field(default_factory=dict)
    """Person -> the group of their known relationships."""
    planted: dict[str, list[int]] = field(default_factory=dict)

    def person(self, guid: str | None, name: str = "Admin Admin") -> int | None:
        """The person of that GUID; one the file does not hold is made (Rock ships an administrator)."""
        if guid is not None and guid not in self.people:
            first, _, last = name.partition(" ")
            self.people[guid] = self.rock.person(first, last, Guid=guid)
            self.planted.setdefault("Person: not in the file", []).append(self.people[guid])
        return self.people[guid] if guid else None


def make_from_sampledata(
    target: str | Path, xml: Path, *, seed: int = 1, today: date = TODAY, release: str = CURRENT
) -> Truth:
    """Build the sample church of `xml` in a new database; patterns that run "until now" end at `today`.

    `target` and the truth beside it are as of `make_sample`. Raises InvalidRequest for a file that is no such XML, with
    the line and what to do, and for one with a document type.
    """
    root = read_sampledata(xml)
    with sample_database(target, release) as rock:
        build = Build(rock, Random(seed), today)
        _places(build, root)
        for family in root.under("families/family"):
            _family(build, family)
        for group in root.under("groups/group"):
            _group(build, group, GROUP_KINDS.get(group.word("type"), "general"))
        for role in root.under("securityRoles/group"):
            _group(build, role, "security role")
        for relation in root.under("relationships/relationship"):
            _relationship(build, relation)
        patterns = Patterns(rock, build.random, today, build.people, build.children)
        for family in root.under("families/family"):
            patterns.giving(family)
            patterns.attendance(family)
    return record_truth(target, build.planted)


def _places(build: Build, root: Element) -> None:
    """Campuses with their locations; buildings and rooms, below the main campus where their parent is not told."""
    rock, values = build.rock, build.rock.values
    main = rock.add("Location", Name="Main Campus", LocationTypeValueId=values["place campus"], IsActive=True)
    for campus in root.under("campuses/campus"):
        active = campus.word("isActive") != "false"
        place = next((_location(build, each, "campus", None) for each in campus.under("location")), None)
        name = campus.text("name") or "Campus"
        build.campuses[name.lower()] = rock.add(
            "Campus",
            **_own_guid(campus),
            Name=name,
            ShortCode=campus.text("shortCode"),
            Description=campus.text("description"),
            IsActive=active,
            LocationId=place,
        )
    for each in root.under("locations/location"):
        _location(build, each, each.word("type"), build.locations.get(each.guid("parentLocationGuid") or "", main))


def _location(build: Build, element: Element, kind: str, parent: int | None) -> int:
    location = build.rock.add(
        "Location",
        **_own_guid(element),
        Name=element.text("name"),
        ParentLocationId=parent,
        LocationTypeValueId=build.rock.values.get(f"place {kind}"),
        IsActive=element.word("isActive") != "false",
    )
    build.locations[element.guid() or ""] = location
    return location


def _family(build: Build, family: Element) -> None:
    rock, campus = build.rock, build.campuses.get(family.word("campus"))
    family_id = rock.group(family.text("name") or "Family", "family", CampusId=campus, **_own_guid(family))
    build.families[family.guid() or ""] = family_id
    for element in family.under("members/person"):
        known = build.people.get(element.guid() or "")
        person = known if known is not None else _person(build, element, family_id, campus)
        if element.word("familyRole") == "child":
            build.children.add(person)
        rock.member(family_id, person, "child" if person in build.children else "adult")
    for address in family.under("addresses/address"):
        build.homes[family.guid() or ""] = _address(rock, address, family_id)


def _person(build: Build, element: Element, family_id: int, campus: int | None) -> int:
    rock, values, born = build.rock, build.rock.values, _born(element, build.today)
    child = element.word("familyRole") == "child"
    reason = f"reason {element.word('recordStatusReason')}"
    connection = element.word("connectionStatus")
    giving: dict[str, Any] = {} if child else {"GivingId": f"G{family_id}"}
    person = rock.person(
        element.text("firstName"),
        element.text("lastName"),
        **_own_guid(element),
        NickName=element.text("nickName") or element.text("firstName"),
        MiddleName=element.text("middleName"),
        RecordTypeValueId=element.one_of("recordType", values, "record type", "person"),
        RecordStatusValueId=element.one_of("recordStatus", values, "record status", "active"),
        RecordStatusReasonValueId=values.get(reason),
        ConnectionStatusValueId=values.get(f"connection {CONNECTIONS.get(connection, connection)}"),
        MaritalStatusValueId=values.get(f"marital {element.word('maritalStatus')}"),
        Gender=GENDERS.get(element.word("gender"), 0),
        Email=element.text("email"),
        IsEmailActive=element.word("emailIsActive") != "false",
        EmailPreference=2 if element.word("emailDoNotEmail") == "true" else 0,
        BirthDay=born.day if born else None,
        BirthMonth=born.month if born else None,
        BirthYear=born.year if born else None,
        BirthDate=born,
        AnniversaryDate=element.day("anniversaryDate"),
        AgeClassification=2 if child else 1,
        PrimaryFamilyId=family_id,
        PrimaryCampusId=campus,
        GivingGroupId=None if child else family_id,
        **giving,
    )
    build.people[element.guid() or f"person {person}"] = person
    for attribute, kind in PHONES.items():
        if digits := "".join(filter(str.isdigit, element.text(attribute) or "")):
            rock.phone(person, digits, f"phone {kind}", CountryCode="1", FullNumber=f"1{digits}")
    return person


def _born(element: Element, today: date) -> date | None:
    """The birth date; where an age is told too, in the year that makes the person that old today, as Rock does."""
    born = element.day("birthDate")
    if born is None or element.text("age") is None:
        return born
    birthday_to_come = (born.month, born.day) > (today.month, today.day)
    year = today.year - element.number("age", 0, most=150) - birthday_to_come
    return date(year, born.month, min(born.day, 28) if born.month == 2 else born.day)


def _address(rock: Rock, address: Element, family_id: int) -> int:
    place = rock.add(
        "Location",
        Street1=address.text("street1"),
        Street2=address.text("street2"),
        City=address.text("city"),
        State=address.text("state"),
        PostalCode=address.text("postalCode"),
        Country="US",
        IsActive=True,
    )
    kind = rock.values.get(f"location {address.word('type')}", rock.values["location home"])
    given = {"GroupId": family_id, "LocationId": place, "GroupLocationTypeValueId": kind}
    rock.add("GroupLocation", **given, IsMailingLocation=True, IsMappedLocation=True)
    return place


def _group(build: Build, element: Element, kind: str) -> None:
    rock, role = build.rock, kind == "security role"
    group_id = rock.group(
        element.text("name") or "Group",
        kind,
        **_own_guid(element),
        Description=element.text("description"),
        ParentGroupId=_parent(build, element.guid("parentGroupGuid"), kind),
        CampusId=None if role else 1,
        IsSecurityRole=role,
        GroupCapacity=element.number("groupCapacity", 0, most=999_999) or None,
        ScheduleId=_schedule(rock, element),
    )
    build.groups[element.guid() or ""] = group_id
    for person in (*element.under("person"), *element.under("members/person")):
        member = build.person(person.guid(), person.text("fullname") or "")
        if member is not None:
            leads = person.word("isLeader") == "true"
            rock.member(group_id, member, "security member" if role else "leader" if leads else "member")
    _meeting_place(build, element, group_id)


def _parent(build: Build, guid: str | None, kind: str) -> int | None:
    """The parent group; one that Rock ships is made: a section above small groups."""
    if guid is not None and guid not in build.groups:
        name, above = ("Section", "section") if kind == "small group" else ("Serving Teams", "general")
        build.groups[guid] = build.rock.group(name, above, Guid=guid, CampusId=1)
        build.planted.setdefault("Group: not in the file", []).append(build.groups[guid])
    return build.groups[guid] if guid else None


def _schedule(rock: Rock, element: Element) -> int | None:
    """`weekly,Monday,19:00:00`."""
    text = element.text("groupSchedule")
    if text is None:
        return None
    try:
        _, day, moment = text.split(",")
        given = {"WeeklyDayOfWeek": DAYS.index(day.lower()), "WeeklyTimeOfDay": time.fromisoformat(moment)}
    except ValueError:
        raise element.refusal("groupSchedule") from None
    return rock.add("Schedule", IsActive=True, **given)


def _meeting_place(build: Build, element: Element, group_id: int) -> None:
    """At the home of a family, or at places of the church."""
    rock, host = build.rock, build.people.get(element.guid("meetsAtHomeOfPerson") or "")
    places = [build.homes.get(element.guid("meetsAtHomeOfFamily") or "")]
    places += [build.locations.get(place.guid() or "") for place in element.under("location")]
    for place in (place for place in places if place is not None):
        rock.add(
            "GroupLocation",
            GroupId=group_id,
            LocationId=place,
            GroupLocationTypeValueId=rock.values["location meeting location"],
            GroupMemberPersonAliasId=rock.alias_of(host) if host else None,
        )


def _relationship(build: Build, element: Element) -> None:
    """Into the owner's one group of known relationships."""
    rock = build.rock
    owner = build.person(element.guid("personGuid"), element.text("a") or "")
    other = build.person(element.guid("forGuid"), element.text("name") or "")
    role = ROLES.get(element.word("has"))
    if owner is None or other is None or role is None:
        raise element.refusal("has" if role is None else "personGuid")
    if owner not in build.relations:
        build.relations[owner] = rock.group("Known Relationships", "known relationships")
        rock.member(build.relations[owner], owner, "owner")
    rock.member(build.relations[owner], other, role)


def _own_guid(element: Element) -> dict[str, Any]:
    guid = element.guid()
    return {"Guid": guid} if guid else {}
