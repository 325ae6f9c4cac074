"""What a sync must not take for a deletion."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_transfer.backends.local import LocalSource
from migrate_transfer.core.errors import SourceError
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


def test_one_of_two_links_that_is_gone_was_not_renamed(synced: Work) -> None:
    (synced.folder / "files" / "a").unlink()
    synced.run(passes=1)
    assert contents(synced.destination) == {"a": b"one", "b": b"one"}


def test_an_empty_mount_point_is_no_emptied_folder(synced: Work) -> None:
    """A share that is not mounted leaves an empty folder, which is another one."""
    synced.run("other", passes=1, deletions=True)
    files = synced.folder / "files"
    files.rename(synced.folder / "share")
    files.mkdir()
    with pytest.raises(SourceError, match="another folder"):
        synced.run("other", passes=1, deletions=True)
    assert contents(synced.destination) == {"a": b"one", "b": b"one"}


def test_once_the_share_is_mounted_again_the_sync_goes_on(synced: Work) -> None:
    synced.run("other", passes=1, deletions=True)
    files = synced.folder / "files"
    files.rename(synced.folder / "share")
    files.mkdir()
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
