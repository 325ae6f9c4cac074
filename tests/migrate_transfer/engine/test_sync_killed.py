"""A pass of a sync that was killed after an object was put, and before that was written down."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.backends.memory import Memory, MemorySender
from migrate_transfer.core.backend import Content, Receipt, Streams, Upload
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import Stopped
from tests.migrate_transfer.engine.work import Work, contents


@dataclass
class Cut(Memory):
    """The job ends as soon as something was put, while `cutting`."""

    cutting: bool = False

    def sender(self, streams: Streams, control: Control) -> MemorySender:
        return Ending(self, control) if self.cutting else MemorySender(self, control)


class Ending(MemorySender):
    def put_all(self, contents: Iterator[Content]) -> Iterator[tuple[Upload, Receipt | Exception]]:
        for _ in super().put_all(contents):
            raise Stopped("paused")
        yield from ()


@dataclass
class Killed(Work):
    """The second pass of a sync has put `b`, and does not know it."""

    destination: Cut = field(default_factory=Cut)
    verify: bool = True

    @property
    def files(self) -> Path:
        return self.folder / "files"

    def sync(self, passes: int = 1) -> None:
        for _ in range(passes):
            self.run(passes=1, deletions=True, verify=self.verify)

    def here(self) -> dict[str, bytes]:
        paths = (path for path in self.files.rglob("*") if path.is_file())
        return {path.relative_to(self.files).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(params=[True, False])
def killed(tmp_path: Path, request: pytest.FixtureRequest) -> Killed:
    """With verification and without. `z` is somebody else's, and `n` is from another job of this folder."""
    (tmp_path / "files").mkdir()
    work = Killed(tmp_path, LocalSource(tmp_path / "files"), kind="sync")
    work.destination.keep("z", b"foreign")
    (work.files / "a").write_bytes(b"one")
    work.verify = request.param
    work.sync()
    work.destination.keep("n", b"put there")
    work.destination.objects["n"].source = work.source.mark
    for name in "bn":
        (work.files / name).write_bytes(b"another")
    work.destination.cutting = True
    with pytest.raises(Stopped):
        work.sync()
    work.destination.cutting = False
    return work


def remove(path: Path) -> None:
    path.unlink()


def rename(path: Path) -> None:
    path.rename(path.with_name("c"))


def make_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "in").write_bytes(b"new")


@pytest.mark.parametrize("act", [remove, rename, make_a_folder])
def test_what_is_gone_before_it_goes_on_is_removed_by_the_next_pass(
    killed: Killed, act: Callable[[Path], None]
) -> None:
    assert "b" in contents(killed.destination)
    act(killed.files / "b")
    killed.sync(2)
    assert contents(killed.destination) == {**killed.here(), "z": b"foreign"}


def test_what_somebody_else_has_put_in_its_place_stays(killed: Killed) -> None:
    (killed.files / "b").unlink()
    killed.destination.keep("b", b"foreign too")
    killed.sync(2)
    assert contents(killed.destination)["b"] == b"foreign too"


def test_what_another_job_had_put_there_stays(killed: Killed) -> None:
    (killed.files / "n").unlink()
    killed.sync(2)
    assert contents(killed.destination)["n"] == b"put there"


def test_what_another_job_has_moved_since_is_not_its_own(killed: Killed) -> None:
    (killed.files / "b").unlink()
    killed.destination.mark_moved("b", True)
    killed.sync(2)
    assert "b" in contents(killed.destination)
    with killed.books(deletions=True, verify=killed.verify) as ledger:
        assert ledger.fact("not_removed") == "0"


class Shared(LocalSource):
    """`sub` is a share as long as `c` is in it."""

    def mounts(self) -> dict[str, str]:
        return {"sub": "nas"} if os.path.exists(os.path.join(self.root, b"sub", b"c")) else {}


def test_what_it_put_is_its_own_though_the_share_is_away_when_it_goes_on(tmp_path: Path) -> None:
    share = tmp_path / "files" / "sub"
    share.mkdir(parents=True)
    work = Killed(tmp_path, Shared(tmp_path / "files"), kind="sync", destination=Cut(cutting=True))
    for name in "bc":
        (share / name).write_bytes(b"another")
    with pytest.raises(Stopped):
        work.sync()
    work.destination.cutting = False
    share.rename(tmp_path / "share")
    work.sync()
    (tmp_path / "share").rename(share)
    (share / "b").unlink()
    work.sync()
    assert contents(work.destination) == work.here()
