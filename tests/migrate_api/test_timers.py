"""Timers: due at their time, run by one replica, soon tried again, none held up by another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from threading import Event

import pytest

from migrate_api.database import Database
from migrate_api.timers import Timer, Timers


def test_a_daily_timer_is_due_after_its_time_of_day() -> None:
    timer = Timer("usage", lambda now: None, at=time(1, 15))
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert timer.due(None, noon)
    assert not timer.due(None, noon.replace(hour=1))
    assert not timer.due(noon, noon + timedelta(hours=13, minutes=14))
    assert timer.due(noon, noon + timedelta(hours=13, minutes=15))


def test_a_new_service_bills_at_the_time_of_day_too(database: Database) -> None:
    clock = datetime(2026, 11, 20, 1, 14, tzinfo=UTC)
    timers = Timers(database, [Timer("usage", lambda now: None, at=time(1, 15))], lambda: clock)
    assert timers.look() == []
    clock += timedelta(minutes=1)
    assert timers.look() == ["usage"]


def test_of_several_replicas_one_runs_a_timer(database: Database) -> None:
    runs: list[str] = []
    clock = datetime(2026, 11, 20, 12, tzinfo=UTC)
    timer = Timer("count", lambda now: runs.append("run"), every=timedelta(minutes=2))
    replicas = [Timers(database, [timer], lambda: clock) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda replica: replica.look(), replicas))
    assert runs == ["run"]
    clock += timedelta(minutes=2)
    assert [replica.look() for replica in replicas].count(["count"]) == 1


def test_a_timer_whose_replica_died_is_taken_over(database: Database) -> None:
    clock = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def die(now: datetime) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        Timers(database, [Timer("work", die, every=timedelta(seconds=5))], lambda: clock).look()
    other = Timers(database, [Timer("work", lambda now: None, every=timedelta(seconds=5))], lambda: clock)
    assert other.look() == []
    clock += timedelta(minutes=11)
    assert other.look() == ["work"]


def test_a_timer_that_breaks_does_not_stop_the_others(database: Database) -> None:
    def broken(now: datetime) -> None:
        raise KeyError("what nobody foresaw")

    runs: list[str] = []
    others = Timer("other", lambda now: runs.append("run"))
    Timers(database, [Timer("broken", broken), others]).look()
    assert runs == ["run"]


def test_a_timer_that_failed_is_soon_tried_again_by_any_replica(database: Database) -> None:
    clock, faults = datetime(2026, 11, 20, 12, tzinfo=UTC), [OSError()]

    def work(now: datetime) -> None:
        if faults:
            raise faults.pop()

    timer = Timer("work", work, every=timedelta(seconds=5))
    Timers(database, [timer], lambda: clock).look()
    other = Timers(database, [timer], lambda: clock)
    assert other.look() == []
    clock += timedelta(seconds=5)
    assert other.look() == ["work"]


def test_a_timer_that_fails_again_and_again_is_tried_ever_later(database: Database) -> None:
    clock, tried = datetime(2026, 11, 20, 12, tzinfo=UTC), []

    def work(now: datetime) -> None:
        tried.append((now - datetime(2026, 11, 20, 12, tzinfo=UTC)).seconds)
        raise OSError

    timers = Timers(database, [Timer("work", work, every=timedelta(seconds=5))], lambda: clock)
    for _ in range(80):
        timers.look()
        clock += timedelta(seconds=1)
    assert tried == [0, 5, 15, 35, 75]


def test_a_timer_that_takes_long_holds_up_no_other(database: Database) -> None:
    other_ran, end = Event(), Event()
    slow = Timer("slow", lambda now: bool(end.wait(30)) and None)
    other = Timer("other", lambda now: other_ran.set())
    with Timers(database, [slow, other]).running():
        assert other_ran.wait(10)
        end.set()
