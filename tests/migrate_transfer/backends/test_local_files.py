"""What is known of a file of a disk, also on systems that these tests do not run on."""

from __future__ import annotations

import ntpath
import os
from pathlib import Path

import pytest

from migrate_transfer.backends.local.files import born, listed_at
from migrate_transfer.backends.local.folder import misread
from migrate_transfer.backends.local.fresh import ask_anew


def test_a_file_in_a_folder_lies_where_windows_says_that_it_does() -> None:
    """Each was said to have been moved, but for those in the root."""
    assert listed_at(rb"C:\data", b"a/b c/d", ntpath) == rb"C:\data\a\b c\d"


@pytest.mark.parametrize(("seconds", "created"), [(1.5, 1_500_000_000), (-11_644_473_600.0, 0), (1e10, 0)])
def test_a_time_of_making_that_was_never_noted_is_not_known(seconds: float, created: int) -> None:
    """The ledger took no such number, and the job ended; and the file was older than any date."""
    assert born(seconds) == created


@pytest.mark.parametrize("name", ["report.", "report ", "aux.c", "NUL", "com1.tar.gz"])
def test_a_name_that_windows_takes_for_another_is_not_read(name: str) -> None:
    """On a share `report.` was listed, read and deleted as `report`, and was itself not copied."""
    assert misread(name)


@pytest.mark.parametrize("name", ["report", ".report", "auxiliary.c", "c.aux", "com10", "..a"])
def test_other_names_are_read(name: str) -> None:
    assert not misread(name)


def test_a_share_is_asked_what_is_so_now(tmp_path: Path) -> None:
    """An edit by another machine was deleted with the file, as this one still remembered it as it had been read."""
    (tmp_path / "a").touch()
    assert ask_anew(os.fsencode(tmp_path / "a"), None)


def test_a_share_that_does_not_answer_is_not_believed_from_memory(tmp_path: Path) -> None:
    """What this machine remembered was taken for what is so now, and the file deleted."""
    with pytest.raises(FileNotFoundError):
        ask_anew(os.fsencode(tmp_path / "gone"), None)
