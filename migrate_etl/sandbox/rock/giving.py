"""Who gives how: habits over years. What becomes of it, week by week, is in `offerings.py`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from math import ceil
from typing import NamedTuple

from migrate_etl.sandbox.rock.church import ALIAS_OFFSET, Church, Fund

HABITS = ("weekly", "monthly", "monthly", "monthly", "yearly", "now and then", "now and then")
GIFTS_A_YEAR = 13
"""What a giver of mixed habits comes to while giving; the share of the years in which one gives is about two thirds."""
USUAL = (2_000, 2_500, 5_000, 5_000, 7_500, 10_000, 10_000, 12_345, 15_000, 25_000, 50_000, 100_000)
"""Usual gifts in cents."""
OFFLINE = ("currency check", "currency check", "currency cash")
ONLINE = ("currency ach",) * 2 + ("currency card",) * 2 + ("currency apple pay", "currency android pay")


class Giver(NamedTuple):
    """One giver's ways. Weeks count from the church's first Sunday."""

    alias_id: int
    campus_id: int
    cents: int
    tender: int
    online: bool
    fund_id: int
    second_fund_id: int
    """0 where the giver never splits."""
    anonymous: bool
    first_week: int
    last_week: int


class Givers:
    """All givers, by when they are due."""

    def __init__(self, church: Church, weeks: int) -> None:
        self.everyone: list[Giver] = []
        self._weekly: list[Giver] = []
        self._monthly: list[list[Giver]] = [[] for _ in range(4)]
        self._yearly: list[list[Giver]] = [[] for _ in range(53)]
        self._now_and_then: list[list[Giver]] = [[] for _ in range(23)]
        years = weeks / 52
        count = min(len(church.adults), ceil(church.gifts / (GIFTS_A_YEAR * years * 0.65))) if weeks else 0
        for n, position in enumerate(church.random.sample(church.adults, count)):
            self._sort_in(HABITS[n % len(HABITS)], n, _giver(church, position, weeks))

    def _sort_in(self, habit: str, n: int, giver: Giver) -> None:
        self.everyone.append(giver)
        if habit == "weekly":
            self._weekly.append(giver)
        elif habit == "monthly":
            self._monthly[n % 4].append(giver)
        elif habit == "yearly":
            # Half of those who give once a year do it in its last week.
            self._yearly[52 if n % 2 else n % 51].append(giver)
        else:
            self._now_and_then[n % 23].append(giver)

    def due(self, week: int, sunday: date) -> Iterator[Giver]:
        """Those who would give this week; at the year's end the occasional ones too."""
        yield from (g for g in self._weekly if g.first_week <= week <= g.last_week)
        if sunday.day <= 28:
            yield from (g for g in self._monthly[(sunday.day - 1) // 7] if g.first_week <= week <= g.last_week)
        year_end = sunday.month == 12 and sunday.day > 24
        yearly = self._yearly[52 if year_end else min(51, sunday.timetuple().tm_yday // 7)]
        yield from (g for g in yearly if g.first_week <= week <= g.last_week)
        for n in range(0, 23, 2) if year_end else (week % 23,):
            yield from (g for g in self._now_and_then[n] if g.first_week <= week <= g.last_week)


def _giver(church: Church, position: int, weeks: int) -> Giver:
    random, rock = church.random, church.rock
    person = church.persons[position]
    campus = church.campus_of[position] or church.campuses[0]
    online = random.random() < 0.6
    long_standing = random.random() < 0.5
    first = 0 if long_standing else random.randrange(weeks)
    last = weeks if random.random() < 0.7 else first + random.randrange(4, weeks + 4)
    fund = church.general if random.random() < 0.8 else random.choice(church.funds)
    second = random.choice(church.funds) if random.random() < 0.12 else None
    return Giver(
        alias_id=church.old_aliases.get(person, person + ALIAS_OFFSET),
        campus_id=campus,
        cents=random.choice(USUAL),
        tender=rock.values[random.choice(ONLINE if online else OFFLINE)],
        online=online,
        fund_id=_open_to(fund, campus, church.general).id,
        second_fund_id=_open_to(second, campus, church.general).id if second and second is not fund else 0,
        anonymous=random.random() < 0.01,
        first_week=first,
        last_week=last,
    )


def _open_to(fund: Fund, campus: int, general: Fund) -> Fund:
    """A campus child account takes the gifts of its own campus only."""
    return fund if fund.campus_id in (None, campus) else general
