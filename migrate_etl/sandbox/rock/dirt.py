"""Every kind of dirt that real Rock databases have, planted once each or a few times, by name."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from migrate_etl.sandbox.rock.build import Rock

GAP = datetime(2024, 3, 10, 2, 30)
"""Does not exist in most of the United States."""
OVERLAP = datetime(2024, 11, 3, 1, 30)
"""Exists twice there."""


def plant_dirt(rock: Rock, campuses: list[int], year: int) -> None:
    """Plant all of it. `year` is the last year of the church's own data."""
    odd = _people(rock, campuses[0])
    _families(rock, campuses, odd)
    groups = _groups(rock, campuses[0], odd)
    _giving(rock, campuses, odd, year)
    _attendance(rock, groups, odd, year)
    _prayers(rock, odd, year)


def _people(rock: Rock, campus: int) -> dict[str, int]:
    values, here = rock.values, {"PrimaryCampusId": campus}
    made: dict[str, int] = {}

    def person(name: str, first: str | None, last: str | None, **columns: Any) -> int:
        made[name] = rock.person(first, last, **{**here, **columns})
        return made[name]

    keeper = person("merged", "Margaret", "Stone")
    for gone in (900_001, 900_002, 900_003):  # a chain of merges: every alias points at the survivor
        made[f"alias of {gone}"] = rock.alias(keeper, gone)
    person("business", None, "Ace Hardware & Sons", RecordTypeValueId=values["record type business"])
    person("nameless", None, None, RecordTypeValueId=values["record type nameless"])
    person("rest user", None, "Check-in Kiosk", RecordTypeValueId=values["record type rest user"])
    person("own record type", "Vendor", "Supplies", RecordTypeValueId=values["record type own"])
    person("no record type", "Nora", "Typeless", RecordTypeValueId=None)
    person("no alias", "Nemo", "Aliasless", alias=False)
    person("no name", None, None, NickName="Sunny")
    person("blank name", "  ", "\u00a0\t", NickName=None)
    person("no first", None, "Onlylast")
    person("no last", "Cher", "")
    person("double space", "Mary  Ann", "O'Neil  (Smith)")
    person("emoji", "Zoë 🎉", "Ünïcødé")
    person("right to left", "יוסף", "محمد")
    person("hostile", "<script>alert(1)</script>", '=HYPERLINK("x")')
    person("deceased", "Old", "Friend", IsDeceased=True)
    person(
        "deceased by reason",
        "Late",
        "Member",
        RecordStatusValueId=values["record status inactive"],
        RecordStatusReasonValueId=values["reason deceased"],
    )
    person(
        "inactive",
        "Moved",
        "Away",
        RecordStatusValueId=values["record status inactive"],
        RecordStatusReasonValueId=values["reason moved"],
    )
    person("pending", "New", "Form", RecordStatusValueId=values["record status pending"])
    person("blank giving id", "Blank", "Giving", GivingId="")
    person("wrong giving id", "Wrong", "Giving", GivingId="P1")
    person("no campus", "Wander", "Er", PrimaryCampusId=None)
    person("long e-mail", "Long", "Address", Email="a" * 63 + "@example.org"[:12])
    person("shared e-mail 1", "Share", "One", Email="shared@example.org")
    person("shared e-mail 2", "Share", "Two", Email="  Shared@example.org \t")
    person("bad e-mail", "Bad", "Mail", Email="not an address")
    person("spaced e-mail", "Space", "Mail", Email="two words@example.org")
    person("inactive e-mail", "Bounced", "Mail", Email="bounced@example.org", IsEmailActive=False)
    person("no birth year", "Day", "Month", BirthDay=3, BirthMonth=7)
    person("impossible birth", "Leap", "Less", BirthYear=1999, BirthMonth=2, BirthDay=30)
    person("unknown gender", "Sam", "Neutral", Gender=0)
    rock.phone(made["no first"], "12", "phone home")
    rock.phone(made["no last"], "5550001111", "phone mobile", IsUnlisted=True)
    rock.phone(made["no last"], "5550002222", "phone work", CountryCode="49", Extension="7")
    rock.phone(made["emoji"], "5550003333", "phone mobile")
    rock.phone(made["emoji"], "5550004444", "phone mobile")
    rock.phone(made["right to left"], "5550005555", None)
    rock.next_id("Person", skip=500)
    return made


