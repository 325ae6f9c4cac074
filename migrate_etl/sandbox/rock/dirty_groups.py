"""Awkward groups: closed, hidden, in circles, of types that are no ordinary groups, with the same person twice."""

from __future__ import annotations

from migrate_etl.sandbox.rock.dirt import NOWHERE, Plants

NOT_ORDINARY = (
    ("RSR - Staff", "security role"),
    ("Newsletter", "communication list"),
    ("Camp 2024", "event attendees"),
    ("App", "application group"),
    ("Peers", "peer network"),
)


def plant(plants: Plants) -> None:
    plants.group("closed", "Closed Group", IsActive=False)
    plants.group("archived", "Archived Group", IsArchived=True)
    plants.group("closed and archived", "Long Gone", IsActive=False, IsArchived=True)
    plants.group("security role of an ordinary type", "Elders (also a role)", IsSecurityRole=True)
    for name, type_name in NOT_ORDINARY:
        plants.group(type_name, name, type_name, CampusId=None)
    plants.group("of no campus", "Online Group", CampusId=None)
    plants.group("of the closed campus", "Chapel Choir", "own type", CampusId=plants.campuses[-1])
    plants.group("of the church's own type", "Handbells", "own type")
    plants.group("fundraising", "Trip to Kenya", "fundraising")
    plants.group("staff", "Facilities", "organization unit")
    plants.group("without a name", "")
    plants.group("without members", "Nobody's Group")
    plants.group("longest name", "G" * 100, Description="line\nbreak, 'quotes' \"and\" emoji 😀 " * 300)
    _parents(plants)
    _members(plants)


def _parents(plants: Plants) -> None:
    """Parents that are not loaded, not there, or that lead back to where one came from."""
    plants.group("parent not loaded", "Orphaned Group", ParentGroupId=plants.groups["closed"])
    plants.group("parent of a left-out type", "Under Staff", ParentGroupId=plants.groups["security role"])
    plants.group("parent deleted", "Under Nothing", ParentGroupId=NOWHERE)
    plants.group("deep", "Level 1")
    for level in range(2, 13):
        plants.group("deep", f"Level {level}", ParentGroupId=plants.groups["deep"])
    two = plants.rock.next_id("Group")
    plants.group("circle of two", "Circle A", Id=two, ParentGroupId=two + 1)
    plants.group("circle of two", "Circle B", Id=two + 1, ParentGroupId=two)
    plants.group("below a circle", "Below the circle", Id=two + 2, ParentGroupId=two + 1)
    plants.group("own parent", "Own parent", Id=two + 3, ParentGroupId=two + 3)
    three = two + 4
    for n in range(3):
        plants.group("circle of three", f"Ring {n}", Id=three + n, ParentGroupId=three + (n + 1) % 3)
    plants.rock.next_id("Group", skip=300)
    # A child with a lower id than its parent.
    late = plants.rock.next_id("Group")
    plants.group("child before its parent", "Early Child", Id=late, ParentGroupId=late + 1)
    plants.group("parent after its child", "Late Parent", Id=late + 1)


def _members(plants: Plants) -> None:
    persons, rock = plants.persons, plants.rock
    team = plants.group("team with odd members", "Dirty Team 😀", "serving team", Description="  ")

    def member(kind: str, person: int, role: str = "member", **columns: object) -> None:
        plants.mark("GroupMember", kind, rock.member(team, person, role, **columns))

    member("in two roles", persons["merged"])
    member("in two roles", persons["merged"], "leader")
    member("archived twin", persons["emoji"], IsArchived=True)
    member("current twin", persons["emoji"])
    member("same role twice", persons["quotes"])
    member("same role twice", persons["quotes"])
    member("archived leader, current member", persons["markup"], "leader", IsArchived=True)
    member("archived leader, current member", persons["markup"])
    member("deceased", persons["deceased"])
    member("inactive person", persons["inactive"])
    member("inactive member", persons["no campus"], GroupMemberStatus=0)
    member("pending member", persons["pending"], GroupMemberStatus=2)
    member("not migrated", persons["nameless"])
    member("shipped person", 1)
    member("of nobody", NOWHERE)
    member("role of another type", persons["business"], "child")
