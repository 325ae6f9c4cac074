"""A source that is unmounted, or moved away, while a job is at work on it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from migrate_transfer.backends.local.files import LocalReader, number_of
from migrate_transfer.backends.local.folder import Folders
from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.backends.memory import Memory
from migrate_transfer.core.backend import Item, Meant, Page, Stored, all_meant
from migrate_transfer.core.errors import SourceError, Stopped
from migrate_transfer.core.plan import Filters
from migrate_transfer.engine.scanner import SLICE, require_listed
from migrate_transfer.ledger.item_records import DONE, FAILED, Outcome
from tests.migrate_transfer.engine.work import Work


def unmounted(folder: Path) -> None:
    """The empty folder below the share comes to light."""
    folder.rename(folder.with_name("the share"))
    folder.mkdir()


class Leaving(LocalSource):
    """It is unmounted when the first file is opened."""

    @contextmanager
    def open(self, item: Item) -> Iterator[LocalReader]:
        if (root := Path(os.fsdecode(self.root))).joinpath("a").exists():
            unmounted(root)
        with super().open(item) as reader:
            yield reader


def test_a_source_that_is_unmounted_ends_the_job_and_fails_no_file(tmp_path: Path, folder: Path) -> None:
    """Each file that was left was said to be gone, a million of them one by one."""
    work = Work(tmp_path, Leaving(folder))
    with pytest.raises(SourceError, match="another folder is in its place"):
        work.run()
    with work.books() as ledger:
        assert ledger.totals().counts.failed == 0


def test_nor_does_any_when_the_job_goes_on_before_the_source_is_mounted(tmp_path: Path, folder: Path) -> None:
    """Agents start before shares do: all that was listed was said to be gone."""
    Work(tmp_path, LocalSource(folder)).scan()
    unmounted(folder)
    with pytest.raises(SourceError, match="was begun"):
        Work(tmp_path, LocalSource(folder)).run()
    folder.rmdir()
    folder.with_name("the share").rename(folder)
    assert Work(tmp_path, LocalSource(folder)).run().counts.done == 2


def test_a_job_goes_on_where_the_same_share_has_another_number(tmp_path: Path, folder: Path) -> None:
    """So it is after each mount of some."""
    Work(tmp_path, LocalSource(folder)).scan()
    shutil.copytree(folder, folder.with_name("again"))
    unmounted(folder)
    folder.rmdir()
    folder.with_name("again").rename(folder)
    assert Work(tmp_path, LocalSource(folder)).run().counts.done == 2


@pytest.mark.parametrize("listed", [0, 1])
def test_a_source_that_is_unmounted_while_it_is_listed_is_not_empty(tmp_path: Path, folder: Path, listed: int) -> None:
    pages = LocalSource(folder).pages()
    for _ in range(listed):
        next(pages)
    unmounted(folder)
    with pytest.raises(SourceError):
        list(pages)


class Pulled(Folders):
    """A disk that is pulled out when the names of a folder are known."""

    @contextmanager
    def _opened(self, folder: bytes) -> Iterator[tuple[Iterator[os.DirEntry[str]], int | None]]:
        with super()._opened(folder) as (found, number):
            names, root = [*found], Path(os.fsdecode(self.places[0]))
            unmounted(root)
            shutil.rmtree(root.with_name("the share"))
            yield iter(names), number


def test_a_source_that_is_gone_before_its_files_are_looked_at_fails_none_of_them(folder: Path) -> None:
    root = os.fsencode(folder)
    pulled = Pulled(root, os.path.realpath(root), number_of(root))
    with pytest.raises(SourceError):
        list(pulled.slices(b"", [], 100))


class Half(LocalSource):
    """Its listing is broken off behind the first folder."""

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
        yield next(super().pages(cursor, meant))
        raise Stopped("paused")


def test_a_listing_does_not_go_on_in_the_folder_below_the_share(tmp_path: Path, folder: Path) -> None:
    """What was not listed yet would be missing without a word."""
    for number in range(SLICE):
        (folder / f"{number}").touch()
    with pytest.raises(Stopped):
        Work(tmp_path, Half(folder)).run()
    unmounted(folder)
    with pytest.raises(SourceError, match="was begun"):
        Work(tmp_path, LocalSource(folder)).run()
    folder.rmdir()
    folder.with_name("the share").rename(folder)
    assert Work(tmp_path, LocalSource(folder)).run().counts.done == SLICE + 2


class Killed(Memory):
    """The job ends before the destination is listed."""

    def stored(self) -> Iterator[Stored]:
        raise Stopped("paused")


def test_a_job_that_listed_nothing_yet_does_not_go_on_there_either(tmp_path: Path, folder: Path) -> None:
    """It had begun with the share, and was done with the empty folder."""
    with pytest.raises(Stopped):
        Work(tmp_path, LocalSource(folder), Killed()).run()
    unmounted(folder)
    with pytest.raises(SourceError, match="was begun"):
        Work(tmp_path, LocalSource(folder)).run()


class Shared(LocalSource):
    """`sub` is a share as long as its file is there; it is unmounted once the first folder is listed."""

    def mounts(self) -> dict[str, str]:
        return {"sub": "nas"} if os.path.exists(os.path.join(self.root, b"sub", b"b")) else {}

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
        for page in super().pages(cursor, meant):
            yield page
            if page.cursor == "":
                unmounted(Path(os.fsdecode(self.root)) / "sub")


def test_a_share_that_is_unmounted_before_it_is_listed_is_told(tmp_path: Path, folder: Path) -> None:
    """It was as if nothing had been in it."""
    work = Work(tmp_path, Shared(folder))
    work.run()
    assert work.outcomes() == {"a": "done", "sub": "SOURCE_NOT_MOUNTED"}


class Back(Shared):
    """The share is back before all is listed."""

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
        for page in super().pages(cursor, meant):
            yield page
            if page.cursor == "sub":
                share = Path(os.fsdecode(self.root)) / "sub"
                share.rmdir()
                share.with_name("the share").rename(share)


def test_so_is_one_that_is_there_again_when_the_listing_ends(tmp_path: Path, folder: Path) -> None:
    work = Work(tmp_path, Back(folder))
    work.run()
    assert work.outcomes() == {"a": "done", "sub": "SOURCE_NOT_MOUNTED"}


class HalfShared(Half, Shared):
    """And its listing is broken off."""


class Late(Shared):
    """The share is back when all is listed."""

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
        yield from LocalSource.pages(self, cursor, meant)
        share = Path(os.fsdecode(self.root)) / "sub"
        share.rmdir()
        share.with_name("the share").rename(share)


@pytest.mark.parametrize("kind", [Shared, Late])
def test_so_is_one_that_is_not_there_when_a_listing_goes_on_and_once(
    tmp_path: Path, folder: Path, kind: type[LocalSource]
) -> None:
    """Agents start before shares do: what was left of it would be missing without a word."""
    for number in range(SLICE):
        (folder / f"{number}").touch()
    with pytest.raises(Stopped):
        Work(tmp_path, HalfShared(folder)).run()
    unmounted(folder / "sub")
    work = Work(tmp_path, kind(folder))
    work.run()
    with work.books() as ledger:
        assert [entry.key for entry in ledger.entries(FAILED) if entry.code == "SOURCE_NOT_MOUNTED"] == ["sub"]


def test_so_is_one_that_is_not_there_any_more_when_the_listing_begins_again(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(Stopped):
        Work(tmp_path, Shared(folder), Killed()).run()
    unmounted(folder / "sub")
    work = Work(tmp_path, LocalSource(folder))
    work.run()
    assert work.outcomes()["sub"] == "SOURCE_NOT_MOUNTED"


def test_each_pass_of_a_sync_begins_with_the_source_as_it_is_then(tmp_path: Path, folder: Path) -> None:
    """A link may lead to the newest snapshot."""
    assert Work(tmp_path, Shared(folder), kind="sync").run(passes=1).counts.failed == 1
    with pytest.raises(Stopped):
        Work(tmp_path, LocalSource(folder), Killed(), kind="sync").run()
    unmounted(folder)
    assert Work(tmp_path, LocalSource(folder), kind="sync").run(passes=1).counts.failed == 0


class Deleting(LocalSource):
    """A job that is stopped when the first source is to be deleted; `sub` is a share."""

    mounts = Shared.mounts

    def delete(self, item: Item) -> None:
        raise Stopped("paused")


def test_what_is_on_a_share_that_is_not_there_when_the_job_goes_on_is_not_moved(tmp_path: Path, folder: Path) -> None:
    """What was proven was taken for deleted, and stayed on the share; the rest was said to be gone."""
    work = Work(tmp_path, Deleting(folder))
    with pytest.raises(Stopped):
        work.run(delete_source=True)
    unmounted(folder / "sub")
    work.source = Shared(folder)
    work.run(delete_source=True)
    assert work.outcomes(delete_source=True) == {"a": "done", "sub/b": "SOURCE_NOT_MOUNTED"}


def test_a_share_in_which_nothing_is_meant_may_go(tmp_path: Path, folder: Path) -> None:
    assert Work(tmp_path, Shared(folder)).run(filters=Filters(exclude=("sub/**",))).counts.failed == 0


class Asked(Memory):
    """It counts what it is asked for."""

    asked = 0

    def is_gone(self, key: str) -> bool:
        self.asked += 1
        return super().is_gone(key)


def test_what_was_moved_is_not_looked_for_where_something_is_left(tmp_path: Path) -> None:
    """A million files on a share are hours."""
    source = Asked()
    for key in "abc":
        source.keep(key, b"-")
    work = Work(tmp_path, source)
    work.scan()
    with work.books() as ledger:
        ledger.settle([Outcome(1, DONE), Outcome(2, DONE)])
        del source.objects["a"], source.objects["b"]
        source.mark = "another place"
        require_listed(source, ledger)
    assert source.asked == 1
