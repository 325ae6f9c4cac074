"""A job that was killed between the steps of one item: what its next attempt may lean on, and what it says."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.backends.memory import Memory, MemorySender
from migrate_transfer.core.backend import Item, Meant, Page, Streams, Tier, all_meant
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import Stopped
from tests.migrate_transfer.engine.work import Work, holding


class Cut(LocalSource):
    """The job ends when it has deleted `last`."""

    last = "a"

    def delete(self, item: Item) -> None:
        super().delete(item)
        if item.key == self.last:
            raise Stopped("paused")


class Unread(Memory):
    """The job ends before anything is read back."""

    def sender(self, streams: Streams, control: Control) -> MemorySender:
        class Ending(MemorySender):
            def reread_all(self, keys: Iterator[str]) -> Iterator[tuple[str, str | Exception]]:
                for _ in keys:
                    raise Stopped("paused")
                yield from ()

        return Ending(self, control)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "source"
    made.mkdir()
    (made / "a").write_bytes(b"one")
    return made


def cut(work: Work, **options: Any) -> None:
    with pytest.raises(Stopped):
        work.run(delete_source=True, **options)


def test_a_source_deleted_for_somebody_elses_equal_object_is_no_failure(tmp_path: Path, folder: Path) -> None:
    work = Work(tmp_path, Cut(folder), holding(a=b"one"))
    cut(work)
    work.run(delete_source=True)
    assert work.outcomes(delete_source=True) == {"a": "unchanged"}


def test_a_source_that_was_touched_before_it_was_sent_and_deleted_is_no_failure(tmp_path: Path, folder: Path) -> None:
    class Touched(Cut):
        def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
            yield from super().pages(cursor, meant)
            os.utime(folder / "a", ns=(7, 7))

    work = Work(tmp_path, Touched(folder))
    cut(work)
    work.run(delete_source=True)
    assert work.outcomes(delete_source=True) == {"a": "done"}


def test_what_somebody_archived_before_it_was_read_back_keeps_its_source(tmp_path: Path, folder: Path) -> None:
    there = Unread()
    work = Work(tmp_path, LocalSource(folder), there, kind="archive")
    cut(work, tier="archive")
    there.objects["a"].tier = "archive"
    work.destination = Memory(there.objects)
    work.run(delete_source=True, tier="archive")
    assert work.outcomes(delete_source=True, tier="archive") == {"a": "DESTINATION_ARCHIVED"}
    assert (folder / "a").exists()


class Proven(Memory):
    """The job ends when all is proven, and nothing is archived yet."""

    def sender(self, streams: Streams, control: Control) -> MemorySender:
        class Ending(MemorySender):
            def tier_all(self, keys: Iterator[str], tier: Tier) -> Iterator[tuple[str, Exception | None]]:
                for _ in keys:
                    raise Stopped("paused")
                yield from ()

        return Ending(self, control)


@pytest.mark.parametrize("delete_source", [True, False])
def test_what_was_proven_and_not_archived_is_archived_though_its_source_went(
    tmp_path: Path, folder: Path, delete_source: bool
) -> None:
    there = Proven()
    options: dict[str, Any] = {"delete_source": delete_source}
    work = Work(tmp_path, LocalSource(folder), there, "archive")
    with pytest.raises(Stopped):
        work.run(tier="archive", **options)
    (folder / "a").unlink()
    work.destination = Memory(there.objects)
    work.run(tier="archive", **options)
    assert (work.outcomes(tier="archive", **options), there.objects["a"].tier) == ({"a": "done"}, "archive")
