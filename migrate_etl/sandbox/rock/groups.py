"""Groups people join: sections with small groups below them, teams, classes, check-in rooms; those Rock keeps."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from migrate_etl.sandbox.rock import names
from migrate_etl.sandbox.rock.church import ALIAS_OFFSET, Church, Meeting

GROUP = ("Id", "GroupTypeId", "CampusId", "ParentGroupId", "Name", "IsActive", "IsPublic")
MEMBER = ("Id", "GroupId", "PersonId", "GroupRoleId", "GroupMemberStatus", "CommunicationPreference", "GroupTypeId")
ADULTS_A_GROUP = 24
CHILDREN_A_ROOM = 30


def groups(church: Church) -> None:
    """All groups of a church; those that meet go into `church.meetings`."""
    open_campuses = [church.campuses[0], church.campuses[1]]
    sections = {campus: _sections(church, campus) for campus in open_campuses}
    adults = {campus: _people_of(church, church.adults, campus) for campus in open_campuses}
    children = {campus: _people_of(church, church.children, campus) for campus in open_campuses}
    for campus in open_campuses:
        for n in range(max(3, len(adults[campus]) // ADULTS_A_GROUP)):
            _adult_group(church, campus, sections[campus][n % len(sections[campus])], adults[campus], n)
        rooms = max(1, len(children[campus]) // CHILDREN_A_ROOM)
        for n in range(rooms):
            _room(church, campus, children[campus][n::rooms], n)
        _worship(church, campus, adults[campus])
    _not_real_groups(church)


def _people_of(church: Church, positions: array[int], campus: int) -> list[int]:
    return [church.persons[n] for n in positions if church.campus_of[n] == campus]


def _sections(church: Church, campus: int) -> list[int]:
    """A tree of three levels."""
    rock, place = church.rock, {"CampusId": campus}
    top = rock.group(f"Small Groups {campus}", "section", **place)
    north = rock.group("Weekday Groups", "section", ParentGroupId=top, **place)
    return [top, north, rock.group("Young Families", "section", ParentGroupId=north, **place)]


def _adult_group(church: Church, campus: int, section: int, adults: Sequence[int], n: int) -> None:
    random, rock = church.random, church.rock
    kind = ("small group", "small group", "small group", "serving team", "class", "own type")[n % 6]
    name = {
        "serving team": random.choice(names.TEAMS),
        "class": f"{random.choice(names.CLASSES)} {church.last_day.year - n % 5}",
        "own type": "Choir",
    }.get(kind, f"{random.choice(names.GROUP_WORDS)} Group")
    parent = section if kind == "small group" else None
    size = min(len(adults), random.randrange(6, 16))
    _write(church, (kind, f"{name} {n}", campus, parent), random.sample(adults, size), active=random.random() > 0.06)
    if n % 40 == 39:
        rock.group("Empty Group", kind, CampusId=campus)


def _room(church: Church, campus: int, children: Sequence[int], n: int) -> None:
    kind = "nursery area" if n % 3 == 0 else "elementary area"
    _write(church, (kind, f"{names.ROOMS[n % len(names.ROOMS)]} {n}", campus, None), children)


def _worship(church: Church, campus: int, adults: Sequence[int]) -> None:
    everyone = church.random.sample(adults, min(len(adults), 300))
    _write(church, ("worship", f"Weekend Service {campus}", campus, None), everyone)


def _write(
    church: Church, group: tuple[str, str, int | None, int | None], people: Sequence[int], active: bool = True
) -> None:
    """A group with its members, the first of whom leads; some have left, some are only pending."""
    rock, random = church.rock, church.random
    kind, name, campus, parent = group
    type_id, group_id = rock.group_types[kind], rock.next_id("Group")
    rock.bulk("Group", GROUP, [(group_id, type_id, campus, parent, name, active, True)])
    leader, member = rock.roles[f"{kind} leader"], rock.roles[f"{kind} member"]
    statuses = random.choices((1, 0, 2), (90, 7, 3), k=len(people))
    first = rock.last_id("GroupMember") + 1
    rock.reserve("GroupMember", first + len(people))
    rows = [
        (first + n, group_id, person, leader if n == 0 else member, status, 0, type_id)
        for n, (person, status) in enumerate(zip(people, statuses, strict=True))
    ]
    rock.bulk("GroupMember", MEMBER, rows)
    roster = array("l", (person + ALIAS_OFFSET for person in people))
    church.meetings.append(Meeting(group_id, campus, roster))


def _not_real_groups(church: Church) -> None:
    """Groups of the types an import leaves out."""
    rock, random = church.rock, church.random
    people = [church.persons[n] for n in church.adults]
    for name, kind, role in (
        ("RSR - Staff Workers", "security role", "security member"),
        ("RSR - Finance Administration", "security role", "security member"),
        ("Weekly Newsletter", "communication list", "member"),
        ("Summer Camp Attendees", "event attendees", "member"),
        ("Connection Application", "application group", "member"),
    ):
        group = rock.group(name, kind)
        for person in random.sample(people, min(8, len(people))):
            rock.member(group, person, role)
