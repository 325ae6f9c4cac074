"""What a sync must not take for a deletion."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_transfer.backends.local import LocalSource
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
