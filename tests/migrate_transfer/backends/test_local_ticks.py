"""A file changed twice in one tick of the file system's clock has one time for two contents."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from migrate_transfer.backends.local.files import COARSE_TICK, TICK, settled
from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.core.backend import Item
from migrate_transfer.core.errors import ItemError


def written(at: int) -> os.stat_result:
    """A file that was changed then, in nanoseconds."""
    seconds = at / 1e9
    return os.stat_result([0] * 7 + [at // 10**9] * 3 + [seconds] * 3 + [at] * 3)


def test_a_file_just_written_is_opened_when_its_next_change_would_show(tmp_path: Path) -> None:
    source = LocalSource(tmp_path)
    (tmp_path / "a").write_bytes(b"-")
    with source.open(Item("a", 1, 0, "")) as reader:
        assert time.time_ns() - int(reader.item.version.partition(".")[0]) >= TICK


def test_whole_seconds_are_a_coarse_clock() -> None:
    now = time.time_ns() // 10**9 * 10**9
    found = settled(lambda: written(now))
    assert time.time_ns() - found.st_ctime_ns >= COARSE_TICK


def test_a_file_that_is_written_without_a_pause_is_an_error() -> None:
    with pytest.raises(ItemError) as caught:
        settled(lambda: written(time.time_ns() | 1))
    assert caught.value.error_code == "SOURCE_CHANGED"


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_clock_of_a_share_that_is_hours_off_says_nothing(hours: int) -> None:
    looks = iter([written(time.time_ns() + hours * 3_600 * 10**9)])
    assert settled(lambda: next(looks))
