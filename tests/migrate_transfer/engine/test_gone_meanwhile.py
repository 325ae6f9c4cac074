"""A source that goes while its file is at work: what lies at the destination counts as it only where it may be it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from migrate_transfer.backends.memory import Memory, MemoryReader
from migrate_transfer.core.backend import Item
from tests.migrate_transfer.engine.work import Work, contents, holding

ARCHIVED: dict[str, Any] = {"tier": "archive", "delete_source": True}


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
    work.source = Vanishing(holding(a=b"two").objects)
    work.run("second", delete_source=True)
    assert work.outcomes("second", delete_source=True) == {"a": "SOURCE_GONE"}
    assert contents(work.destination) == {"a": b"one"}


def test_what_was_archived_and_deleted_before_its_item_was_claimed_is_there(tmp_path: Path) -> None:
    """A power cut takes the last words of the books, and not what was done by them."""
    work = Work(tmp_path, holding(a=b"one"), kind="archive")
    work.scan("second", **ARCHIVED)
    work.run(**ARCHIVED)
    work.run("second", **ARCHIVED)
    assert work.outcomes("second", **ARCHIVED) == {"a": "unchanged"}