def _families(rock: Rock, campuses: list[int], odd: dict[str, int]) -> None:
    first = rock.family("Stone Family", [odd["merged"], odd["emoji"]], [odd["no birth year"]], CampusId=campuses[0])
    rock.address(first, "1 Former Rd", "location previous")
    second = rock.family("Family", [odd["emoji"]], [odd["no birth year"]], CampusId=campuses[1])
    rock.address(second, "2 Work Plaza", "location work")
    rock.address(second, "3 Home Ln", "location home", IsMailingLocation=False)
    rock.family("Nobody Family", CampusId=campuses[0])
    rock.family("", [odd["inactive"]], IsActive=False)
    gone = rock.family("Gone Family", [odd["pending"]], IsArchived=True, CampusId=campuses[0])
    rock.family("Odd Family", [odd["nameless"], odd["deceased"]], CampusId=campuses[0])
    twice = rock.family("Twice Family", [odd["double space"]], CampusId=campuses[0])
    rock.member(twice, odd["double space"], "adult", IsArchived=True)
    tables = rock.tables.tables["Person"]
    if "PrimaryFamilyId" in tables.c:
        for name, family in (("merged", first), ("emoji", first), ("pending", gone), ("double space", twice)):
            rock.execute(tables.update().where(tables.c.Id == odd[name]).values(PrimaryFamilyId=family))


def _groups(rock: Rock, campus: int, odd: dict[str, int]) -> dict[str, int]:
    here: dict[str, Any] = {"CampusId": campus}
    made: dict[str, int] = {
        "closed": rock.group("Closed Group", IsActive=False, **here),
        "archived": rock.group("Archived Group", IsArchived=True, **here),
        "security by flag": rock.group("Elders (also a role)", IsSecurityRole=True, **here),
        "security": rock.group("RSR - Staff", "security role"),
        "list": rock.group("Newsletter", "communication list"),
        "attendees": rock.group("Camp 2024", "event attendees"),
        "application": rock.group("App", "application group"),
        "peers": rock.group("Peers", "peer network"),
        "no campus": rock.group("Online Group"),
        "trip": rock.group("Trip to Kenya", "fundraising", **here),
    }
    made["child of closed"] = rock.group("Orphaned Group", ParentGroupId=made["closed"], **here)
    top = rock.next_id("Group")
    rock.group("Circle A", Id=top, ParentGroupId=top + 1, **here)
    rock.group("Circle B", Id=top + 1, ParentGroupId=top, **here)
    rock.group("Below the circle", Id=top + 2, ParentGroupId=top + 1, **here)
    rock.group("Own parent", Id=top + 3, ParentGroupId=top + 3, **here)
    team = made["team"] = rock.group("Dirty Team 😀", "serving team", Description="  ", **here)
    rock.member(team, odd["merged"])
    rock.member(team, odd["merged"], "leader")
    rock.member(team, odd["emoji"], IsArchived=True)
    rock.member(team, odd["emoji"])
    rock.member(team, odd["deceased"])
    rock.member(team, odd["inactive"], GroupMemberStatus=0)
    rock.member(team, odd["pending"], GroupMemberStatus=2)
    rock.member(team, odd["nameless"])
    return made


def _alias(rock: Rock, person_id: int) -> int:
    table = rock.tables.tables["PersonAlias"]
    found = rock.execute(table.select().where(table.c.AliasPersonId == person_id)).one()
    return int(found.Id)


