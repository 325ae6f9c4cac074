"""How many threads read a source that keeps them waiting, and what each of them takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier

import pytest

from migrate_transfer.backends.memory import Memory, MemoryReader
from migrate_transfer.core.backend import Features, Item
from migrate_transfer.engine.copier import TAKE, TAKE_BYTES
from tests.migrate_transfer.engine.work import Work

LANES = 4


@dataclass
class Waiting(Memory):
    """A source on the network: a file is opened only when so many are to be opened at once."""

    crowd: Barrier = field(default_factory=lambda: Barrier(LANES))
    features: Features = field(default_factory=lambda: Features(lanes=LANES, small_lanes=LANES))

    @contextmanager
    def open(self, item: Item) -> Iterator[MemoryReader]:
        self.crowd.wait(timeout=20)
        with super().open(item) as reader:
            yield reader


@pytest.mark.parametrize(("count", "size"), [(TAKE, 1), (LANES, TAKE_BYTES // LANES)])
def test_what_is_left_is_read_by_all_threads(tmp_path: Path, count: int, size: int) -> None:
    """Before, one of them took the last 256 files, or the last 16 MiB."""
    source = Waiting()
    for number in range(count):
        source.keep(f"{number}", b"-" * size)
    assert Work(tmp_path, source).run(concurrency=LANES).counts.done == count


def test_no_more_threads_read_than_transfers_are_allowed(tmp_path: Path) -> None:
    source = Waiting(crowd=Barrier(2))
    for number in range(TAKE):
        source.keep(f"{number}", b"-")
    assert Work(tmp_path, source).run(concurrency=2).counts.done == TAKE
