"""A church planted at random: both sides of every rule and its edge, some of every kind of dirt, ids in no order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from migrate_etl.sandbox.rock import Rock, empty_rock

FIRST_DAY = date(2023, 1, 1)
"""Of a date range that cuts through the gifts and the meetings."""
JOB_DAY = date(2026, 11, 20)
MOMENTS = (
    datetime(2022, 12, 31, 23, 59, 59, 997_000),
    datetime(2023, 1, 1),
    datetime(2023, 3, 12, 2, 30),
    datetime(2023, 3, 26, 2, 15, 10, 7_000),
    datetime(2023, 10, 29, 2, 30),
    datetime(2023, 11, 5, 1, 30),
    datetime(2024, 2, 29, 12),
)
"""New Year's midnight, hours that do not exist and hours that exist twice."""
NAMES = ("Anna", "José", "Mary  Ann", "O'Brien; --", "שָׁלוֹם", "😀 Tom", "  x ", "N" * 50)
BLANKS = (None, "", "   ")
EMAILS = (None, " ", "a@b.co", " Trim@Me.org \t", "a b@c.d", "a@@b.c", "a@b", "nö@ü.de", "a@b.", "E" * 60 + "@x.org")


def plant(path: Path, release: str, seed: int, size: int = 30) -> None:
    """A SQLite database of that release at `path`."""
    with empty_rock(path, release) as rock:
        church = _Planter(rock, Random(seed), size)
        church.places()
        church.people()
        church.groups()
        church.giving()
        church.meetings()
        church.prayers()


