"""A believable church of any size, deterministic from a seed: who belongs to it and where. Then it lives for years.

Written in blocks, so that memory does not grow with gifts or attendance.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from migrate_etl.sandbox.rock.build import Rock

ALIAS_OFFSET = 1_000
"""In the generated church the alias made for person n has the id n + this, so that no id stands for the other."""


@dataclass(slots=True)
class Fund:
    """An account gifts go to; `campus_id` where it is the child account of one campus."""

    id: int
    campus_id: int | None = None


@dataclass(slots=True)
class Meeting:
    """A group that meets: `roster` holds the aliases of its members."""

    group_id: int
    campus_id: int | None
    roster: array[int]


@dataclass(slots=True)
class Church:
    """What the generator remembers while it writes."""

    rock: Rock
    random: Random
    people: int
    gifts: int
    attendances: int
    first_day: date
    last_day: date
    campuses: list[int] = field(default_factory=list)
    """Ids: main, north, a closed one, one online."""
    persons: array[int] = field(default_factory=lambda: array("l"))
    """Ids of the people of all households, in order."""
    campus_of: array[int] = field(default_factory=lambda: array("l"))
    """Campus id per person of `persons`; 0 for none."""
    adults: array[int] = field(default_factory=lambda: array("l"))
    """Positions in `persons`."""
    children: array[int] = field(default_factory=lambda: array("l"))
    old_aliases: dict[int, int] = field(default_factory=dict)
    """Person -> alias of a record that was merged into it."""
    general: Fund = field(default_factory=lambda: Fund(1))
    funds: list[Fund] = field(default_factory=list)
    """The other open funds people give to."""
    meetings: list[Meeting] = field(default_factory=list)

    def sundays(self) -> Iterator[date]:
        day = self.first_day + timedelta(days=6 - self.first_day.weekday())
        while day <= self.last_day:
            yield day
            day += timedelta(days=7)


def places_and_funds(church: Church) -> None:
    """Campuses, and a tree of funds with campus children, closed ones and one without a public name."""
    rock = church.rock
    north = rock.add("Campus", Name="North Campus", ShortCode="NORTH", IsActive=True)
    chapel = rock.add("Campus", Name="Old Chapel", IsActive=False)
    online = rock.add("Campus", Name="Online", ShortCode="WEB", IsActive=True)
    church.campuses = [1, north, chapel, online]
    missions = rock.fund("Missions", UsesCampusChildAccounts=True)
    africa = rock.fund("Missions: Africa", ParentAccountId=missions)
    funds = [
        Fund(missions),
        Fund(rock.fund("Missions Main", PublicName="", ParentAccountId=missions, CampusId=1), 1),
        Fund(rock.fund("Missions North", PublicName=None, ParentAccountId=missions, CampusId=north), north),
        Fund(rock.fund("Missions: Kenya", ParentAccountId=africa, Description="Wells & schools")),
        Fund(rock.fund("Building Fund", PublicName="Building")),
        Fund(rock.fund("Benevolence", GlCode="4400")),
        Fund(rock.fund("Bookstore", IsTaxDeductible=False)),
        Fund(rock.fund("Tower 2019 (closed)", IsActive=False, EndDate=date(church.last_day.year - 3, 6, 30))),
    ]
    church.funds = funds
