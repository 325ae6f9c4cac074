"""Awkward people and families."""

from __future__ import annotations

from migrate_etl.sandbox.rock.dirt import NOWHERE, Plants

LONG_EMAIL = "a" * 63 + "@example.org"
"""75 characters, all that the column holds."""


def plant(plants: Plants) -> None:
    _records(plants)
    _aliases(plants)
    _names(plants)
    _emails(plants)
    _phones(plants)
    _lives(plants)
    _giving_units(plants)
    _families(plants)
    # Ids have gaps, as rows are deleted.
    plants.rock.next_id("Person", skip=500)


def _records(plants: Plants) -> None:
    """Record types, and the shipped persons with something that got attached to them by mistake."""
    values, rock = plants.rock.values, plants.rock
    plants.person("business", None, "Ace Hardware & Sons", RecordTypeValueId=values["record type business"], Gender=0)
    plants.person("nameless", None, None, RecordTypeValueId=values["record type nameless"])
    rock.phone(plants.persons["nameless"], "3125550199", "phone mobile", IsMessagingEnabled=True)
    plants.person("rest user", None, "Check-in Kiosk", RecordTypeValueId=values["record type rest user"])
    plants.person("own record type", "Vendor", "Supplies", RecordTypeValueId=values["record type own"])
    plants.person("no record type", "Nora", "Typeless", RecordTypeValueId=None, RecordStatusValueId=None)
    plants.person("no connection status", "Una", "Tied", ConnectionStatusValueId=None)
    plants.person("own connection status", "Fritz", "Freund", ConnectionStatusValueId=values["connection own"])
    plants.person("retired connection status", "Rita", "Regular", ConnectionStatusValueId=values["connection retired"])
    for shipped in (1, 2, 3):
        plants.mark("Person", "shipped", shipped)


def _aliases(plants: Plants) -> None:
    """Merged records (a chain leaves every alias pointing at the survivor), and people without any alias."""
    rock = plants.rock
    keeper = plants.person("merged", "Margaret", "Stone")
    # AliasPersonId names the record that is gone: it has no row, and no reference is kept to it.
    for gone in (900_001, 900_002, 900_003):
        plants.mark("PersonAlias", "of a merged record", rock.alias(keeper, gone))
    other = plants.person("merged once", "Theo", "Doppel")
    plants.mark("PersonAlias", "of a merged record", rock.alias(other, 900_004))
    plants.mark("PersonAlias", "without an old person", rock.add("PersonAlias", PersonId=other, AliasPersonId=None))
    plants.person("no alias", "Nemo", "Aliasless", alias=False)
    plants.person("primary alias zero", "Zero", "Alias", PrimaryAliasId=0)


def _names(plants: Plants) -> None:
    plants.person("no name, nickname only", None, None, NickName="Sunny")
    plants.person("blank name", "  ", "\u00a0\t", NickName=None)
    plants.person("no first name", None, "Onlylast")
    plants.person("no last name", "Cher", "")
    plants.person("double space", "Mary  Ann", "O'Neil  (Smith)")
    plants.person("blanks around name", " Peter ", "\tPlain ")
    plants.person("emoji", "Zoë 🎉", "Ünïcødé")
    plants.person("right to left", "יוסף", "محمد")
    plants.person("joined emoji", "👩‍👩‍👧", "Ẑ̴a̷l̵g̸o")
    plants.person("quotes", 'Robert "Bob"', "D'Ángelo; DROP TABLE--")
    plants.person("markup", "<script>alert(1)</script>", '=HYPERLINK("x")')
    plants.person("longest name", "F" * 50, "L" * 50)
    plants.person("nickname differs", "Alexandra", "Marsh", NickName="Lexi", MiddleName="Q")
    plants.person("twin name", "John", "Smith", Email="john@example.org")
    plants.person("twin name", "John", "Smith", Email="john@example.org")


def _emails(plants: Plants) -> None:
    plants.person("longest e-mail", "Long", "Address", Email=LONG_EMAIL)
    plants.person("shared e-mail", "Share", "One", Email="shared@example.org")
    plants.person("shared e-mail", "Share", "Two", Email="  Shared@example.org \t")
    plants.person("blanks around e-mail", "Pad", "Ded", Email="\u00a0padded@example.org \n")
    plants.person("blank e-mail", "Blank", "Mail", Email="   ")
    for address in ("not an address", "two words@example.org", "no-dot@example", "@example.org", "a@@example.org"):
        plants.person("invalid e-mail", "Bad", "Mail", Email=address)
    plants.person("inactive e-mail", "Bounced", "Mail", Email="bounced@example.org", IsEmailActive=False)
    plants.person("international e-mail", "Jürgen", "Post", Email="jürgen@bücher.example")


