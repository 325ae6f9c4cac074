"""Who gives what in which week, what is taken back later, and what was promised."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from migrate_etl.sandbox.rock.church import ALIAS_OFFSET, Church
from migrate_etl.sandbox.rock.giving import Giver, Givers
from migrate_etl.sandbox.rock.offering_week import Gift, OfferingWeek

FIRST_PAYMENT, FIRST_TRANSACTION, FIRST_DETAIL = 700, 50_000, 200_000
"""Ids before the first: no batch, payment or detail of a gift has its id, so that none can stand for the other."""
SENT_BACK, REFUNDED, REFUNDED_IN_PARTS = 8, 12, 14
"""Of a thousand gifts: those below the first are sent back by the bank if they were debits, and so on."""


@dataclass(frozen=True, slots=True)
class _Later:
    """Something that happens to a gift in a later week."""

    original: int
    giver: Giver
    parts: list[tuple[int, int]]
    refund: bool


class Offerings:
    """Writes the gifts of a church."""

    def __init__(self, church: Church) -> None:
        self._church, self._rock = church, church.rock
        self._sundays = list(church.sundays())
        self._givers = Givers(church, len(self._sundays))
        self._later: dict[int, list[_Later]] = defaultdict(list)
        values = church.rock.values
        self._contribution, self._registration = values["transaction contribution"], values["transaction registration"]
        self._ach, self._cash = values["currency ach"], values["currency cash"]
        self._sources = (values["source on-site collection"], values["source website"])
        church.rock.reserve("FinancialPaymentDetail", FIRST_PAYMENT)
        church.rock.reserve("FinancialTransaction", FIRST_TRANSACTION)
        church.rock.reserve("FinancialTransactionDetail", FIRST_DETAIL)

    def write(self) -> None:
        """All weeks; ordinary gifts come to exactly `church.gifts`, refunds, reversals and others on top."""
        due = [sum(1 for _ in self._givers.due(n, sunday)) for n, sunday in enumerate(self._sundays)]
        whole, seen, given = sum(due), 0, 0
        for n, sunday in enumerate(self._sundays):
            seen += due[n]
            share = self._church.gifts * seen // whole - given if whole else 0
            given += share
            self._week(n, sunday, share)

    def _week(self, number: int, sunday: date, share: int) -> None:
        week = OfferingWeek(self._rock, sunday, self._sources)
        givers = list(self._givers.due(number, sunday))
        growth = 100 + 3 * (sunday.year - self._sundays[0].year)
        days = [datetime.combine(sunday - timedelta(days=n), datetime.min.time()) for n in range(7)]
        if givers:
            chosen = givers * (share // len(givers)) + self._church.random.sample(givers, share % len(givers))
            for giver in chosen:
                self._gift(week, number, giver, days, growth)
        for later in self._later.pop(number, ()):
            self._take_back(week, later)
        if share:
            self._loose_cash(week)
        if share and sunday.day <= 7:
            self._event(week)
        week.write(closed=number < len(self._sundays) - 2)

    def _gift(self, week: OfferingWeek, number: int, giver: Giver, days: list[datetime], growth: int) -> None:
        luck = self._church.random.getrandbits(32)
        day = days[luck % 7] if giver.online else days[0]
        moment = day + timedelta(seconds=25_000 + (luck >> 3) % 55_000)
        parts, fate = _parts(giver, growth, luck), (luck >> 12) % 1_000
        failed = fate < SENT_BACK and giver.tender == self._ach
        status = ("Failed" if failed else "Complete") if giver.online else None
        kind = "online" if giver.online else "offering"
        gift = week.add(Gift(giver, moment, parts, kind, self._contribution, status))
        if failed or SENT_BACK <= fate < REFUNDED_IN_PARTS:
            self._plan(number, fate, _Later(gift, giver, parts, refund=not failed))

    def _plan(self, number: int, fate: int, later: _Later) -> None:
        """A reversed debit next week, a full refund weeks or a year later, or two refunds that give part back."""
        if fate < REFUNDED:
            self._later[number + (1 + later.original % 60 if later.refund else 1)].append(later)
            return
        fund, cents = later.parts[0]
        for weeks, part in ((2, cents // 4), (30, cents // 3)):
            some = _Later(later.original, later.giver, [(fund, max(1, part))], refund=True)
            self._later[number + weeks].append(some)

    def _take_back(self, week: OfferingWeek, later: _Later) -> None:
        moment = datetime.combine(week.sunday, datetime.min.time()) - timedelta(hours=37)
        parts = [(fund, -cents) for fund, cents in later.parts]
        if later.refund:
            gift = Gift(later.giver, moment, parts, "refund", self._contribution, "Complete")
            week.add(gift, refund_of=later.original)
        else:
            message = "R01 insufficient funds"
            week.add(Gift(later.giver, moment, parts, "online", self._contribution, "Complete", message))

    def _loose_cash(self, week: OfferingWeek) -> None:
        """Nobody's name on it: no alias since 2021, Giver Anonymous before."""
        nobody = 0 if week.sunday.year > 2020 else 1
        moment = datetime.combine(week.sunday, datetime.min.time()) + timedelta(hours=11)
        for campus in self._church.campuses[:2]:
            giver = Giver(nobody, campus, 0, self._cash, False, 1, 0, False, 0, 0)
            cents = 1_000 + self._church.random.randrange(40_000)
            week.add(Gift(giver, moment, [(1, cents)], "offering", self._contribution))

    def _event(self, week: OfferingWeek) -> None:
        """Once a month a payment for an event, and a gift to somebody's mission trip."""
        random, church, types = self._church.random, self._church, self._rock.entity_types
        moment = datetime.combine(week.sunday, datetime.min.time()) - timedelta(hours=50)
        for kind, entity, cents in (
            (self._registration, types["Registration"], 20_000),
            (self._contribution, types["GroupMember"], 7_500),
        ):
            alias = church.persons[random.choice(church.adults)] + ALIAS_OFFSET
            giver = Giver(alias, church.campuses[0], cents, self._ach, True, 1, 0, False, 0, 0)
            link = (entity, 1 + random.randrange(500))
            week.add(Gift(giver, moment, [(1, cents)], "online", kind, "Complete", None, link))

    def pledges(self) -> None:
        """Promises of those who give to the building, and one by nobody known."""
        building, last_year = self._church.funds[4].id, self._church.last_day.year
        aliases = [
            giver.alias_id for giver in self._givers.everyone if building in (giver.fund_id, giver.second_fund_id)
        ]
        for n, alias in enumerate([None, *aliases]):
            first = date(last_year - n % 3, 1, 1)
            self._rock.add(
                "FinancialPledge",
                PersonAliasId=alias,
                AccountId=building,
                TotalAmount=60_000 + 12_000 * (n % 20),
                PledgeFrequencyValueId=self._rock.values["frequency monthly" if n % 2 else "frequency one time"],
                StartDate=first,
                EndDate=date(first.year, 12, 31),
            )


def _parts(giver: Giver, growth: int, luck: int) -> list[tuple[int, int]]:
    """What a giver gives this time, over one to three funds; now and then not the usual round amount."""
    cents = giver.cents * growth // 100
    if luck % 16 == 5:
        cents += 1 + luck % 997
    if not giver.second_fund_id:
        return [(giver.fund_id, cents)]
    parts = [(giver.fund_id, cents - cents // 3), (giver.second_fund_id, cents // 3)]
    if luck % 3 == 0 and 1 not in (giver.fund_id, giver.second_fund_id):
        parts.append((1, 500))
    return parts
