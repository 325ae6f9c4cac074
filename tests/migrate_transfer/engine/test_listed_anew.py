"""A destination that failed under a job is listed anew, and the source is not: each item stays in the books once."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from threading import Barrier

import pytest

from migrate_transfer.backends.memory import Memory, MemorySender
from migrate_transfer.core.backend import Content, Features, Meant, Oddity, Page, Receipt, Streams, Upload, all_meant
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import ConnectionLost, Stopped, TargetError
from migrate_transfer.engine.copier import SMALL
from tests.migrate_transfer.engine.work import Work, contents, holding

SHUT = Oddity("z", "failed", "SOURCE_DENIED", "It may not be read.", folder=True)


class Shut(Memory):
    """The last folder that is listed cannot be read: no cursor leads behind it."""

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
        yield from super().pages(cursor, meant)
        yield Page([SHUT], None)


class Absent(Memory):
    """The container is gone as soon as something is put."""

    def sender(self, streams: Streams, control: Control) -> MemorySender:
        raise TargetError("It is gone.")


class Failing(Memory):
    """One thread finds the network away, and then another the container gone, with all that was put there."""

    def __init__(self) -> None:
        super().__init__()
        self.both = Barrier(2)

    def sender(self, streams: Streams, control: Control) -> MemorySender:
        memory, both = self, self.both

        class Broken(MemorySender):
            def put_all(self, contents: Iterator[Content]) -> Iterator[tuple[Upload, Receipt | Exception]]:
                yield from ()
                size = next(contents).upload.item.size
                both.wait(60)
                if size == 1:
                    raise ConnectionLost("The network is away.")
                with pytest.raises(Stopped):
                    control.wait(60)
                memory.objects.clear()
                raise TargetError("It is gone.")

        return Broken(self, control)


def test_a_container_that_is_gone_is_doubted_though_the_network_was_away_first(tmp_path: Path) -> None:
    """What had been put into it counted as done, and was nowhere."""
    source = holding(a=b"1", b=bytes(SMALL + 1))
    source.features = Features(lanes=2)
    work = Work(tmp_path, source, Failing())
    with pytest.raises(TargetError):
        work.run()
    with work.books() as ledger:
        assert ledger.fact("destination_listed") is None


def test_what_no_cursor_leads_behind_is_not_entered_again(tmp_path: Path) -> None:
    source = Shut()
    source.keep("a", b"one")
    work = Work(tmp_path, source, Absent())
    with pytest.raises(TargetError):
        work.run()
    work.destination = Memory()
    assert work.run().counts.discovered == 2
    assert work.outcomes() == {"a": "done", "z": "SOURCE_DENIED"}


class Emptied(Memory):
    """The container is deleted when a sync is about to remove something."""

    def sender(self, streams: Streams, control: Control) -> MemorySender:
        class Removing(MemorySender):
            def delete_all(self, objects: Iterator[tuple[str, str]]) -> Iterator[tuple[str, Exception | None]]:
                for _ in objects:
                    self._memory.objects.clear()
                    raise TargetError("It is gone.")
                yield from ()

        return Removing(self, control)


def test_what_went_with_its_container_at_the_end_of_a_pass_is_sent_by_that_pass(tmp_path: Path) -> None:
    source = holding(a=b"one", b=b"two")
    work = Work(tmp_path, source, Emptied(), "sync")
    work.run(passes=1, deletions=True)
    del source.objects["b"]
    with pytest.raises(TargetError):
        work.run(passes=1, deletions=True)
    work.destination = Memory()
    work.run(passes=1, deletions=True)
    assert contents(work.destination) == {"a": b"one"}
