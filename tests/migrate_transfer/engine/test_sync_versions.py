"""What a sync reads again, though size and time are as they were: names exchanged, times set back, files restored."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from migrate_transfer.backends.local.source import LocalReader, LocalSource
from migrate_transfer.backends.memory import Memory, MemorySender
from migrate_transfer.core.backend import Features, Item, Streams
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import ItemError
from tests.migrate_transfer.engine.work import Work, contents

TIME = 1_700_000_000 * 10**9


@dataclass
class Kept(LocalSource):
    """A folder that writes down which files are opened, and refuses to open some."""

    folder: Path
    opened: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        LocalSource.__init__(self, self.folder)

    @contextmanager
    def open(self, item: Item) -> Iterator[LocalReader]:
        self.opened.append(item.key)
        if item.key in self.refused:
            raise ItemError("No.", code="SOURCE_DENIED")
        with LocalSource.open(self, item) as reader:
            yield reader


@dataclass
class Synced(Work):
    """A sync of a folder, pass by pass."""

    source: Kept = None  # type: ignore[assignment]

    @property
    def files(self) -> Path:
        return self.source.folder

    def write(self, name: str, data: bytes) -> None:
        """All files have the same time."""
        (self.files / name).write_bytes(data)
        os.utime(self.files / name, ns=(TIME, TIME))

    def sync(self, **options: object) -> tuple[int, int, int, list[str]]:
        """One pass: items done, unchanged and failed, and what was read for it."""
        self.source.opened.clear()
        totals = self.run(passes=1, **options)
        counts = totals.counts
        return counts.done, counts.unchanged, counts.failed, sorted(self.source.opened)

    def same(self) -> bool:
        """Whether the destination has what the folder has."""
        return contents(self.destination) == {path.name: path.read_bytes() for path in self.files.iterdir()}


@pytest.fixture
def synced(tmp_path: Path) -> Synced:
    (tmp_path / "files").mkdir()
    made = Synced(tmp_path, Kept(tmp_path / "files"), kind="sync")
    for name, data in (("a", b"one"), ("b", b"two"), ("c", b"six")):
        made.write(name, data)
    return made


def swap(folder: Path) -> None:
    (folder / "a").rename(folder / "x")
    (folder / "b").rename(folder / "a")
    (folder / "x").rename(folder / "b")


def replace(folder: Path) -> None:
    (folder / "new").write_bytes(b"ten")
    os.utime(folder / "new", ns=(TIME, TIME))
    (folder / "new").replace(folder / "a")


def write_in_place(folder: Path) -> None:
    (folder / "a").write_bytes(b"ten")
    os.utime(folder / "a", ns=(TIME, TIME))


def nothing_but_rights(folder: Path) -> None:
    (folder / "a").chmod(0o600)


def another_link(folder: Path) -> None:
    os.link(folder / "a", folder.parent / "link")


@pytest.mark.parametrize(
    ("act", "read", "done"),
    [(swap, ["a", "b"], 2), (replace, ["a"], 1), (write_in_place, ["a"], 1)],
)
@pytest.mark.parametrize("verify", [True, False])
def test_other_content_of_the_same_size_and_time_is_sent(
    synced: Synced, act: Callable[[Path], None], read: list[str], done: int, verify: bool
) -> None:
    assert synced.sync(verify=verify) == (3, 0, 0, ["a", "b", "c"])
    act(synced.files)
    found = synced.sync(verify=verify)
    assert (found[0], found[2], sorted(set(found[3]))) == (done, 0, read)
    assert synced.same()
    assert synced.sync(verify=verify) == (0, 3, 0, [])


@pytest.mark.parametrize("act", [nothing_but_rights, another_link])
def test_what_has_the_same_content_is_read_once_and_not_sent(synced: Synced, act: Callable[[Path], None]) -> None:
    synced.sync()
    act(synced.files)
    assert synced.sync() == (0, 3, 0, ["a"])
    assert synced.sync() == (0, 3, 0, [])


def test_files_restored_from_a_backup_are_read_once_and_not_sent(synced: Synced) -> None:
    """With their times, and with numbers of their own."""
    synced.sync()
    backup = synced.folder / "backup"
    shutil.copytree(synced.files, backup)
    shutil.rmtree(synced.files)
    shutil.copytree(backup, synced.files)
    assert synced.sync() == (0, 3, 0, ["a", "b", "c"])
    assert synced.sync() == (0, 3, 0, [])


def test_a_file_that_takes_the_place_of_one_that_was_gone_is_read(synced: Synced) -> None:
    """The object of the one that is gone has stayed; it has the newcomer's size and time."""
    synced.sync()
    (synced.files / "a").unlink()
    synced.sync()
    synced.write("a", b"ten")
    assert synced.sync() == (1, 2, 0, ["a", "a"])
    assert synced.same()


