"""Families and groups: who leads, who belongs, what stays behind."""

from __future__ import annotations

import sqlalchemy as sa

from migrate_etl.sandbox.rock import Rock
from tests.migrate_etl.entities.conftest import MapAll


def roles(row: dict) -> list[tuple[str, str]]:
    return [(member["external_person_id"], member["role"]) for member in row["members"]]


def test_head_is_the_first_adult_as_rock_orders_them(rock: Rock, mapped: MapAll) -> None:
    married = {"MaritalStatusValueId": rock.values["marital married"]}
    wife = rock.person("Eve", Gender=2, BirthYear=1950, BirthMonth=1, BirthDay=1, **married)
    husband = rock.person("Adam", Gender=1, BirthYear=1980, BirthMonth=1, BirthDay=1, **married)
    son, lodger = rock.person("Abel", Gender=1), rock.person("Lot", Gender=0)
    family = rock.family("First Family", [wife, husband, lodger], [son])
    assert roles(mapped("families")[family]) == [
        (f"rock:person:{husband}", "Head"),
        (f"rock:person:{wife}", "Spouse"),
        (f"rock:person:{lodger}", "Other"),
        (f"rock:person:{son}", "Child"),
    ]


def test_members_that_are_not_moved_are_left_off(rock: Rock, mapped: MapAll) -> None:
    nameless = rock.person(RecordTypeValueId=rock.values["record type nameless"])
    deceased = rock.person(IsDeceased=True)
    family = rock.family("Odd", [nameless, deceased])
    rock.member(family, rock.person(), "adult", IsArchived=True)
    families = mapped("families")
    assert roles(families[family]) == [(f"rock:person:{deceased}", "Head")]
    assert "member_not_loaded" in families.rules(family)


def test_addresses(rock: Rock, mapped: MapAll) -> None:
    one, two, three = rock.family("One"), rock.family("Two"), rock.family("")
    rock.address(one, "1 Work", "location work")
    rock.address(one, "2 Home", IsMailingLocation=False)
    rock.address(two, "3 Former", "location previous")
    rock.address(three, "4 Old Home")
    rock.address(three, "5 New Home")
    families = mapped("families")
    streets = [(families[f]["address"] or {}).get("street1") for f in (one, two, three)]
    assert streets == ["2 Home", None, "5 New Home"]
    assert families[three]["name"] == "Family"
    assert "family_without_address" in families.rules(two)


def test_a_family_is_known_by_its_guid_in_any_case(rock: Rock, mapped: MapAll) -> None:
    adam = rock.person("Adam")
    family = rock.family("First", [adam])
    rock.address(family, "1 Home")
    for table in ("GroupType", "GroupTypeRole", "DefinedValue"):
        rock.execute(sa.text(f'UPDATE "{table}" SET "Guid" = upper("Guid")'))
    found = mapped("families")[family]
    assert (roles(found), found["address"]["street1"]) == ([(f"rock:person:{adam}", "Head")], "1 Home")


def test_families_that_are_archived_stay_behind_and_inactive_ones_do_not(rock: Rock, mapped: MapAll) -> None:
    gone, quiet, empty = (
        rock.family("Gone", IsArchived=True),
        rock.family("Quiet", IsActive=False),
        rock.family("Empty"),
    )
    families = mapped("families")
    assert [families.skip(f) for f in (gone, quiet, empty)] == ["archived", None, None]
    assert families[quiet]["is_active"] is False


def test_which_groups_are_moved(rock: Rock, mapped: MapAll) -> None:
    cases = {
        rock.group("A"): None,
        rock.group("B", "serving team"): None,
        rock.group("C", "check-in area"): None,
        rock.group("D", "own type"): None,
        rock.family("E"): "group_type",
        rock.group("F", "security role"): "group_type",
        rock.group("G", "known relationships"): "group_type",
        rock.group("H", "communication list"): "group_type",
        rock.group("I", IsSecurityRole=True, IsArchived=True): "security_role",
        rock.group("J", IsArchived=True, IsActive=False): "archived",
        rock.group("K", IsActive=False): "inactive",
    }
    groups = mapped("groups")
    assert {group: groups.skip(group) for group in cases} == cases


def test_only_named_group_types(rock: Rock, mapped: MapAll) -> None:
    team, small = rock.group("Team", "serving team"), rock.group("Small")
    groups = mapped("groups", include_group_types=["{2C42B2D4-1C5F-4AD5-A9AD-08631B872AC4}"])
    assert [groups.skip(g) for g in (team, small)] == [None, "group_type"]


def test_a_type_without_a_name_harms_no_group(rock: Rock, mapped: MapAll) -> None:
    team = rock.group("Team", "serving team")
    rock.execute(sa.text(f"""UPDATE "GroupType" SET "Name" = ' ' WHERE "Id" = {rock.group_types["serving team"]}"""))
    assert mapped("groups")[team]["group_type"] == "Group"


def test_parents_go_first_and_circles_are_cut_at_their_lowest_id(rock: Rock, mapped: MapAll) -> None:
    closed = rock.group("Closed", IsActive=False)
    orphan = rock.group("Orphan", ParentGroupId=closed)
    first = rock.next_id("Group") + 1
    rock.group("A", Id=first, ParentGroupId=first + 1)
    rock.group("B", Id=first + 1, ParentGroupId=first)
    rock.group("Below", Id=first + 2, ParentGroupId=first + 1)
    rock.group("Self", Id=first + 3, ParentGroupId=first + 3)
    groups = mapped("groups")
    order = list(groups.rows)
    parents = {id: groups[id]["external_parent_id"] for id in range(first, first + 4)}
    assert parents == {
        first: None,
        first + 1: f"rock:group:{first}",
        first + 2: f"rock:group:{first + 1}",
        first + 3: None,
    }
    assert order.index(first) < order.index(first + 1) < order.index(first + 2)
    assert groups.rules(first) == {"parent_cycle"}
    assert (groups[orphan]["external_parent_id"], groups.rules(orphan)) == (None, {"parent_not_loaded"})


def test_one_membership_a_person_and_the_leader_role_wins(rock: Rock, mapped: MapAll) -> None:
    group, twice, away = rock.group("Team"), rock.person(), rock.person()
    rock.member(group, twice, "member")
    rock.member(group, twice, "leader")
    rock.member(group, away, GroupMemberStatus=0)
    rock.member(group, rock.person(), GroupMemberStatus=2)
    rock.member(group, rock.person(), IsArchived=True)
    assert roles(mapped("groups")[group]) == [(f"rock:person:{twice}", "Leader")]