class _Planter:
    def __init__(self, rock: Rock, random: Random, size: int) -> None:
        self.rock, self.random, self.size = rock, random, size
        self.campuses: list[int] = []
        self.families: list[int] = []
        self.ordinary: list[int] = []
        self.persons: list[int] = [1, 2, 3]
        self.aliases: list[int] = [1, 2, 3]
        self.free: dict[str, list[int]] = {}

    def one(self, *choices: tuple[Any, int]) -> Any:
        """One of them, by weight."""
        return self.random.choices([choice for choice, _ in choices], [weight for _, weight in choices])[0]

    def perhaps(self, share: float, choices: Sequence[Any]) -> Any:
        """One of them in that share of cases, else None."""
        return self.random.choice(choices) if self.random.random() < share else None

    def value(self, kind: str, share: float = 0.9) -> Any:
        """A value of that list, shipped or the church's own, or none."""
        return self.perhaps(share, [id for name, id in self.rock.values.items() if name.startswith(kind)])

    def bit(self, share: float) -> bool:
        return self.random.random() < share

    def add(self, table: str, **columns: Any) -> int:
        """A row under an id of no order, that no other row of the table has."""
        if table not in self.free:
            self.free[table] = self.random.sample(range(self.rock.last_id(table) + 1, 3_000), 1_500)
        return self.rock.add(table, Id=self.free[table].pop(), **columns)

    def moment(self) -> datetime:
        some = datetime(2021, 1, 1) + timedelta(seconds=self.random.randrange(4 * 365 * 86_400))
        return self.random.choice(MOMENTS) if self.bit(0.4) else some

    def places(self) -> None:
        self.campuses = [1, *(self.add("Campus", Name=f"Campus {n}") for n in range(3))]
        for _ in range(self.size // 2):
            family = self.add(
                "Group", GroupTypeId=self.rock.group_types["family"], Name=self.one(("Hill Family", 4), (" ", 1)),
                CampusId=self.perhaps(0.7, self.campuses), IsActive=self.bit(0.8), IsArchived=self.bit(0.15),
                IsSecurityRole=self.bit(0.1),
            )  # fmt: skip
            self.families.append(family)
            for _ in range(self.random.randrange(4)):
                self.address(family)

    def address(self, family: int) -> None:
        place = self.add(
            "Location", Street1=self.one(("1 Main St", 4), (None, 1), (" ", 1)),
            Street2=self.one((None, 3), ("Apt", 1)), City=self.one(("Phoenix", 3), (None, 1)),
            State=self.one(("AZ", 3), (None, 2)), PostalCode=self.one(("00123", 3), (None, 1)),
            Country=self.one(("US", 1), (None, 1)),
        )  # fmt: skip
        self.add(
            "GroupLocation", GroupId=family, LocationId=place, GroupLocationTypeValueId=self.value("location "),
            IsMailingLocation=self.bit(0.5), IsMappedLocation=self.bit(0.5),
        )  # fmt: skip

    def people(self) -> None:
        for _ in range(self.size):
            self.person()
        for number in range(self.size * 2):
            digits = self.one((str(self.random.randint(10**6, 10**10)), 6), ("555", 1), ("", 1))
            self.add(
                "PhoneNumber", PersonId=self.random.choice(self.persons), Number=digits,
                CountryCode=self.one((None, 2), ("1", 2), (" ", 1)), Extension=self.one((None, 4), ("12", 1)),
                NumberTypeValueId=self.value("phone "), IsUnlisted=self.bit(0.2), FullNumber=str(number),
            )  # fmt: skip

    def person(self) -> None:
        family, names = self.perhaps(0.8, self.families), NAMES + BLANKS
        usual = self.rock.values["record type person"]
        person = self.add(
            "Person", RecordTypeValueId=self.one((usual, 2), (self.value("record type "), 1)),
            RecordStatusValueId=self.value("record status"), ConnectionStatusValueId=self.value("connection "),
            RecordStatusReasonValueId=self.value("reason ", 0.2), MaritalStatusValueId=self.value("marital "),
            IsDeceased=self.bit(0.1), FirstName=self.random.choice(names),
            NickName=self.random.choice(names), LastName=self.random.choice(names), Gender=self.random.randrange(4),
            BirthDay=self.one((None, 1), (self.random.randint(1, 28), 4), (31, 1)),
            BirthMonth=self.one((None, 1), (self.random.randint(1, 12), 4), (13, 1)),
            BirthYear=self.one((None, 1), (self.random.randint(1930, 2020), 4)), Email=self.random.choice(EMAILS),
            IsEmailActive=self.bit(0.8), PrimaryFamilyId=family, PrimaryCampusId=self.perhaps(0.5, self.campuses),
            GivingGroupId=family, GivingId=self.one((f"G{family}" if family else None, 3), (" ", 1)),
        )  # fmt: skip
        self.persons.append(person)
        for _ in range(self.one((0, 1), (1, 6), (2, 2), (3, 1))):  # none at all, its own, and what was merged into it
            self.aliases.append(self.add("PersonAlias", PersonId=person))

    def groups(self) -> None:
        kinds = [*self.rock.group_types, *["small group", "worship", "own type"] * 8]
        for number in range(self.size):
            kind = self.random.choice([kind for kind in kinds if kind != "family"])
            group = self.add(
                "Group", GroupTypeId=self.rock.group_types[kind], Name=f"Group {number}",
                Description=self.one((None, 1), (" ", 1), ("d\r\n😀", 1)), CampusId=self.perhaps(0.6, self.campuses),
                IsActive=self.bit(0.85), IsArchived=self.bit(0.15), IsSecurityRole=self.bit(0.1),
            )  # fmt: skip
            self.ordinary.append(group)
            self.members(group, [f"{kind} member", f"{kind} leader"], 4)
        for family in self.families:
            self.members(family, ["adult", "adult", "child"], 5)
        group_table = self.rock.tables.tables["Group"]
        for group in self.ordinary:  # parents of any kind, circles and groups that are their own parent among them
            parent = self.perhaps(0.7, [*self.ordinary, group, self.families[0]])
            self.rock.execute(group_table.update().where(group_table.c.Id == group).values(ParentGroupId=parent))

    def members(self, group: int, roles: list[str], most: int) -> None:
        known = [self.rock.roles[role] for role in roles if role in self.rock.roles] or [self.rock.roles["member"]]
        for _ in range(self.random.randrange(most)):
            self.add(
                "GroupMember", GroupId=group, PersonId=self.random.choice(self.persons),
                GroupRoleId=self.random.choice(known), GroupMemberStatus=self.one((1, 4), (0, 1), (2, 1)),
                IsArchived=self.bit(0.15),
            )  # fmt: skip

    def giving(self) -> None:
        funds: list[int] = [1]
        for number in range(5):
            funds.append(self.fund(number, self.perhaps(0.5, funds)))
        names = ("Sunday", " ", "Sunday - Refund")
        batches = [
            self.add("FinancialBatch", Name=self.random.choice(names), CampusId=self.perhaps(0.6, self.campuses))
            for _ in range(6)
        ]
        given = [self.gift(batches, funds) for _ in range(self.size * 3)]
        for _ in range(self.size // 2):
            refund, original = self.gift(batches, funds, -1), self.perhaps(0.75, given)
            self.rock.add("FinancialTransactionRefund", Id=refund, OriginalTransactionId=original)

    def fund(self, number: int, parent: int | None) -> int:
        return self.add(
            "FinancialAccount", Name=f"Fund {number}", PublicName=self.one((None, 1), (" ", 1), ("Missions", 1)),
            CampusId=self.perhaps(0.4, self.campuses), IsActive=self.bit(0.7), IsTaxDeductible=self.bit(0.5),
            ParentAccountId=parent,
        )  # fmt: skip

    def gift(self, batches: list[int], funds: list[int], sign: int = 1) -> int:
        kind = self.one((self.rock.values["transaction contribution"], 8), (self.value("transaction ", 1), 1))
        payment = self.add("FinancialPaymentDetail", CurrencyTypeValueId=self.value("currency c"))
        gift = self.add(
            "FinancialTransaction", TransactionTypeValueId=kind, BatchId=self.perhaps(0.8, batches),
            TransactionDateTime=self.perhaps(0.93, [self.moment()]), AuthorizedPersonAliasId=self.donor(),
            FinancialPaymentDetailId=self.perhaps(0.85, [payment]), ShowAsAnonymous=self.bit(0.2),
            FutureProcessingDateTime=self.perhaps(0.07, [datetime(2027, 1, 1)]), Status=self.perhaps(0.5, ["Failed"]),
        )  # fmt: skip
        for _ in range(self.one((0, 1), (1, 5), (2, 2))):
            cents = self.one((self.random.randint(1, 10**7), 6), (0, 1), (-525, 1), (1, 1), (999_999_999_999, 1))
            fund = self.random.choice(funds)
            self.add("FinancialTransactionDetail", TransactionId=gift, AccountId=fund, Amount=sign * cents)
        return gift

    def donor(self) -> Any:
        """An alias, now and then none or one of a shipped person."""
        return self.one((self.random.choice(self.aliases), 8), (None, 1), (self.random.choice((1, 2, 3)), 1))

    def meetings(self) -> None:
        held = []
        for number in range(self.size):
            day = self.one((FIRST_DAY - timedelta(days=number % 2), 1), (date(2021, 1, 1) + timedelta(40 * number), 3))
            group = self.perhaps(0.85, [*self.ordinary, self.families[0]])
            held.append(self.add("AttendanceOccurrence", GroupId=group, OccurrenceDate=day, DidNotOccur=self.bit(0.2)))
        for _ in range(self.size * 4):
            occurrence = self.random.choice(held if self.bit(0.5) else held[:5])  # so that some come twice to one
            self.add(
                "Attendance", OccurrenceId=occurrence, PersonAliasId=self.donor(), StartDateTime=self.moment(),
                DidAttend=self.one((True, 6), (False, 1), (None, 1)), CampusId=self.perhaps(0.5, self.campuses),
            )  # fmt: skip

    def prayers(self) -> None:
        flags = ((True, 4), (False, 1), (None, 1))
        days = [(None, 2), *((JOB_DAY + timedelta(days=days), 1) for days in (-1, 0, 1))]
        for _ in range(self.size):
            self.add(
                "PrayerRequest", FirstName="F", Text=self.one((" Pray 😀 ", 1), ("x" * 5_000, 1)),
                IsPublic=self.one(*flags), IsActive=self.one(*flags), IsApproved=self.one(*flags),
                EnteredDateTime=self.moment(), RequestedByPersonAliasId=self.donor(),
                CampusId=self.perhaps(0.5, self.campuses),
                ExpirationDate=self.one(*days), PrayerCount=self.one((None, 1), (0, 1), (7, 1)),
            )  # fmt: skip
