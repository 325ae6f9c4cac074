"""Gifts week by week: transactions, details, payments, batches; and what goes wrong with some of them later."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from migrate_etl.sandbox.rock.build import date_key
from migrate_etl.sandbox.rock.church import ALIAS_OFFSET, Church
from migrate_etl.sandbox.rock.giving import Giver, Givers
from migrate_etl.sandbox.rock.writer import column_names

Row = tuple[Any, ...]
TRANSACTION = column_names("""Id BatchId TransactionDateTime TransactionDateKey SundayDate TransactionTypeValueId
AuthorizedPersonAliasId FinancialPaymentDetailId TransactionCode Status StatusMessage SourceTypeValueId ShowAsAnonymous
CreatedDateTime ModifiedDateTime""")
DETAIL = ("Id", "TransactionId", "AccountId", "Amount", "EntityTypeId", "EntityId")
PAYMENT = ("Id", "CurrencyTypeValueId")
REFUND = ("Id", "OriginalTransactionId", "RefundReasonSummary")
BATCH = column_names("""Id Name BatchStartDateTime BatchEndDateTime Status CampusId ControlAmount ControlItemCount
CreatedDateTime""")
BATCH_NAMES = {"offering": "Sunday {} C{}", "online": "Online Giving {} C{}", "refund": "Online {} C{} - Refund"}
FIRST_PAYMENT, FIRST_TRANSACTION, FIRST_DETAIL = 700, 50_000, 200_000
"""Ids before the first: no batch, payment or detail of a gift has its id, so that none can stand for the other."""


@dataclass(slots=True)
class _Week:
    """The rows of one week, and the cents of its batches."""

    sunday: date
    transactions: list[Row] = field(default_factory=list)
    details: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)
    batches: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    """(campus, kind) -> [batch id, cents, items]"""


@dataclass(slots=True)
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
        self._member_type = church.rock.entity_types["GroupMember"]
        self._registration_type = church.rock.entity_types["Registration"]
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
        week = _Week(sunday)
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
            self._event(week)
        self._flush(week, number)

    def _gift(self, week: _Week, number: int, giver: Giver, days: list[datetime], growth: int) -> None:
        luck = self._church.random.getrandbits(32)
        day = days[luck % 7] if giver.online else days[0]
        moment = day + timedelta(seconds=25_000 + (luck >> 3) % 55_000)
        cents = giver.cents * growth // 100
        if luck % 16 == 5:
            cents += 1 + luck % 997
        parts = [(giver.fund_id, cents)]
        if giver.second_fund_id:
            parts = [(giver.fund_id, cents - cents // 3), (giver.second_fund_id, cents // 3)]
            if luck % 3 == 0 and 1 not in (giver.fund_id, giver.second_fund_id):
                parts.append((1, 500))
        fate = (luck >> 12) % 1_000
        failed = fate < 8 and giver.tender == self._ach
        status = ("Failed" if failed else "Complete") if giver.online else None
        gift = self._write(week, giver, moment, parts, "online" if giver.online else "offering", status)
        if failed or 8 <= fate < 14:
            self._plan(number, fate, failed, _Later(gift, giver, parts, refund=not failed))

    def _plan(self, number: int, fate: int, failed: bool, later: _Later) -> None:
        """A reversed debit, a full refund weeks or a year later, or two refunds that together give part back."""
        if failed or fate < 12:
            self._later[number + (1 if failed else 1 + later.original % 60)].append(later)
        else:
            fund, cents = later.parts[0]
            for weeks, part in ((2, cents // 4), (30, cents // 3)):
                some = _Later(later.original, later.giver, [(fund, max(1, part))], refund=True)
                self._later[number + weeks].append(some)

    def _take_back(self, week: _Week, later: _Later) -> None:
        moment = datetime.combine(week.sunday, datetime.min.time()) + timedelta(hours=-37)
        parts = [(fund, -cents) for fund, cents in later.parts]
        kind = "refund" if later.refund else "online"
        message = None if later.refund else "R01 insufficient funds"
        gift = self._write(week, later.giver, moment, parts, kind, "Complete", message)
        if later.refund:
            week.refunds.append((gift, later.original, "Giver asked for it back"))

    def _loose_cash(self, week: _Week) -> None:
        """Nobody's name on it: no alias since 2021, Giver Anonymous before."""
        nobody = None if week.sunday.year > 2020 else 1
        for campus in self._church.campuses[:2]:
            giver = Giver(nobody or 0, campus, 0, self._cash, False, 1, 0, False, 0, 0)
            moment = datetime.combine(week.sunday, datetime.min.time()) + timedelta(hours=11)
            self._write(week, giver, moment, [(1, 1_000 + self._church.random.randrange(40_000))], "offering", None)

    def _event(self, week: _Week) -> None:
        """A payment for an event, and a gift to somebody's mission trip."""
        random, campus = self._church.random, self._church.campuses[0]
        moment = datetime.combine(week.sunday, datetime.min.time()) - timedelta(hours=50)
        for kind, entity, cents in (
            (self._registration, self._registration_type, 20_000),
            (self._contribution, self._member_type, 7_500),
        ):
            position = random.choice(self._church.adults)
            alias = self._church.persons[position] + ALIAS_OFFSET
            giver = Giver(alias, campus, cents, self._ach, True, 1, 0, False, 0, 0)
            link = (entity, 1 + random.randrange(500))
            self._write(week, giver, moment, [(1, cents)], "online", "Complete", None, kind, link)

    def _write(
        self,
        week: _Week,
        giver: Giver,
        moment: datetime,
        parts: list[tuple[int, int]],
        kind: str,
        status: str | None,
        message: str | None = None,
        type_id: int | None = None,
        link: tuple[int | None, int | None] = (None, None),
    ) -> int:
        rock = self._rock
        gift, payment = rock.next_id("FinancialTransaction"), rock.next_id("FinancialPaymentDetail")
        batch = week.batches.get((giver.campus_id, kind))
        if batch is None:
            batch = week.batches[giver.campus_id, kind] = [rock.next_id("FinancialBatch"), 0, 0]
        batch[1] += sum(cents for _, cents in parts)
        batch[2] += 1
        week.transactions.append(
            (
                gift,
                batch[0],
                moment,
                date_key(moment),
                week.sunday,
                type_id or self._contribution,
                giver.alias_id or None,
                payment,
                f"ch_{gift:08d}" if giver.online else str(1_000 + gift % 8_000),
                status,
                message,
                self._sources[giver.online],
                giver.anonymous,
                moment,
                moment,
            )
        )
        week.payments.append((payment, giver.tender))
        for fund, cents in parts:
            week.details.append((rock.next_id("FinancialTransactionDetail"), gift, fund, cents, *link))
        return gift

    def _flush(self, week: _Week, number: int) -> None:
        rock, start = self._rock, datetime.combine(week.sunday, datetime.min.time())
        still_open = number >= len(self._sundays) - 2
        batches = [
            (
                batch,
                BATCH_NAMES[kind].format(week.sunday, campus),
                start,
                start + timedelta(days=1),
                1 if still_open else 2,
                campus,
                # Now and then the counters were wrong.
                cents + (5_000 if batch % 37 == 0 else 0),
                items,
                start,
            )
            for (campus, kind), (batch, cents, items) in week.batches.items()
        ]
        rock.bulk("FinancialBatch", BATCH, batches)
        rock.bulk("FinancialPaymentDetail", PAYMENT, week.payments)
        rock.bulk("FinancialTransaction", TRANSACTION, week.transactions)
        rock.bulk("FinancialTransactionDetail", DETAIL, week.details)
        rock.bulk("FinancialTransactionRefund", REFUND, week.refunds)


def pledges(church: Church) -> None:
    """Promises for the building, some by people, some by families, one by nobody known."""
    rock, building = church.rock, church.funds[4].id
    for n in range(max(3, church.people // 50)):
        position = church.random.choice(church.adults)
        first = date(church.last_day.year - n % 3, 1, 1)
        rock.add(
            "FinancialPledge",
            PersonAliasId=church.persons[position] + ALIAS_OFFSET if n else None,
            AccountId=building,
            TotalAmount=60_000 + 12_000 * (n % 20),
            PledgeFrequencyValueId=rock.values["frequency monthly" if n % 2 else "frequency one time"],
            StartDate=first,
            EndDate=date(first.year, 12, 31),
        )
