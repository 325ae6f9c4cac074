"""A sync whose source is a link, as to the newest snapshot, that leads elsewhere while a pass is broken off."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.core.errors import SourceError, Stopped
from migrate_transfer.engine.scanner import SLICE
from tests.migrate_transfer.engine.test_source_unmounted import Half, unmounted
from tests.migrate_transfer.engine.work import Work


def test_a_sync_whose_link_leads_to_a_snapshot_with_other_names_by_now_goes_on(tmp_path: Path, folder: Path) -> None:
    """Dumps have the date in their names, say: the snapshot that was listed does not come back."""
    (tmp_path / "newest").symlink_to(folder)
    Work(tmp_path, LocalSource(tmp_path / "newest"), kind="sync").scan()
    (tmp_path / "newest").unlink()
    (tmp_path / "next").mkdir()
    (tmp_path / "next" / "c").touch()
    (tmp_path / "newest").symlink_to(tmp_path / "next")
    work = Work(tmp_path, LocalSource(tmp_path / "newest"), kind="sync")
    assert [work.run(passes=1).counts.failed, work.run(passes=1).counts.done] == [2, 1]


def test_nor_does_a_link_that_led_elsewhere_while_a_pass_listed_end_the_sync(tmp_path: Path, folder: Path) -> None:
    """The first snapshot does not come back, and nothing of the pass was copied yet: it begins anew."""
    for number in range(SLICE):
        (folder / f"{number}").touch()
    with pytest.raises(Stopped):
        Work(tmp_path, Half(folder), kind="sync").run()
    folder.rename(tmp_path / "snapshot")
    folder.mkdir()
    (folder / "c").touch()
    assert Work(tmp_path, LocalSource(folder), kind="sync").run(passes=1).counts.done == 1


def test_an_empty_folder_is_none_in_which_a_pass_begins_anew(tmp_path: Path, folder: Path) -> None:
    for number in range(SLICE):
        (folder / f"{number}").touch()
    with pytest.raises(Stopped):
        Work(tmp_path, Half(folder), kind="sync").run()
    unmounted(folder)
    with pytest.raises(SourceError, match="was begun"):
        Work(tmp_path, LocalSource(folder), kind="sync").run()
