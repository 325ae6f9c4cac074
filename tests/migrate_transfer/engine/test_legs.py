"""What waits to be read back does not wait long: until then nothing of it is seen done."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from migrate_transfer.backends.memory import Memory, MemoryReader, MemorySender
from migrate_transfer.core.backend import Content, Item, Meant, Page, Receipt, Streams, Upload, all_meant
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import Stopped, TargetError
from migrate_transfer.engine.copier import TAKE, Copier, Rows
from migrate_transfer.engine.passage import PIECE
from migrate_transfer.engine.transfer import Transfer
from tests.migrate_transfer.engine.work import Work, holding

FILES = {f"{number:03}": b"-" for number in range(2 * TAKE + 88)}


@dataclass
class Asked(Memory):
    """Notes how many of its objects are read back together."""

    together: list[int] = field(default_factory=list)

    def sender(self, streams: Streams, control: Control) -> MemorySender:
        return AskedSender(self, control)


class AskedSender(MemorySender):
    _memory: Asked

    def reread_all(self, keys: Iterator[str]) -> Iterator[tuple[str, str | Exception]]:
        wanted = list(keys)
        self._memory.together += [len(wanted)] if wanted else []
        yield from super().reread_all(iter(wanted))


def read_back(folder: Path, there: dict[str, bytes], seconds: float, *, reread: bool) -> list[int]:
    """How many objects are read back together where a leg lasts so long."""
    destination = Asked()
    for key, data in there.items():
        destination.keep(key, data)
    work = Work(folder, holding(FILES), destination)
    transfer = Transfer(folder, work.spec(reread=reread), work.source, destination)
    control, streams = Control(), Streams(1)
    transfer.scan(control)
    rows = [Rows(transfer.ledger, 0, 10, lanes=1)]
    sender = destination.sender(streams, control)
    Copier(
        work.source, destination, transfer.ledger, transfer.spec, rows, lambda: sender, control, leg_seconds=seconds
    ).run()
    assert transfer.ledger.totals().counts.pending == 0
    transfer.close()
    return destination.together


@pytest.mark.parametrize(("seconds", "together"), [(0.0, [TAKE, TAKE, 88]), (3_600.0, [len(FILES)])])
def test_what_was_copied_is_read_back_when_the_leg_is_over(tmp_path: Path, seconds: float, together: list[int]) -> None:
    assert read_back(tmp_path, {}, seconds, reread=True) == together


def test_what_is_in_doubt_is_read_when_the_leg_is_over(tmp_path: Path) -> None:
    assert read_back(tmp_path, FILES, 0.0, reread=False) == [TAKE, TAKE, 88]


@dataclass
class Read(Memory):
    """Its owner asks for a pause while it is read; notes how much was read."""

    control: Control = field(default_factory=Control)
    size: int = 0

    @contextmanager
    def open(self, item: Item) -> Iterator[ReadReader]:
        yield ReadReader(self, item.key)


class ReadReader(MemoryReader):
    _memory: Read

    def read(self, size: int) -> bytes:
        self._memory.control.stop("paused")
        self._memory.size += size
        return super().read(size)


def test_a_large_file_that_is_compared_is_not_waited_for_when_a_pause_is_asked_for(tmp_path: Path) -> None:
    """It was read to its end: for hours."""
    data = bytes(10 * PIECE)
    Work(tmp_path, holding(a=data), there := Memory()).run()
    work = Work(tmp_path, source := Read(), there)
    source.keep("a", data)
    with pytest.raises(Stopped, match="paused"):
        work.run("second", source.control)
    assert source.size <= 2 * PIECE
    assert work.outcomes("second") == {"a": "in_flight"}


@dataclass
class Often(Memory):
    """Shows each name so often: so does a folder that is too large to be listed at once, and changes meanwhile."""

    times: int = 2

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
        for page in super().pages(cursor, meant):
            yield Page([*page.entries] * self.times, page.cursor)


@pytest.mark.parametrize("times", [2, 4])
@pytest.mark.parametrize("move", [False, True])
def test_items_of_one_name_in_a_leg_have_an_outcome_each(tmp_path: Path, move: bool, times: int) -> None:
    """One stayed without, or all but two, and the job was at its end."""
    source = Often(times=times)
    source.keep("a", b"-")
    work = Work(tmp_path, source)
    assert work.run(reread=True, delete_source=move).counts.done == times


class Silent(Memory):
    """Says nothing of what is put."""

    def sender(self, streams: Streams, control: Control) -> MemorySender:
        class Sends(MemorySender):
            def put_all(self, contents: Iterator[Content]) -> Iterator[tuple[Upload, Receipt | Exception]]:
                yield from ()
                assert list(contents)

        return Sends(self, control)


def test_no_job_ends_well_while_an_item_has_no_outcome(tmp_path: Path) -> None:
    with pytest.raises(TargetError):
        Work(tmp_path, holding(a=b"-"), Silent()).run()
