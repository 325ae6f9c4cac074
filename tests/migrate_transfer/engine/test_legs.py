"""What waits to be read back does not wait long: until then nothing of it is seen done."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from migrate_transfer.backends.memory import Memory, MemorySender
from migrate_transfer.core.backend import Meant, Page, Streams, all_meant
from migrate_transfer.core.control import Control
from migrate_transfer.engine.copier import TAKE, Copier, Rows
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
    rows = [Rows(transfer.ledger, 0, 10)]
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


class Again(Memory):
    """Shows each name so many `times`: so may a folder that is too large to be listed at once, and changes then."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._times = times

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
        for page in super().pages(cursor, meant):
            yield Page([*page.entries] * self._times, page.cursor)


@pytest.mark.parametrize("times", [2, 3, 5])
@pytest.mark.parametrize("move", [False, True])
def test_items_of_one_name_in_a_leg_have_an_outcome_each(tmp_path: Path, move: bool, times: int) -> None:
    """One stayed without, or all beyond the second, and the job was at its end."""
    source = Again(times)
    source.keep("a", b"-")
    work = Work(tmp_path, source)
    assert work.run(reread=True, delete_source=move).counts.done == times
