"""Every kind of dirt that real Rock databases have, planted once each or a few times; who has it is written down.

The rows themselves are in `dirty_people.py`, `dirty_groups.py`, `dirty_gifts.py` and `dirty_meetings.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from migrate_etl.sandbox.rock.build import Rock

GAP = datetime(2024, 3, 10, 2, 30)
"""Does not exist in most of the United States."""
OVERLAP = datetime(2024, 11, 3, 1, 30)
"""Exists twice there."""
NOWHERE = 99_000_000
"""An id that no row has: a reference to something deleted."""


class Plants:
    """The database, the people dirt is planted on, and what was planted: `<table>: <kind>` -> ids."""

    def __init__(self, rock: Rock, campuses: Sequence[int], year: int) -> None:
        self.rock, self.campuses, self.year = rock, list(campuses), year
        self.planted: dict[str, list[int]] = {}
        self.persons: dict[str, int] = {}
        """Kind -> person."""
        self.groups: dict[str, int] = {}
        """Kind -> group."""

    def mark(self, table: str, kind: str, row_id: int) -> int:
        """Write down a planted row; returns its id."""
        self.planted.setdefault(f"{table}: {kind}", []).append(row_id)
        return row_id

    def person(self, kind: str, first: str | None, last: str | None, **columns: Any) -> int:
        """A person of the main campus who is there for one reason."""
        self.persons[kind] = self.rock.person(first, last, **{"PrimaryCampusId": self.campuses[0], **columns})
        return self.mark("Person", kind, self.persons[kind])

    def group(self, kind: str, name: str, type_name: str = "small group", **columns: Any) -> int:
        """A group of the main campus that is there for one reason."""
        given = {"CampusId": self.campuses[0], **columns}
        self.groups[kind] = self.rock.group(name, type_name, **given)
        return self.mark("Group", kind, self.groups[kind])

    def gift(
        self,
        kind: str,
        cents: int | Sequence[tuple[int, int]],
        when: datetime | None,
        alias_id: int | None,
        **more: Any,
    ) -> int:
        """A transaction that is there for one reason."""
        return self.mark("FinancialTransaction", kind, self.rock.gift(cents, when, alias_id, **more))

    def attendance(self, kind: str, occurrence: int, alias_id: int | None, when: datetime, **more: Any) -> int:
        """An attendance that is there for one reason."""
        return self.mark("Attendance", kind, self.rock.attendance(occurrence, alias_id, when, **more))

    def prayer(self, kind: str, text: str, alias_id: int | None, **more: Any) -> int:
        """A prayer request that is there for one reason."""
        return self.mark("PrayerRequest", kind, self.rock.prayer(text, alias_id, **more))

    def alias(self, kind: str) -> int:
        """The primary alias of a person planted before."""
        return self.rock.alias_of(self.persons[kind])
