"""A sync over passes between which anything happens to the folder, at a destination that refuses some deletions, with
stops in the middle: whatever it was, the folder is there in the end, and nothing is lost that was to stay."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.backends.memory import Memory, MemorySender
from migrate_transfer.core.backend import Content, Receipt, Streams, Upload
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import RejectedItem, Stopped
from tests.migrate_transfer.engine.work import Work, contents

NAMES = [folder + name for folder in ("", "a/", "b/c/") for name in "xyzuvw"]
PASSES = 8


@dataclass
class Fickle(Memory):
    """Refuses such a share of the deletions; every so often a stop is asked for while it works."""

    chance: Random = field(default_factory=Random)
    refuses: float = 0.0
    stops: float = 0.0
    control: Control = field(default_factory=Control)

    def sender(self, streams: Streams, control: Control) -> MemorySender:
        return FickleSender(self, control)

    def maybe_stop(self) -> None:
        if self.chance.random() < self.stops:
            self.control.stop("paused")


class FickleSender(MemorySender):
    """Of a Fickle place."""

    _memory: Fickle

    def put_all(self, contents: Iterator[Content]) -> Iterator[tuple[Upload, Receipt | Exception]]:
        for found in super().put_all(contents):
            self._memory.maybe_stop()
            yield found

    def delete_all(self, objects: Iterator[tuple[str, str]]) -> Iterator[tuple[str, Exception | None]]:
        for key, etag in objects:
            self._memory.maybe_stop()
            if self._memory.chance.random() < self._memory.refuses:
                yield key, RejectedItem("It is leased.", code="LEASED")
            else:
                yield from super().delete_all(iter([(key, etag)]))


@dataclass
class Folder:
    """Files that come, go, change and take each other's names. No two versions have the same time, or, with a `tick` of
    0, all have: nothing but their numbers and change times tells them apart then."""

    root: Path
    chance: Random
    time: int = 10**18
    tick: int = 10**9

    def write(self, path: Path, data: bytes) -> None:
        path.write_bytes(data)
        self.time += self.tick
        os.utime(path, ns=(self.time, self.time))

    def change(self) -> None:
        one, other = (self.root / name for name in self.chance.choices(NAMES, k=2))
        for path in (one, other):
            path.parent.mkdir(parents=True, exist_ok=True)
        spare, data = self.root / "spare", self.chance.randbytes(self.chance.randrange(4))
        acts = {
            "write": lambda: self.write(one, data),
            "delete": one.unlink,
            "rename": lambda: one.rename(other),
            "exchange": lambda: (one.rename(spare), other.rename(one), spare.rename(other)),
            "write anew": lambda: (one.unlink(), self.write(one, data)),
            "rename and write": lambda: (one.rename(other), self.write(other, data)),
        }
        with suppress(FileNotFoundError):
            acts[self.chance.choice(list(acts))]()
        if spare.exists():
            spare.unlink()

    def files(self) -> dict[str, bytes]:
        return {p.relative_to(self.root).as_posix(): p.read_bytes() for p in self.root.rglob("*") if p.is_file()}


def one_pass(work: Work, there: Fickle, *, deletions: bool) -> None:
    """To its end, through all its stops."""
    while True:
        there.control = Control()
        try:
            work.run(control=there.control, passes=1, deletions=deletions)
        except Stopped:
            there.stops /= 2
        else:
            return


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("tick", [10**9, 0])
@pytest.mark.parametrize("deletions", [True, False])
def test_the_folder_is_there_in_the_end_and_nothing_is_lost(
    tmp_path: Path, seed: int, deletions: bool, tick: int
) -> None:
    chance = Random(seed)
    (tmp_path / "files").mkdir()
    folder, there = Folder(tmp_path / "files", chance, tick=tick), Fickle(chance=chance)
    work = Work(tmp_path, LocalSource(folder.root), there, kind="sync")
    for _ in range(PASSES):
        for _ in range(chance.randrange(6)):
            folder.change()
        before = contents(there)
        there.refuses, there.stops = chance.choice([0.0, 0.5, 1.0]), chance.choice([0.0, 0.2])
        one_pass(work, there, deletions=deletions)
        now, files = contents(there), folder.files()
        assert files.items() <= now.items()
        assert deletions or all(key in now or data in now.values() for key, data in before.items())
    there.refuses = there.stops = 0.0
    one_pass(work, there, deletions=deletions)
    assert not deletions or contents(there) == folder.files()
