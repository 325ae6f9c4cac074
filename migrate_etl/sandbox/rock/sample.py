"""make_sample: a whole sample Rock database in one call, with the truth about it beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from random import Random

from migrate_etl.sandbox.rock import dirty_gifts, dirty_groups, dirty_meetings, dirty_people
from migrate_etl.sandbox.rock.build import Rock, empty_rock
from migrate_etl.sandbox.rock.church import Church, places_and_funds
from migrate_etl.sandbox.rock.counting import truth_of
from migrate_etl.sandbox.rock.dirt import Plants
from migrate_etl.sandbox.rock.gatherings import Gatherings, prayers
from migrate_etl.sandbox.rock.groups import groups
from migrate_etl.sandbox.rock.households import households
from migrate_etl.sandbox.rock.offerings import Offerings
from migrate_etl.sandbox.rock.schema import CURRENT
from migrate_etl.sandbox.rock.truth import Truth
from migrate_transfer.core.errors import InvalidRequest

LAST_DAY = date(2026, 10, 31)
LEAST = 12
"""A church of fewer people has no groups to speak of."""


def make_sample(
    target: str | Path,
    people: int = 500,
    seed: int = 1,
    *,
    gifts: int | None = None,
    attendances: int | None = None,
    years: int = 6,
    last_day: date = LAST_DAY,
    release: str = CURRENT,
    dirt: bool = True,
) -> Truth:
    """Write a sample Rock database to a new SQLite file or an empty database named by a SQLAlchemy URL.

    `gifts` counts ordinary gifts (headers; one in eight is split), by default ten a person, `attendances` rows, by
    default fifteen a person; the dirt, refunds and event payments come on top. The same arguments make the same
    database. A SQLite file appears when it is complete, with its truth beside it (`<name>.truth.json`).
    Raises InvalidRequest where the file is there already or the sizes make no church.
    """
    if people < LEAST or years < 1 or min(gifts or 0, attendances or 0) < 0:
        raise InvalidRequest(
            f"No church has {people} people in {years} years.", remedy=f"Ask for {LEAST} people and one year at least."
        )
    with sample_database(target, release) as rock:
        first_day = last_day - timedelta(days=365 * years)
        gifts, attendances = _or(gifts, people * 10), _or(attendances, people * 15)
        church = Church(rock, Random(seed), people, gifts, attendances, first_day, last_day)
        _live(church)
        planted = plant_dirt(rock, church.campuses[:3], last_day.year) if dirt else {}
    return record_truth(target, planted)


def _or(given: int | None, usual: int) -> int:
    return usual if given is None else given


def _live(church: Church) -> None:
    places_and_funds(church)
    households(church)
    groups(church)
    offerings = Offerings(church)
    offerings.write()
    offerings.pledges()
    Gatherings(church).write()
    prayers(church)


def plant_dirt(rock: Rock, campuses: Sequence[int], year: int) -> dict[str, list[int]]:
    """All of it, on an empty Rock or a whole church; `year` is the last of the church's own. Kind -> ids.

    `campuses` has two open ones at least; the last is the one that was closed.
    """
    plants = Plants(rock, campuses, year)
    for part in (dirty_people, dirty_groups, dirty_gifts, dirty_meetings):
        part.plant(plants)
    return plants.planted


@contextmanager
def sample_database(target: str | Path, release: str) -> Iterator[Rock]:
    """An empty Rock to fill; a SQLite file gets its name at the end, so that half a database never has it."""
    path = sqlite_path(target)
    if path is None:
        with empty_rock(target, release, indexes=False) as rock:
            yield rock
            rock.build_indexes()
        return
    if path.exists():
        raise InvalidRequest(f"{path} is there already.", remedy="Remove it or name another file.")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        with empty_rock(partial, release, indexes=False) as rock:
            yield rock
            rock.build_indexes()
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def record_truth(target: str | Path, planted: dict[str, list[int]]) -> Truth:
    """Count the finished database; beside a SQLite file the truth is written down too."""
    path = sqlite_path(target)
    truth = truth_of(target)
    truth.planted.update(planted)
    if path is not None:
        path.with_name(f"{path.stem}.truth.json").write_text(truth.to_json())
    return truth


def sqlite_path(target: str | Path) -> Path | None:
    """The file of a SQLite database, None for any other."""
    text = str(target)
    if "://" not in text:
        return Path(text)
    return Path(text.removeprefix("sqlite:///")) if text.startswith("sqlite:///") else None