def _phones(plants: Plants) -> None:
    rock = plants.rock

    def phone(kind: str, person: str, number: str, type_name: str | None, **columns: object) -> None:
        plants.mark("PhoneNumber", kind, rock.phone(plants.persons[person], number, type_name, **columns))

    phone("partial", "no first name", "12", "phone home")
    phone("without area code", "double space", "5550123", "phone mobile", CountryCode="1")
    phone("malformed", "blanks around name", "call office", "phone work")
    phone("malformed", "quotes", "555-CALL-NOW", "phone mobile")
    phone("empty", "markup", "", "phone mobile")
    phone("unlisted", "no last name", "5550001111", "phone mobile", IsUnlisted=True)
    phone("second choice", "no last name", "5550002222", "phone work", CountryCode="49", Extension="7")
    phone("several of a type", "emoji", "5550003333", "phone mobile")
    phone("several of a type", "emoji", "5550004444", "phone mobile")
    phone("of no type", "right to left", "5550005555", None)
    phone("of the church's own type", "longest name", "5550006666", "phone own")
    phone("formatted in the column", "nickname differs", "(555) 000-7777", "phone home")
    phone("longest", "longest e-mail", "9" * 20, "phone mobile", CountryCode="999")
    phone("only unlisted", "twin name", "5550008888", "phone home", IsUnlisted=True)


def _lives(plants: Plants) -> None:
    """Birth dates, gender, death, activity, campus."""
    values = plants.rock.values
    inactive = values["record status inactive"]
    plants.person("no birth year", "Day", "Month", BirthDay=3, BirthMonth=7)
    plants.person("only a birth year", "Year", "Only", BirthYear=1980)
    plants.person("impossible birth date", "Leap", "Less", BirthYear=1999, BirthMonth=2, BirthDay=30)
    plants.person("impossible birth date", "Month", "Thirteen", BirthYear=1999, BirthMonth=13, BirthDay=1)
    plants.person("no leap year", "Not", "Leap", BirthYear=1900, BirthMonth=2, BirthDay=29)
    plants.person("leap day", "Leap", "Day", BirthYear=2000, BirthMonth=2, BirthDay=29)
    plants.person("born in the future", "To", "Come", BirthYear=2999, BirthMonth=1, BirthDay=1)
    plants.person("born in year one", "Very", "Old", BirthYear=1, BirthMonth=1, BirthDay=1)
    plants.person("unknown gender", "Sam", "Neutral", Gender=0)
    plants.person("deceased", "Old", "Friend", IsDeceased=True)
    reason = {"RecordStatusValueId": inactive, "RecordStatusReasonValueId": values["reason deceased"]}
    plants.person("deceased by reason", "Late", "Member", **reason)
    reason = {"RecordStatusValueId": inactive, "RecordStatusReasonValueId": values["reason moved"]}
    plants.person("inactive", "Moved", "Away", **reason)
    plants.person("pending", "New", "Form", RecordStatusValueId=values["record status pending"])
    plants.person("visitor", "Vera", "Visits", ConnectionStatusValueId=values["connection visitor"])
    plants.person("no campus", "Wander", "Er", PrimaryCampusId=None)
    plants.person("of the closed campus", "Old", "Chapel", PrimaryCampusId=plants.campuses[-1])


def _giving_units(plants: Plants) -> None:
    plants.person("blank giving id", "Blank", "Giving", GivingId="")
    plants.person("blank giving id", "Blanks", "Giving", GivingId="  ")
    plants.person("no giving id", "Null", "Giving", GivingId=None)
    plants.person("wrong giving id", "Wrong", "Giving", GivingId="P1", GivingLeaderId=NOWHERE)


def _families(plants: Plants) -> None:
    rock, persons, campuses = plants.rock, plants.persons, plants.campuses

    def family(
        kind: str, name: str, adults: tuple[str, ...] = (), children: tuple[str, ...] = (), **more: object
    ) -> int:
        given = {"CampusId": campuses[0], **more}
        family_id = rock.family(name, [persons[n] for n in adults], [persons[n] for n in children], **given)
        return plants.mark("Group", kind, family_id)

    first = family("first family of several", "Stone Family", ("merged", "emoji"), ("no birth year",))
    plants.mark("GroupLocation", "previous", rock.address(first, "1 Former Rd", "location previous"))
    second = family("second family of several", "Family", ("emoji",), ("no birth year",), CampusId=campuses[1])
    rock.address(second, "2 Work Plaza", "location work")
    rock.address(second, "3 Home Ln", "location home", IsMailingLocation=False)
    rock.address(second, "4 Home Ln", "location home", IsMappedLocation=True)
    rock.address(second, "5 Home Ln", "location home", IsMappedLocation=True)
    family("family without members", "Nobody Family")
    family("family without a name", "", ("inactive",), IsActive=False)
    gone = family("archived family", "Gone Family", ("pending",), IsArchived=True)
    family("family with members left off", "Odd Family", ("nameless", "deceased"))
    twice = family("member twice in a family", "Twice Family", ("double space",))
    plants.mark("GroupMember", "archived twin", rock.member(twice, persons["double space"], "adult", IsArchived=True))
    plants.mark("GroupMember", "of nobody", rock.member(twice, NOWHERE, "child"))
    family("family of no campus", "Wanderers", ("no campus",), CampusId=None)
    business = family("family of a business", "Ace Hardware", ("business",))
    rock.address(business, "100 Trade St", "location work")
    table = rock.tables.tables["Person"]
    if "PrimaryFamilyId" in table.c:
        for name, family_id in (
            ("merged", first),
            ("emoji", first),
            ("pending", gone),
            ("double space", twice),
            ("business", business),
            ("deceased", NOWHERE),
        ):
            rock.execute(table.update().where(table.c.Id == persons[name]).values(PrimaryFamilyId=family_id))
