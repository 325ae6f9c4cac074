"""A source that goes while its file is at work: what lies at the destination counts as it only where it may be it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from migrate_transfer.backends.memory import Memory, MemoryReader
from migrate_transfer.core.backend import Item
from tests.migrate_transfer.engine.work import Work, contents, holding


class Vanishing(Memory):
    """What was read once is gone."""

    @contextmanager
    def open(self, item: Item) -> Iterator[MemoryReader]:
        with super().open(item) as reader:
            yield reader
        del self.objects[item.key]


def test_what_was_to_be_replaced_is_not_what_is_gone_though_size_and_time_are_alike(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one"))
    work.run()
    work.source = Vanishing()
    work.source.keep("a", b"two")
    work.run("second", delete_source=True)
    assert work.outcomes("second", delete_source=True) == {"a": "SOURCE_GONE"}
    assert contents(work.destination) == {"a": b"one"}
