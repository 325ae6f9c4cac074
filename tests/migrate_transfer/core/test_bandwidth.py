"""How many bytes may go out: schedules with windows, a job's own limit, one bucket for all."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from migrate_transfer.core.bandwidth import Bucket, Schedule, Window

NIGHT = Window(time(18), time(6), frozenset(range(5)))
"""From Monday to Friday in the evening until the next morning."""


@pytest.mark.parametrize(
    ("moment", "full"),
    [
        ("2026-11-16 17:59", False),
        ("2026-11-16 18:00", True),
        ("2026-11-17 05:59", True),
        ("2026-11-17 06:00", False),
        ("2026-11-20 23:00", True),
        ("2026-11-21 05:00", True),
        ("2026-11-21 19:00", False),
        ("2026-11-22 05:00", False),
        ("2026-11-23 05:00", False),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_it_begins_on(moment: str, full: bool) -> None:
    schedule = Schedule((NIGHT,), 1_000.0)
    assert (schedule.rate(datetime.fromisoformat(moment).replace(tzinfo=UTC)) is None) is full


def test_the_hours_are_those_of_the_zone() -> None:
    schedule = Schedule((Window(time(18), time(20)),), 1_000.0, "America/Chicago")
    assert schedule.rate(datetime(2026, 11, 17, 0, 30, tzinfo=UTC)) is None
    assert schedule.rate(datetime(2026, 11, 16, 18, 30, tzinfo=UTC)) == 1_000.0


def test_several_windows() -> None:
    schedule = Schedule((Window(time(1), time(2)), Window(time(12), time(13))), 1.0)
    rates = [schedule.rate(datetime(2026, 11, 16, hour, 30, tzinfo=UTC)) for hour in (1, 5, 12)]
    assert rates == [None, 1.0, None]


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_average_is_the_limit_whatever_the_size() -> None:
    clock = Clock()
    bucket, sent = Bucket(1_000.0, clock=clock), 0
    while clock.now < 100.0:
        if (pause := bucket.delay()) > 0:
            clock.now += pause
            continue
        bucket.sent(700)
        sent += 700
    assert sent == pytest.approx(100_000, rel=0.02)


def test_no_limit_no_pause() -> None:
    bucket = Bucket()
    bucket.sent(10**12)
    assert bucket.delay() == 0.0


def test_a_window_that_opens_while_bytes_are_owed_opens_at_once() -> None:
    moment = datetime(2026, 11, 16, 17, 59, 59, tzinfo=UTC)
    moments = [moment]
    bucket = Bucket(schedule=Schedule((NIGHT,), 1.0), now=lambda: moments[0])
    bucket.sent(10**9)
    assert bucket.delay() == 1.0
    moments[0] = moment.replace(hour=18, minute=0)
    assert bucket.delay() == 0.0


def test_the_own_limit_goes_before_the_schedule() -> None:
    assert Bucket(5.0, Schedule((NIGHT,), 1.0)).rate == 5.0
