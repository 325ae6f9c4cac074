"""A forecast is a range that the truth lies in, and what is there already lowers it."""

from __future__ import annotations

import math
from datetime import time
from pathlib import Path
from random import Random

import pytest

from migrate_transfer.backends.memory import Memory
from migrate_transfer.core.bandwidth import MEGABIT, Bucket, Schedule, Window
from migrate_transfer.core.control import Control
from migrate_transfer.engine.transfer import Transfer
from migrate_transfer.forecast import KEPT, Speed, dollars, forecast, recall, remember
from migrate_transfer.job import FileJob
from migrate_transfer.spec import TransferSpec
from tests.migrate_transfer.engine.work import holding

GB = 10**9


LINE = Speed(1e6, 10.0)
"""Of a transfer whose files had 100 kB in the mean."""


def test_one_measurement_is_half_to_twice_as_fast() -> None:
    hours = forecast((360_000, 360_000), (36 * GB, 36 * GB), [LINE], Bucket()).hours
    assert (hours.low, hours.likely, hours.high) == pytest.approx((5.0, 10.0, 20.0))


def test_a_file_counts_as_well_as_its_bytes() -> None:
    """As many bytes in ten times as many files take longer, and not ten times as long."""
    few, many = (forecast((n, n), (GB, GB), [LINE], Bucket()).hours.likely for n in (10_000, 100_000))
    assert 2 < many / few < 10


@pytest.mark.parametrize("files", [10, 1_000, 1_000_000])
def test_what_is_unlike_the_last_transfer_has_wider_bounds(files: int) -> None:
    """Were all of that one's time for its bytes, or all for its files, it would be within them."""
    hours = forecast((files, files), (GB, GB), [LINE], Bucket()).hours
    assert hours.low <= min(GB / 1e6, files / 10) / 3_600 <= hours.likely
    assert hours.likely <= max(GB / 1e6, files / 10) / 3_600 <= hours.high


@pytest.mark.parametrize("spread", [0.1, 0.3])
@pytest.mark.parametrize("count", [2, 3, 5, 20])
def test_nine_in_ten_of_the_next_lie_within_the_bounds(spread: float, count: int) -> None:
    """Lines whose speed varies by such a share: whatever was measured, the next one is compared with it."""
    chance, within = Random(3), 0
    for _ in range(200):
        *speeds, after = (math.exp(chance.gauss(0, spread)) for _ in range(count + 1))
        hours = forecast((1, 1), (GB, GB), [Speed(1e6 * one, 1e-3 * one) for one in speeds], Bucket()).hours
        within += hours.low <= GB / 1e6 / 3_600 / after <= hours.high
    assert within >= 170


def test_what_was_measured_often_narrows_the_bounds() -> None:
    def width(speeds: list[Speed]) -> float:
        hours = forecast((1, 1), (GB, GB), speeds, Bucket()).hours
        return hours.high / hours.low

    alike = [Speed(1e6 * factor, 1e-3 * factor) for factor in (0.9, 1.0, 1.1, 1.0, 0.95, 1.05)]
    assert width(alike) < 1.5 < width(alike[:1]) == pytest.approx(4.0)


def test_two_that_have_nothing_to_do_with_each_other_give_wide_and_finite_bounds() -> None:
    hours = forecast((1, 1), (GB, GB), [Speed(1e3, 1e-6), Speed(1e9, 1.0)], Bucket()).hours
    assert 100 <= hours.high / hours.likely < 1e4


def test_without_measurements_the_bounds_are_those_of_ordinary_lines() -> None:
    hours = forecast((1, 1), (36 * GB, 36 * GB), [], Bucket()).hours
    assert (hours.low, hours.likely, hours.high) == pytest.approx((0.08, 0.8, 8.0), rel=0.01)


def test_empty_files_take_time_too() -> None:
    hours = forecast((1_000, 1_000), (0, 0), [LINE], Bucket()).hours
    assert 0 < hours.low < hours.likely < hours.high


def test_nothing_takes_no_time() -> None:
    hours = forecast((0, 0), (0, 0), [LINE], Bucket()).hours
    assert (hours.low, hours.likely, hours.high) == (0.0, 0.0, 0.0)


def test_what_seems_to_be_there_is_left_out_of_the_lower_bound() -> None:
    found = forecast((10, 100), (GB, 5 * GB), [], Bucket())
    assert (found.files.low, found.files.high, found.measured) == (10, 100, False)
    assert (found.as_dict()["usd"]["low"], found.as_dict()["usd"]["high"]) == ("0.40", "2.00")


def test_a_limit_bounds_the_speed() -> None:
    hours = forecast((1, 1), (36 * GB, 36 * GB), [Speed(1e9, 1.0)], Bucket(8 * MEGABIT)).hours
    assert hours.likely == pytest.approx(10.0)


def test_a_schedule_counts_by_its_hours() -> None:
    """Half of the day at full speed, half at a tenth of it."""
    line = Bucket(schedule=Schedule((Window(time(18), time(6)),), 1e6))
    hours = forecast((1, 1), (36 * GB, 36 * GB), [Speed(1e7, 1e-3)], line).hours
    assert hours.likely == pytest.approx(1 / 0.55, rel=0.001)


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


def remembered(folder: Path, mbps: float | None = None) -> list[Speed]:
    """After a job of three files that took 100 seconds, where a second one finds one changed."""
    here, there = holding(a=b"one", b=b"two", c=b"three"), Memory()
    for name in ("first", "second"):
        transfer = Transfer(folder / name, TransferSpec("copy", "here", "there"), here, there)
        transfer.ledger.note("seconds", "100")
        FileJob(transfer, Bucket(mbps * MEGABIT if mbps else None)).run(Control())
        transfer.close()
        here.keep("a", b"changed")
    return recall(folder / "speeds.json")


def test_a_transfer_that_mostly_found_things_there_says_nothing_of_the_line(tmp_path: Path) -> None:
    assert [round(one.files, 2) for one in remembered(tmp_path)] == [0.03]


def test_a_transfer_that_was_held_back_says_nothing_of_the_line(tmp_path: Path) -> None:
    assert remembered(tmp_path, mbps=1_000) == []


def test_a_full_disk_costs_a_measurement_and_not_the_job(tmp_path: Path) -> None:
    remember(tmp_path / "not there" / "speeds.json", 10, 10, 10.0)
    assert recall(tmp_path / "not there" / "speeds.json") == []
