"""What a sync must not take for a deletion."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.core.backend import Meant, Page, all_meant
from migrate_transfer.core.errors import SourceError, Stopped
from tests.migrate_transfer.engine.work import Work, contents


@pytest.fixture
def synced(tmp_path: Path) -> Work:
    """A folder and a place in memory that has what lies in it."""
    files = tmp_path / "files"
    files.mkdir()
    (files / "a").write_bytes(b"one")
    (files / "b").hardlink_to(files / "a")
    work = Work(tmp_path, LocalSource(files), kind="sync")
    work.run(passes=1)
    return work


def unmounted(synced: Work) -> Path:
    """The empty folder that a share leaves behind: another one."""
    files = synced.folder / "files"
    files.rename(synced.folder / "share")
    files.mkdir()
    return files


def test_one_of_two_links_that_is_gone_was_not_renamed(synced: Work) -> None:
    (synced.folder / "files" / "a").unlink()
    synced.run(passes=1)
    assert contents(synced.destination) == {"a": b"one", "b": b"one"}


def test_an_empty_mount_point_is_no_emptied_folder(synced: Work) -> None:
    """A share that is not mounted leaves an empty folder, which is another one."""
    synced.run("other", passes=1, deletions=True)
    unmounted(synced)
    with pytest.raises(SourceError, match="another folder"):
        synced.run("other", passes=1, deletions=True)
    assert contents(synced.destination) == {"a": b"one", "b": b"one"}


class Paused(LocalSource):
    """A sync that is stopped when it is about to remove something."""

    def is_gone(self, key: str) -> bool:
        raise Stopped("paused")


def test_nor_is_one_in_which_a_pass_goes_on_that_had_all_but_removed(synced: Work) -> None:
    """It was remembered as the folder that the pass had listed, and all was removed by the next one."""
    synced.run("other", passes=1, deletions=True)
    (synced.folder / "files" / "a").unlink()
    synced.source = Paused(synced.folder / "files")
    with pytest.raises(Stopped):
        synced.run("other", passes=1, deletions=True)
    synced.source = LocalSource(unmounted(synced))
    with pytest.raises(SourceError, match="another folder"):
        synced.run("other", passes=2, deletions=True, every=0.0)
    assert "b" in contents(synced.destination)


def test_once_the_share_is_mounted_again_the_sync_goes_on(synced: Work) -> None:
    synced.run("other", passes=1, deletions=True)
    files = unmounted(synced)
    with pytest.raises(SourceError):
        synced.run("other", passes=1, deletions=True)
    files.rmdir()
    (synced.folder / "share").rename(files)
    assert synced.run("other", passes=1, deletions=True).counts.unchanged == 2


def test_a_folder_that_was_emptied_is_empty_at_the_destination(synced: Work) -> None:
    synced.run("other", passes=1, deletions=True)
    (synced.folder / "files" / "a").unlink()
    (synced.folder / "files" / "b").unlink()
    synced.run("other", passes=1, deletions=True)
    assert contents(synced.destination) == {}


def test_what_a_job_archived_before_it_deleted_the_source_is_no_deletion_of_the_sync(synced: Work) -> None:
    synced.run("other", passes=1, deletions=True)
    synced.kind = "archive"
    synced.run("archived", delete_source=True, tier="archive")
    synced.kind = "sync"
    synced.run("other", passes=1, deletions=True)
    assert contents(synced.destination) == {"a": b"one", "b": b"one"}


class Returning(LocalSource):
    """A folder in which `a` is gone while it is listed, and back at once."""

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
        path = Path(os.fsdecode(self.root)) / "a"
        path.unlink()
        yield from super().pages(cursor, meant)
        path.write_bytes(b"again")


def test_what_comes_back_after_it_was_listed_is_not_removed(synced: Work) -> None:
    synced.run("other", passes=1, deletions=True)
    synced.source = Returning(synced.folder / "files")
    synced.run("other", passes=1, deletions=True)
    assert "a" in contents(synced.destination)
    synced.source = LocalSource(synced.folder / "files")
    synced.run("other", passes=1, deletions=True)
    assert contents(synced.destination) == {"a": b"again", "b": b"one"}


def test_what_comes_back_under_its_old_name_is_not_removed_as_renamed(synced: Work) -> None:
    class Renamed(Returning):
        def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
            (synced.folder / "files" / "a").hardlink_to(synced.folder / "files" / "c")
            yield from super().pages(cursor, meant)

    (synced.folder / "files" / "b").unlink()
    synced.run(passes=1)
    (synced.folder / "files" / "a").rename(synced.folder / "files" / "c")
    synced.source = Renamed(synced.folder / "files")
    synced.run(passes=1)
    assert contents(synced.destination) == {"a": b"one", "b": b"one", "c": b"one"}


def test_a_folder_that_was_moved_away_and_linked_is_no_emptied_folder(synced: Work) -> None:
    files = synced.folder / "files"
    (files / "d").mkdir()
    (files / "a").rename(files / "d" / "a")
    synced.run("other", passes=1, deletions=True)
    (files / "d").rename(synced.folder / "large disk")
    (files / "d").symlink_to(synced.folder / "large disk")
    for _ in range(2):
        synced.run("other", passes=1, deletions=True)
    assert "d/a" in contents(synced.destination)
