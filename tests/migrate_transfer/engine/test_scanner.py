"""A scan enters each thing once, however the pages of the listing fall and wherever it was killed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.core.backend import Item, Meant, Oddity, Page, all_meant
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import SourceError, Stopped
from migrate_transfer.core.plan import Filters
from migrate_transfer.engine.scanner import SLICE, together
from migrate_transfer.engine.transfer import Transfer
from tests.migrate_transfer.engine.work import Work

FILTERS = Filters(exclude=("*.tmp",))
SIZES = st.lists(st.tuples(st.sampled_from([0, 1, SLICE - 1, SLICE, 2 * SLICE]), st.booleans()), max_size=8)


@given(SIZES)
def test_pages_that_are_entered_together_hold_what_is_before_their_cursor_and_nothing_else(
    sizes: list[tuple[int, bool]],
) -> None:
    number, pages, before = 0, list[Page](), dict[str | None, int]()
    for page, (size, whole) in enumerate(sizes):
        pages.append(Page([Item(str(number + n), 0, 0, "") for n in range(size)], str(page) if whole else None))
        number += size
        before[pages[-1].cursor] = number
    entered = 0
    for found in together(pages, Control()):
        assert [entry.key for entry in found.entries] == [str(entered + n) for n in range(len(found.entries))]
        entered += len(found.entries)
        assert found.cursor is None or before[found.cursor] == entered
    assert entered == number


def test_small_pages_are_entered_together() -> None:
    pages = [Page([Item(str(number), 0, 0, "")], str(number)) for number in range(SLICE + 1)]
    assert [len(page.entries) for page in together(pages, Control())] == [SLICE, 1]


def test_a_stop_is_heard_between_any_two_pages() -> None:
    control = Control()

    def pages() -> Iterator[Page]:
        yield Page([], "a")
        control.stop("paused")
        yield Page([], "b")

    with pytest.raises(Stopped):
        list(together(pages(), control))


@dataclass
class Dying(LocalSource):
    """A disk that is gone after so many pages."""

    root_path: Path
    left: int

    def __post_init__(self) -> None:
        LocalSource.__init__(self, self.root_path)

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Iterator[Page]:
        for page in super().pages(cursor, meant):
            self.left -= 1
            if self.left < 0:
                raise SourceError("Gone.")
            yield page


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders that are large enough to be entered by themselves, between small ones."""
    made = tmp_path_factory.mktemp("source")
    for name, count in (("a", 2), ("a/b", SLICE), ("a/b/c", 1), ("d", SLICE + 1), ("e/f", 3), ("g", SLICE)):
        (made / name).mkdir(parents=True)
        for number in range(count):
            (made / name / f"{number}.{'tmp' if number % 2 else 'txt'}").touch()
    (made / "link").symlink_to(made)
    return made


def scanned(work: Work) -> list[tuple[str, str]]:
    """The books after a scan that goes to its end."""
    transfer = Transfer(work.folder / "job", work.spec(filters=FILTERS), work.source, work.destination)
    try:
        transfer.scan(Control())
        return [(entry.key, entry.code or entry.outcome) for entry in transfer.ledger.entries()]
    finally:
        transfer.close()


@pytest.mark.parametrize("left", range(8))
def test_a_scan_that_was_killed_enters_the_rest_once_and_in_order(tmp_path: Path, folder: Path, left: int) -> None:
    killed = Work(tmp_path / "killed", Dying(folder, left))
    with pytest.raises(SourceError):
        scanned(killed)
    with killed.books("job", filters=FILTERS) as ledger:
        assert ledger.scan_begins() is not None or left < 3
    killed.source = LocalSource(folder)
    assert scanned(killed) == scanned(Work(tmp_path / "whole", LocalSource(folder)))


def test_what_is_left_out_is_entered_where_it_was_listed(tmp_path: Path) -> None:
    entries = [Item("a", 1, 1, "1"), Oddity("b", "skipped", "link", ""), Item("c", 1, 1, "1")]
    work = Work(tmp_path)
    with work.books() as ledger:
        ledger.scan_begins()
        ledger.enter(entries, "")
        assert [(entry.key, entry.outcome) for entry in ledger.entries()] == [
            ("a", "pending"),
            ("b", "skipped"),
            ("c", "pending"),
        ]
