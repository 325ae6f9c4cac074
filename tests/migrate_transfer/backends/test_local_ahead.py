"""A second process lists ahead: what is listed, and in what order, is the same with it, without it, or if it dies."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from migrate_transfer.backends.local.ahead import HELD, PAYS
from migrate_transfer.backends.local.files import number_of
from migrate_transfer.backends.local.folder import Folders
from migrate_transfer.backends.local.lister import FEW, packed, unpacked
from migrate_transfer.backends.local.listing import MOST, Listing
from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.backends.memory import Memory
from migrate_transfer.core.backend import Page, all_meant
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import SourceError, Stopped
from migrate_transfer.core.plan import Filters
from migrate_transfer.engine.scanner import scan
from migrate_transfer.ledger.items import ItemLedger

ALONE = 10**9
"""So many entries that no lister is started."""
NAMES = [b"a", b"B", b"a.b", b"\xc3\xa9", b"\xe9", b"\xf0\x9f\x98\x80", b"100%41", b"dot.", b"new\nline"]


def pages(folder: Path, pays: int, cursor: str | None = None) -> Iterator[Page]:
    root = os.fsencode(folder)
    return Listing(root, os.path.realpath(root), number_of(root), all_meant, MOST, pays).pages(cursor)


def listers() -> list[psutil.Process]:
    living = [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]
    return [one for one in living if "migrate_transfer.backends.local.lister" in one.cmdline()]


def grow(folder: bytes, numbers: random.Random, depth: int) -> None:
    """Files, links and folders with names of all kinds, some folders empty and some with many entries."""
    os.mkdir(folder)
    for name in numbers.sample(NAMES, numbers.randint(0, len(NAMES))):
        path = os.path.join(folder, name)
        kind = numbers.choice("fffldd") if depth else "f"
        if kind == "f":
            with open(path, "wb") as file:
                file.write(b"x" * numbers.randint(0, 9))
        elif kind == "l":
            os.symlink(b"a", path)
        else:
            grow(path, numbers, depth - 1)


def many(folder: Path, folders: int, each: int) -> None:
    for number in range(folders):
        (folder / f"{number:03d}").mkdir(parents=True)
        for other in range(each):
            (folder / f"{number:03d}" / f"{other}").touch()


@pytest.mark.parametrize("seed", range(6))
def test_a_tree_is_listed_alike_with_a_lister_and_without(tmp_path: Path, seed: int) -> None:
    grow(os.fsencode(tmp_path / "root"), random.Random(seed), 4)
    assert list(pages(tmp_path / "root", 0)) == list(pages(tmp_path / "root", ALONE))


def test_more_folders_than_are_held_are_listed_alike(tmp_path: Path) -> None:
    many(tmp_path, 60, HELD // 40)
    assert list(pages(tmp_path, 0)) == list(pages(tmp_path, ALONE))


def test_a_folder_too_large_to_be_held_is_listed_in_its_turn(tmp_path: Path) -> None:
    many(tmp_path, 3, 5)
    for number in range(FEW + 1):
        (tmp_path / "001" / f"more{number}").touch()
    root = os.fsencode(tmp_path)
    assert Folders(root, root, number_of(root)).whole(b"001", FEW) is None
    assert list(pages(tmp_path, 0)) == list(pages(tmp_path, ALONE))


def test_a_listing_with_a_lister_goes_on_behind_any_cursor(tmp_path: Path) -> None:
    many(tmp_path, 12, 2)
    everything = list(pages(tmp_path, ALONE))
    for at, page in enumerate(everything):
        assert [*everything[: at + 1], *list(pages(tmp_path, 0, page.cursor))[1:]] == everything


@pytest.mark.parametrize("at", [2, 100])
def test_a_lister_that_dies_changes_nothing(tmp_path: Path, at: int) -> None:
    many(tmp_path, 200, 20)
    found = []
    for page in pages(tmp_path, 0):
        found.append(page)
        if len(found) == at:
            (lister,) = listers()
            os.kill(lister.pid, signal.SIGKILL)
    assert found == list(pages(tmp_path, ALONE))


def test_a_listing_that_is_broken_off_leaves_no_process(tmp_path: Path) -> None:
    many(tmp_path, 50, 20)
    listing = pages(tmp_path, 0)
    for _ in range(3):
        next(listing)
    assert len(listers()) == 1
    listing.close()  # type: ignore[attr-defined]
    assert listers() == []


def test_a_scan_that_is_stopped_leaves_no_process(tmp_path: Path) -> None:
    """Not even while somebody holds the error, and with it what was going on."""
    many(tmp_path / "files", 100, 2 * PAYS // 100)
    control, source = Control(), LocalSource(tmp_path / "files")

    def stop() -> None:
        if listers():
            control.stop("paused")

    with closing(ItemLedger(tmp_path / "items.sqlite")) as ledger, pytest.raises(Stopped) as held:
        scan(source, Memory(), ledger, Filters(), control, stop)
    assert held.tb is not None
    assert listers() == []


def test_few_entries_start_no_process(tmp_path: Path) -> None:
    many(tmp_path, 5, 5)
    for _ in pages(tmp_path, 100):
        assert listers() == []


def test_a_root_that_goes_while_it_is_listed_is_an_error_of_the_source(tmp_path: Path) -> None:
    many(tmp_path / "root", 100, 20)
    listing = pages(tmp_path / "root", 0)
    next(listing)
    shutil.rmtree(tmp_path / "root")
    with pytest.raises(SourceError):
        list(listing)


def test_an_empty_folder_holds_nothing_whatever_its_name(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    os.mkdir(os.path.join(root, b"\xc3\xa9"))
    assert Folders(root, os.path.realpath(root), number_of(root)).whole(b"\xc3\xa9", FEW) == ([], [])


def test_what_a_lister_tells_is_what_it_found(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / os.fsdecode(name)).touch()
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "folder").mkdir()
    root = os.fsencode(tmp_path)
    found = Folders(root, root, number_of(root)).whole(b"", 100)
    assert found is not None
    assert unpacked(packed(found)) == found