def _giving(rock: Rock, campuses: list[int], odd: dict[str, int], year: int) -> None:
    merged, business = _alias(rock, odd["merged"]), _alias(rock, odd["business"])
    nobody, when = _alias(rock, 1), datetime(year - 1, 6, 15, 12)
    closed = rock.add(
        "FinancialAccount", Name="Organ Fund (closed)", PublicName=None, IsActive=False, EndDate=date(year - 3, 1, 1)
    )
    deep = rock.add(
        "FinancialAccount", Name="<b>Choir</b> & Robes", PublicName="  ", ParentAccountId=closed, IsActive=True
    )
    batch = rock.add("FinancialBatch", Name="Odd batch", Status=1, ControlAmount=123_456, CampusId=campuses[0])
    refunds = rock.add("FinancialBatch", Name="Odd batch - Refund", Status=2, CampusId=campuses[1])
    here = {"BatchId": batch}
    rock.gift(5_000, when, None, **here)
    rock.gift(6_000, when, nobody, **here)
    rock.gift(7_000, when, business, **here)
    rock.gift(8_000, when, _alias(rock, odd["nameless"]), **here)
    rock.gift(9_000, when, odd["alias of 900001"], ShowAsAnonymous=True, **here)
    rock.gift([(1, 3_333), (2, 3_333), (deep, 3_334)], when, odd["alias of 900002"], tender="currency card", **here)
    rock.gift(4_000, when, _alias(rock, odd["blank giving id"]), tender="currency own", **here)
    rock.gift(4_100, when, _alias(rock, odd["wrong giving id"]), tender=None, **here)
    rock.gift(4_200, when, _alias(rock, odd["no campus"]))
    original = rock.gift(50_000, datetime(year - 2, 12, 20, 10), merged, tender="currency ach", **here)
    rock.gift(-20_000, datetime(year - 1, 1, 4, 10), merged, tender="currency ach", refund_of=original, BatchId=refunds)
    rock.gift(-30_000, datetime(year - 1, 2, 1, 10), merged, tender="currency ach", refund_of=original, BatchId=refunds)
    rock.gift(-1_500, when, merged, refund_of=0, BatchId=refunds)
    rock.gift(25_000, when, merged, tender="currency ach", Status="Failed", **here)
    rock.gift(-25_000, when, merged, tender="currency ach", StatusMessage="Reversal", **here)
    rock.gift(0, when, merged, **here)
    rock.gift(-777, when, merged, **here)
    rock.gift(11_100, when, merged, FutureProcessingDateTime=datetime(year + 1, 1, 1), **here)
    rock.gift(12_200, None, merged, **here)
    rock.gift(13_300, None, merged, FutureProcessingDateTime=datetime(year + 1, 1, 1), **here)
    rock.gift([(closed, 14_400)], when, merged, **here)
    rock.gift(15_500, when, merged, TransactionTypeValueId=rock.values["transaction registration"], **here)
    rock.gift(16_600, when, merged, TransactionTypeValueId=rock.values["transaction receipt"], **here)
    rock.gift(17_700, when, merged, tender="currency noncash", SundayDate=date(1753, 1, 1), **here)
    rock.gift(1, datetime(year - 1, 12, 31, 23, 59, 59, 997_000), merged, **here)
    rock.gift(2, datetime(year, 1, 1), merged, **here)
    rock.gift(3, GAP, merged, **here)
    rock.gift(4, OVERLAP, merged, **here)
    rock.gift(25_000_000, datetime(year - 4, 5, 5), merged, Summary="a very large gift", **here)
    rock.gift([], when, merged, **here)  # a header without details
    rock.add(
        "FinancialTransactionDetail",
        TransactionId=original,
        AccountId=1,
        Amount=18_800,
        EntityTypeId=3,
        EntityId=987_654_321,
    )
    rock.next_id("FinancialTransactionDetail", skip=1_000)
    rock.gift(19_900, datetime(year, 2, 2, 2, 2), merged, **here)
    rock.add(
        "FinancialPledge",
        AccountId=1,
        TotalAmount=120_000,
        StartDate=date(year, 1, 1),
        EndDate=date(year, 12, 31),
        PersonAliasId=merged,
    )


def _attendance(rock: Rock, groups: dict[str, int], odd: dict[str, int], year: int) -> None:
    merged, day = _alias(rock, odd["merged"]), date(year - 1, 9, 14)
    start = datetime(year - 1, 9, 14, 9)
    held = rock.occurrence(groups["team"], day)
    rock.attendance(held, merged, start)
    rock.attendance(held, merged, start)
    rock.attendance(held, odd["alias of 900001"], start)
    rock.attendance(held, None, start)
    rock.attendance(held, _alias(rock, odd["nameless"]), start)
    rock.attendance(held, _alias(rock, 1), start)
    rock.attendance(held, _alias(rock, odd["emoji"]), start, DidAttend=None)
    rock.attendance(held, _alias(rock, odd["emoji"]), start, DidAttend=False)
    rock.attendance(held, _alias(rock, odd["emoji"]), GAP)
    rock.attendance(rock.occurrence(groups["closed"], day), merged, start)
    rock.attendance(rock.occurrence(None, day), merged, start)
    rock.attendance(
        rock.occurrence(groups["team"], date(year, 1, 1), DidNotOccur=True), merged, datetime(year - 1, 12, 31, 23, 59)
    )
    rock.attendance(rock.occurrence(groups["no campus"], day), merged, start)


def _prayers(rock: Rock, odd: dict[str, int], year: int) -> None:
    merged = _alias(rock, odd["merged"])
    rock.prayer("Flags never set", merged, IsPublic=None, IsApproved=None, IsActive=None)
    rock.prayer("Expired long ago", merged, ExpirationDate=date(2020, 1, 1))
    rock.prayer("Not approved", merged, IsApproved=False)
    rock.prayer("Of an unknown person", None, FirstName="Anonymous")
    rock.prayer(
        "For a friend (names removed)", merged, OriginalRequest="CONFIDENTIAL: for Jane Roe, who …", PrayerCount=None
    )
    rock.prayer("Of a nameless sender", _alias(rock, odd["nameless"]), PrayerCount=3, CampusId=1)
    rock.prayer("Still open, line\nbreak, 'quotes' \"and\" emoji 🙏", merged, ExpirationDate=date(year + 20, 1, 1))
