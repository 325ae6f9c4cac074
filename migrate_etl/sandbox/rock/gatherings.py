"""Meetings and who came, week by week; and the prayers of the years."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import cycle, islice
from typing import Any

from migrate_etl.sandbox.rock import names
from migrate_etl.sandbox.rock.build import date_key
from migrate_etl.sandbox.rock.church import ALIAS_OFFSET, Church, Meeting
from migrate_etl.sandbox.rock.writer import column_names

OCCURRENCE = column_names(
    "Id GroupId ScheduleId OccurrenceDate OccurrenceDateKey SundayDate DidNotOccur AnonymousAttendanceCount"
)
ATTENDANCE = column_names("Id OccurrenceId PersonAliasId StartDateTime DidAttend CampusId RSVP CreatedDateTime")
FIRST_ATTENDANCE = 9_000
PRESENT_ONLY_SINCE = 2025
"""From then on absentees leave no row, as the attendance screen of Rock v15.0 had it."""


class Gatherings:
    """Writes the attendance of a church: every year other groups keep it."""

    def __init__(self, church: Church) -> None:
        self._church, self._rock = church, church.rock
        # Alias of today -> alias of the record that was merged into it.
        self._merged = {person + ALIAS_OFFSET: old for person, old in church.old_aliases.items()}
        self._schedules = [
            church.rock.add("Schedule", Name=name, WeeklyDayOfWeek=0, IsActive=True)
            for name in ("Sunday 9:00", "Sunday 10:30", "Weekday evening")
        ]
        church.rock.reserve("Attendance", FIRST_ATTENDANCE)

    def write(self) -> None:
        """All weeks, `church.attendances` rows in all."""
        sundays = list(self._church.sundays())
        given, year = 0, 0
        keeping: list[Meeting] = []
        for n, sunday in enumerate(sundays, 1):
            if sunday.year != year:
                year = sunday.year
                keeping = self._church.random.sample(self._church.meetings, len(self._church.meetings))
            share = self._church.attendances * n // len(sundays) - given
            given += share
            self._week(sunday, keeping, share)

    def _week(self, sunday: date, keeping: list[Meeting], share: int) -> None:
        occurrences: list[tuple[Any, ...]] = []
        rows = islice(self._rows(sunday, keeping, occurrences), share)
        self._rock.bulk("Attendance", ATTENDANCE, rows)
        self._rock.bulk("AttendanceOccurrence", OCCURRENCE, occurrences)

    def _rows(
        self, sunday: date, keeping: list[Meeting], occurrences: list[tuple[Any, ...]]
    ) -> Iterator[tuple[Any, ...]]:
        """Meeting by meeting without end; a group that meets again does so on the day before."""
        if not any(meeting.roster for meeting in keeping):
            return
        for n, meeting in enumerate(cycle(keeping)):
            lap = n // len(keeping)
            day = sunday - timedelta(days=lap % 7)
            occurrence = self._rock.next_id("AttendanceOccurrence")
            schedule = self._schedules[lap // 7 % 3]
            cancelled = True if occurrence % 61 == 0 else None
            occurrences.append(
                (occurrence, meeting.group_id, schedule, day, date_key(day), sunday, cancelled, occurrence % 5)
            )
            yield from self._present(occurrence, meeting, day)

    def _present(self, occurrence: int, meeting: Meeting, day: date) -> Iterator[tuple[Any, ...]]:
        random, rock = self._church.random, self._rock
        start = datetime.combine(day, datetime.min.time()) + timedelta(hours=9 + occurrence % 10)
        absent = None if day.year >= PRESENT_ONLY_SINCE else False
        for alias in meeting.roster:
            luck = random.getrandbits(16)
            if luck < 13_000:
                if absent is None and luck % 4:
                    continue
                came, rsvp = (absent, 0) if luck % 4 else (None, 1)
            else:
                came, rsvp = True, 3
            campus = meeting.campus_id if luck % 11 else None
            moment = start + timedelta(minutes=luck % 23)
            row_id = rock.next_id("Attendance")
            yield (row_id, occurrence, alias, moment, came, campus, rsvp, moment)
            if luck % 499 == 0:
                # The same person once more: scheduled as a volunteer, or under a record that was merged away.
                again = self._merged.get(alias, alias)
                yield (rock.next_id("Attendance"), occurrence, again, moment, luck % 2 == 0 or None, campus, 3, moment)


def prayers(church: Church) -> None:
    """Requests of the last years; some private, some long expired, some of people unknown."""
    rock, random = church.rock, church.random
    category = rock.add("Category", Name="General", EntityTypeId=rock.entity_types["PrayerRequest"])
    last_moment = datetime.combine(church.last_day, datetime.min.time())
    for n in range(max(5, church.people // 20)):
        person = church.persons[random.choice(church.adults)]
        moment = last_moment - timedelta(days=n % 900, hours=n % 24, seconds=n % 60)
        rock.prayer(
            random.choice(names.PRAYERS),
            None if n % 7 == 6 else person + ALIAS_OFFSET,
            FirstName="A friend" if n % 7 == 6 else "Somebody",
            EnteredDateTime=moment,
            ExpirationDate=(moment + timedelta(days=14 if n % 2 else 6_000)).date(),
            IsPublic=n % 3 != 0,
            IsApproved=n % 10 != 9,
            IsUrgent=n % 20 == 0,
            PrayerCount=n % 30,
            CategoryId=category,
            CampusId=None if n % 5 == 4 else church.campuses[n % 2],
        )
