"""When a file that was not listed is gone for certain, and when it may be out of reach."""

from __future__ import annotations

import os
from pathlib import Path

from migrate_transfer.backends.local.gone import is_listed
from migrate_transfer.backends.local.source import LocalSource


def test_what_is_a_folder_now_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert LocalSource(tmp_path).is_gone("a")


def test_what_lay_in_a_folder_that_is_a_file_now_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert LocalSource(tmp_path).is_gone("a/b/c")


def test_what_is_a_link_now_is_not(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("elsewhere")
    assert not LocalSource(tmp_path).is_gone("a")


def test_nor_is_what_lies_behind_a_link_that_leads_nowhere_now(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("/mnt/not mounted")
    assert not LocalSource(tmp_path).is_gone("a/b/c")


def test_nor_is_what_cannot_be_looked_at(tmp_path: Path) -> None:
    assert not LocalSource(tmp_path).is_gone("a" * 300)


def test_nor_is_what_is_there_in_both_cases(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "A").hardlink_to(tmp_path / "a")
    assert not LocalSource(tmp_path).is_gone("A")


def test_a_name_in_the_other_case_is_another(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").touch()
    root = os.fsencode(tmp_path)
    assert [is_listed(root, path) for path in (b"d/a", b"d/A", b"D/a")] == [True, False, False]
