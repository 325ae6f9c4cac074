"""What is mounted below a folder, as Linux tells it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from migrate_transfer.backends.local.mounts import mounted
from migrate_transfer.backends.local.source import LocalSource

LINE = "42 27 0:39 {root} {point} rw,relatime shared:5 - {kind} {origin} rw,size=1024k\n"


def told(folder: Path, *lines: tuple[str, Path, str, str]) -> dict[str, str]:
    table = folder / "mountinfo"
    names = [(root, os.fspath(point).replace(" ", r"\040"), kind, origin) for root, point, kind, origin in lines]
    table.write_text(
        "".join(LINE.format(root=root, point=point, kind=kind, origin=origin) for root, point, kind, origin in names)
    )
    return mounted(os.fsencode(folder / "files"), table)


@pytest.fixture
def below(tmp_path: Path) -> Path:
    made = tmp_path / "files" / "a share" / "deep."
    made.mkdir(parents=True)
    return made


def test_only_what_is_mounted_below_counts(tmp_path: Path, below: Path) -> None:
    lines = [("/", point, "nfs4", "nas:/x") for point in (Path("/"), tmp_path / "files2", below)]
    assert list(told(tmp_path, *lines)) == ["a share/deep%2E"]


def test_and_what_the_folder_itself_lies_on(tmp_path: Path, below: Path) -> None:
    points = (tmp_path / "files", tmp_path, tmp_path.parent.parent, tmp_path.parent / "other")
    found = told(tmp_path, *(("/", point, "nfs4", "nas:/x") for point in points))
    assert list(found) == ["", "..", "../../.."]


def test_the_last_one_mounted_is_the_one_to_be_seen(tmp_path: Path, below: Path) -> None:
    found = told(tmp_path, ("/", below, "nfs4", "nas:/x"), ("/part", below, "cifs", "//nas/y"))
    assert found["a share/deep%2E"].startswith("cifs //nas/y /part ")


def test_a_trigger_is_no_place(tmp_path: Path, below: Path) -> None:
    assert told(tmp_path, ("/", below, "autofs", "systemd-1")) == {}


def test_what_does_not_answer_is_not_there(tmp_path: Path, below: Path) -> None:
    assert told(tmp_path, ("/", below / "gone", "nfs4", "nas:/x")) == {}


def test_another_folder_in_its_place_is_another_place(tmp_path: Path, below: Path) -> None:
    line = ("/", below, "ext4", "/dev/sdb1")
    before = told(tmp_path, line)
    below.rename(tmp_path / "kept")
    below.mkdir()
    assert told(tmp_path, line) != before


def test_where_nothing_is_told_nothing_is_mounted(tmp_path: Path) -> None:
    assert mounted(b"/", tmp_path / "mountinfo") == {}


def test_a_source_knows_what_is_mounted_in_it() -> None:
    assert LocalSource("/").mounts()["proc"].startswith("proc ")


def test_a_source_that_is_a_link_is_where_it_leads_to_now(tmp_path: Path) -> None:
    """Before a sync's pass it was said what is mounted where the last one was, and its shares were not there then."""
    link = tmp_path / "newest"
    link.symlink_to(tmp_path)
    source = LocalSource(link)
    link.unlink()
    link.symlink_to("/")
    assert "proc" in source.mounts()