def test_without_verification_nothing_is_a_rename(synced: Synced) -> None:
    """A new file may have the number, size and time of one that is gone, whose object is the only copy then."""
    synced.sync(verify=False)
    write_in_place(synced.files)
    (synced.files / "a").rename(synced.files / "d")
    assert synced.sync(verify=False) == (1, 2, 0, ["d"])
    assert contents(synced.destination) == {"a": b"one", "b": b"two", "c": b"six", "d": b"ten"}


def test_what_could_not_be_read_when_it_had_changed_is_read_in_the_next_pass(synced: Synced) -> None:
    synced.sync()
    swap(synced.files)
    synced.source.refused = {"a", "b"}
    assert synced.sync()[:3] == (0, 1, 2)
    synced.source.refused = set()
    assert synced.sync()[:3] == (2, 1, 0)
    assert synced.same()


def test_what_failed_once_is_still_removed_when_it_is_gone(synced: Synced) -> None:
    synced.sync(deletions=True)
    nothing_but_rights(synced.files)
    synced.source.refused = {"a"}
    assert synced.sync(deletions=True)[2] == 1
    (synced.files / "a").unlink()
    assert synced.sync(deletions=True)[:3] == (0, 2, 0)
    assert synced.same()


def test_a_second_sync_takes_size_and_time_for_granted_in_its_first_pass(synced: Synced) -> None:
    synced.sync()
    synced.source.opened.clear()
    assert synced.run("second", passes=1).counts.unchanged == 3
    assert synced.source.opened == []


@dataclass
class Reread(Memory):
    """A place that writes down what is read back from it."""

    read: list[str] = field(default_factory=list)

    def sender(self, streams: Streams, control: Control) -> MemorySender:
        return RereadSender(self, control)


class RereadSender(MemorySender):
    """Of such a place."""

    _memory: Reread

    def reread_all(self, keys: Iterator[str]) -> Iterator[tuple[str, str | Exception]]:
        for found in super().reread_all(keys):
            self._memory.read.append(found[0])
            yield found


@pytest.fixture
def shared(synced: Synced) -> Reread:
    """Other programs' copies of the files are at the destination already."""
    there = Reread()
    for name, data in (("a", b"one"), ("b", b"two"), ("c", b"six")):
        there.keep(name, data)
    synced.destination = there
    return there


def test_somebody_elses_objects_are_read_back_once(synced: Synced, shared: Reread) -> None:
    for passes in range(3):
        assert synced.sync() == (0, 3, 0, [] if passes else ["a", "b", "c"])
        assert {key: (entry.level, entry.sha256) for key, entry in synced.entries().items()} == {
            name: ("reread", hashlib.sha256((synced.files / name).read_bytes()).hexdigest()) for name in "abc"
        }
    assert sorted(shared.read) == ["a", "b", "c"]


def test_they_are_read_back_again_when_they_are_others(synced: Synced, shared: Reread) -> None:
    synced.sync()
    shared.read.clear()
    shared.keep("a", b"one")
    nothing_but_rights(synced.files)
    shared.keep("b", b"TWO")
    assert synced.sync() == (0, 2, 1, ["a", "b"])
    assert sorted(set(shared.read)) == ["a", "b"]
    assert synced.outcomes()["b"] == "DESTINATION_EXISTS"


def test_a_sync_that_an_earlier_release_began_goes_on(synced: Synced, shared: Reread) -> None:
    synced.sync()
    with sqlite3.connect(synced.folder / "first" / "items.sqlite") as books:
        books.executescript("drop table proven; drop table mount;")
    books.close()
    assert synced.sync() == (0, 3, 0, ["a", "b", "c"])
    assert synced.sync() == (0, 3, 0, [])


class Unversioned(Memory):
    """A source that keeps no change time, like a disk of Windows: a file that is edited has the version that it had."""

    def item(self, key: str) -> Item:
        return Memory.item(self, key)._replace(version="7")


def test_an_edited_file_is_sent_though_the_system_keeps_no_change_time(tmp_path: Path) -> None:
    source = Unversioned(features=Features())
    source.keep("a", b"one", modified=1)
    work = Work(tmp_path, source, kind="sync")
    work.run(passes=1)
    source.keep("a", b"edited", modified=2)
    work.run(passes=1)
    assert contents(work.destination) == {"a": b"edited"}


def test_an_edited_file_is_compared_anew_with_anothers_object_though_no_change_time_is_kept(tmp_path: Path) -> None:
    source = Unversioned(features=Features())
    source.keep("a", b"one", modified=1)
    work = Work(tmp_path, source, kind="sync")
    work.destination.keep("a", b"one")  # type: ignore[attr-defined]
    work.run(passes=1)
    source.keep("a", b"edited", modified=2)
    work.run(passes=1)
    assert work.outcomes() == {"a": "DESTINATION_EXISTS"}
