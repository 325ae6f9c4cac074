"""A forecast is a range that the truth lies in, and what is there already lowers it."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from migrate_transfer.core.bandwidth import MEGABIT, Bucket, Schedule, Window
from migrate_transfer.forecast import KEPT, Speed, dollars, forecast, recall, remember

GB = 10**9


def test_bytes_decide_for_large_files_and_files_for_small_ones() -> None:
    large = forecast((1, 1), (36 * GB, 36 * GB), [Speed(1e6, 10.0)], Bucket())
    small = forecast((36_000, 36_000), (1, 1), [Speed(1e6, 10.0)], Bucket())
    assert (large.hours.likely, small.hours.likely) == (10.0, 1.0)


def test_one_measurement_is_half_to_twice_as_fast() -> None:
    hours = forecast((1, 1), (36 * GB, 36 * GB), [Speed(1e7, 10.0)], Bucket()).hours
    assert (hours.low, hours.likely, hours.high) == (0.5, 1.0, 2.0)


def test_what_seems_to_be_there_is_left_out_of_the_lower_bound() -> None:
    found = forecast((10, 100), (GB, 5 * GB), [], Bucket())
    assert (found.files.low, found.files.high, found.measured) == (10, 100, False)
    assert (found.as_dict()["usd"]["low"], found.as_dict()["usd"]["high"]) == ("0.40", "2.00")


def test_a_limit_bounds_the_speed() -> None:
    assert forecast((1, 1), (36 * GB, 36 * GB), [Speed(1e9, 1e9)], Bucket(8 * MEGABIT)).hours.likely == 10.0


def test_a_schedule_counts_by_its_hours() -> None:
    """Half of the day at full speed, half at a tenth of it."""
    line = Bucket(schedule=Schedule((Window(time(18), time(6)),), 1e6))
    hours = forecast((1, 1), (36 * GB, 36 * GB), [Speed(1e7, 1e9)], line).hours
    assert hours.likely == pytest.approx(1 / 0.55)


def test_dollars_are_rounded_half_up_to_the_cent() -> None:
    assert (dollars(12_500_000), dollars(12_499_999), dollars(0)) == ("0.01", "0.00", "0.00")


def test_the_last_transfers_are_remembered(tmp_path: Path) -> None:
    file = tmp_path / "speeds.json"
    assert recall(file) == []
    for number in range(KEPT + 5):
        remember(file, 100 * number, 1_000, 10.0)
    assert len(recall(file)) == KEPT
    assert recall(file)[-1] == Speed(100.0, 10.0 * (KEPT + 4))


def test_a_short_transfer_or_a_damaged_file_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "speeds.json"
    remember(file, 10, 10, 1.0)
    assert recall(file) == []
    file.write_text('[["x", 1]]')
    assert recall(file) == []
