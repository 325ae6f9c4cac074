"""Time itself misbehaving: hours that a zone does not have, clocks set back, two runs at the same time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.sandbox.rock import empty_rock
from migrate_etl.spec import EntityName
from migrate_transfer.core.errors import AlreadyRunning
from tests.journeys.church import KEY, Church, end, outcomes

GAP = datetime(2024, 3, 10, 2, 30)
TWICE = datetime(2024, 11, 3, 1, 30)
MIDNIGHT = datetime(2024, 1, 1)
GIFTS: tuple[EntityName, ...] = ("people", "contributions")


@pytest.fixture
def chicago(tmp_path: Path) -> Iterator[Church]:
    """A church with three gifts: in the hour that was left out, in the hour that came twice, at New Year's midnight."""
    with empty_rock(tmp_path / "rock.sqlite") as rock:
        giver = rock.alias_of(rock.person())
        for when in (GAP, TWICE, MIDNIGHT):
            rock.gift(1000, when, giver)
    with MissionSandbox.start(tmp_path / "mission", "grace", KEY) as mission:
        yield Church(tmp_path / "jobs", f"sqlite:///{tmp_path}/rock.sqlite", mission)


def test_an_hour_left_out_moves_forward_and_of_one_that_came_twice_it_is_the_first(chicago: Church) -> None:
    with chicago.job() as job:
        proof = job.run()
    assert chicago.mission.sql("SELECT date FROM contributions ORDER BY external_id") == [
        ("2024-03-10T03:30:00-05:00",),
        ("2024-11-03T01:30:00-05:00",),
        ("2024-01-01T00:00:00-06:00",),
    ]
    assert proof.verification is not None
    assert (proof.verification.scope_match, proof.verification.financial_match) == (True, True)


def test_a_day_that_an_island_left_out_is_no_variance(tmp_path: Path) -> None:
    with empty_rock(tmp_path / "rock.sqlite") as rock:
        rock.gift(1000, datetime(2011, 12, 30, 10), rock.alias_of(rock.person()))
    with MissionSandbox.start(tmp_path / "mission", "grace", KEY) as mission:
        apia = Church(tmp_path / "jobs", f"sqlite:///{tmp_path}/rock.sqlite", mission)
        with apia.job(time_zone="Pacific/Apia") as job:
            proof = job.run()
        assert mission.sql("SELECT date FROM contributions") == [("2011-12-31T10:00:00+14:00",)]
    assert proof.verification is not None
    assert (proof.verification.scope_match, proof.verification.clean) == (True, True)


def test_a_zone_that_changes_between_runs_moves_no_gift_to_another_day(chicago: Church) -> None:
    for name, zone in (("first", "America/Chicago"), ("second", "Pacific/Kiritimati")):
        with chicago.job(name, time_zone=zone) as job:
            job.run()
        days = chicago.mission.sql("SELECT substr(date, 1, 10) FROM contributions ORDER BY external_id")
        assert days == [("2024-03-10",), ("2024-11-03",), ("2024-01-01",)]


def test_files_from_the_future_end_no_lease_and_keep_none(chicago: Church) -> None:
    """A clock that was set back leaves everything with dates to come."""
    with chicago.job() as job:
        job.scan()
        job.extract("people", [None])
    for file in chicago.folder.rglob("*"):
        os.utime(file, (4_000_000_000, 4_000_000_000))
    with chicago.job() as job, job.ledger.lease("people"), chicago.job() as other, pytest.raises(AlreadyRunning):
        other.map("people", [None])
    with chicago.job() as job:
        job.run()
        assert all(pending == 0 for *_, pending in outcomes(job).values())


def test_a_second_run_on_the_same_part_is_refused_and_the_first_goes_on(church: Church) -> None:
    workspace = church.workspace(entities=GIFTS)
    church.mission.fault("slow", milliseconds=300, times=None)
    first = church.attempt(workspace)
    assert first.stdout is not None
    while not first.stdout.readline().startswith("map people"):
        pass
    second = church.attempt(workspace)
    told = [end(second)[-1], end(first)[-1]]
    assert sorted(told) == ["ALREADY_RUNNING", "completed"]
    with church.job(entities=GIFTS) as job:
        assert all(pending == 0 for *_, pending in outcomes(job).values())


def test_two_runs_on_different_parts_share_one_job(church: Church) -> None:
    with church.job() as one, church.job() as other:
        one.scan()
        with one.ledger.lease("people"):
            assert other.extract("families", [None])[0].rows == other.plan.count("families", None)
            with pytest.raises(AlreadyRunning):
                other.extract("people", [None])
