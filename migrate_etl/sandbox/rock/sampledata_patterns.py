"""Patterns of Rock's sample data: how families give and attend over the years, made into gifts and attendance.

The file says how often and how much, not when exactly; a seed decides the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from random import Random

from migrate_etl.sandbox.rock.build import Rock
from migrate_etl.sandbox.rock.sampledata_xml import Element

SUMMER_AWAY = 15
"""Percent by which attendance drops from July to September."""
LARGEST = 10**15
"""Cents; a gift may grow, but not out of its column."""
TENDERS = ("currency check", "currency card", "currency ach")


class Patterns:
    """Plants gifts and attendance. `people` maps the file's GUIDs to persons."""

    def __init__(self, rock: Rock, random: Random, today: date, people: dict[str, int], children: set[int]) -> None:
        self._rock, self._random, self._today = rock, random, today
        self._people, self._children = people, children
        self._funds = {"general fund": 1}
        self._batches: dict[date, int] = {}
        self._schedules: dict[int, int] = {}
        self._rooms: dict[str, int] = {}
        self._occurrences: dict[tuple[int, int, date], int] = {}

    def giving(self, family: Element) -> None:
        """`frequency` onetime, weekly or monthly; `accountAmount` grows by a percentage every so many weeks."""
        for pattern in family.under("giving"):
            start, giver = pattern.day("startGiving"), self._people.get(pattern.guid("personGuid") or "")
            if start is None or giver is None:
                raise pattern.refusal("startGiving" if start is None else "personGuid")
            alias, tender = self._rock.alias_of(giver), self._random.choice(TENDERS)
            for day in self._days(pattern, start, self._end(pattern, "Giving")):
                if self._random.randrange(100) < pattern.number("percentGive", 100):
                    self._gift(pattern, alias, tender, start, day)
                    if day.month == 12 and day.day > 24 and self._chance(pattern, "specialGiftPercent"):
                        self._gift(pattern, alias, tender, start, day)

    def _chance(self, element: Element, name: str) -> bool:
        return self._random.randrange(100) < element.number(name, 0)

    def _days(self, pattern: Element, start: date, end: date) -> Iterator[date]:
        frequency, day = pattern.word("frequency"), start
        if frequency not in ("onetime", "weekly", "monthly"):
            raise pattern.refusal("frequency")
        while day <= end:
            yield day
            if frequency == "onetime":
                return
            # Monthly means the same Sunday of each month, as people give in church.
            step = 28 if frequency == "monthly" else 7
            ahead = day + timedelta(days=step)
            day = ahead + timedelta(days=7) if step == 28 and ahead.month == day.month else ahead

    def _end(self, element: Element, of: str) -> date:
        ago = timedelta(weeks=element.number(f"ending{of}WeeksAgo", 0, most=9_999))
        return element.day(f"end{of}" if of == "Giving" else f"ending{of}") or self._today - ago

    def _gift(self, pattern: Element, alias: int, tender: str, start: date, day: date) -> None:
        rate, steps = pattern.number("growRatePercent", 0), 0
        if every := pattern.number("growFrequencyWeeks", 0, most=9_999):
            steps = (day - start).days // (7 * every)
        parts = [
            (self._fund(name), cents * (100 + rate) ** steps // 100**steps)
            for name, cents in pattern.amounts("accountAmount")
        ]
        if max(cents for _, cents in parts) > LARGEST:
            raise pattern.refusal("growRatePercent")
        moment = datetime.combine(day, time(9 + self._random.randrange(3), self._random.randrange(60)))
        self._rock.gift(parts, moment, alias, tender=tender, BatchId=self._batch(day))

    def _fund(self, name: str) -> int:
        key = name.lower()
        if key not in self._funds:
            self._funds[key] = self._rock.fund(name)
        return self._funds[key]

    def _batch(self, day: date) -> int:
        if day not in self._batches:
            start = datetime.combine(day, time())
            self._batches[day] = self._rock.batch(f"Offering {day}", 1, BatchStartDateTime=start)
        return self._batches[day]

    def attendance(self, family: Element) -> None:
        """Week after week from the first day: children into their class, adults into the service."""
        start = family.day("startingAttendance")
        if start is None:
            return
        people = [self._people[element.guid() or ""] for element in family.under("members/person")]
        day, end = start, self._end(family, "Attendance")
        while day <= end:
            away = SUMMER_AWAY if 7 <= day.month <= 9 else 0
            if self._random.randrange(100) < family.number("percentAttendance", 100) - away:
                self._come(family, people, day)
            day += timedelta(days=7)

    def _come(self, family: Element, people: list[int], day: date) -> None:
        regular = self._random.randrange(100) < family.number("percentAttendedRegularService", 100)
        number = family.number("attendingScheduleId" if regular else "attendingAltScheduleId", 3, most=999_999)
        moment = datetime.combine(day, time(9 + number % 4, 30)) + timedelta(minutes=self._random.randrange(-15, 6))
        for person in people:
            room = self._room("class" if person in self._children else "service")
            occurrence = self._occurrence(room, self._schedule(number), day)
            self._rock.attendance(occurrence, self._rock.alias_of(person), moment, CampusId=1)

    def _room(self, kind: str) -> int:
        if kind not in self._rooms:
            name, type_name = (
                ("Kids' Classes", "elementary area") if kind == "class" else ("Weekend Service", "worship")
            )
            self._rooms[kind] = self._rock.group(name, type_name, CampusId=1)
        return self._rooms[kind]

    def _schedule(self, number: int) -> int:
        """The service times are Rock's own; the file knows their ids only."""
        if number not in self._schedules:
            self._schedules[number] = self._rock.add("Schedule", Name=f"Service {number}", IsActive=True)
        return self._schedules[number]

    def _occurrence(self, group: int, schedule: int, day: date) -> int:
        key = (group, schedule, day)
        if key not in self._occurrences:
            self._occurrences[key] = self._rock.occurrence(group, day, ScheduleId=schedule)
        return self._occurrences[key]
