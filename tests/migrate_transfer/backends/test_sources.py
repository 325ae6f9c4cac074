"""What every source must do, whatever it is: the engine leans on nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from migrate_transfer.backends.local.files import number_of
from migrate_transfer.backends.local.folder import Folders
from migrate_transfer.backends.local.listing import Listing
from migrate_transfer.core.backend import Item, Upload, all_meant
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import ItemError
from migrate_transfer.core.names import path_of
from migrate_transfer.engine.passage import Passage, digest
from tests.migrate_transfer.backends.kept import Kept, local

HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


def read(kept: Kept, item: Item) -> bytes:
    passage = Passage(kept.source, Upload(1, item))
    with passage.open():
        data = b"".join(iter(lambda: passage.read(3), b""))
        passage.finish()
    return data


def reading(kept: Kept, meanwhile: Callable[[], None] = lambda: None, more: int = 0) -> str:
    """Read the file `a` while something happens to it, as a file of `more` bytes than it has; the error's code."""
    passage = Passage(kept.source, Upload(1, kept.item("a")))
    try:
        with passage.open():
            passage.upload.item = passage.upload.item._replace(size=passage.upload.item.size + more)
            passage.read(4)
            passage.read(6 + more)
            meanwhile()
            passage.finish()
    except ItemError as error:
        return error.error_code
    return "none"


def test_a_source_that_ends_before_its_size_is_an_error(kept: Kept) -> None:
    kept.write("a", b"0123456789")
    assert reading(kept, more=1) == "SOURCE_SHORT"


def test_a_file_that_grew_while_it_was_read_is_an_error(kept: Kept) -> None:
    kept.write("a", b"0123456789")
    assert reading(kept, lambda: kept.write("a", b"0123456789 and more")) == "SOURCE_CHANGED"


def test_a_file_replaced_while_it_was_read_is_an_error(kept: Kept) -> None:
    kept.write("a", b"0123456789")

    def replace() -> None:
        kept.remove("a")
        kept.write("a", b"9876543210")

    assert (reading(kept), reading(kept, replace)) == ("none", "SOURCE_CHANGED")


def test_a_file_removed_while_it_was_read_is_an_error(kept: Kept) -> None:
    kept.write("a", b"0123456789")
    assert reading(kept, lambda: kept.remove("a")) == "SOURCE_CHANGED"


def test_content_comes_whole_and_with_its_digest(kept: Kept) -> None:
    kept.write("folder/a", b"hello")
    item = kept.item("folder/a")
    assert (item.size, read(kept, item), digest(kept.source, item, Control())) == (5, b"hello", HELLO)


def test_an_empty_file_is_a_file(kept: Kept) -> None:
    kept.write("empty", b"")
    assert read(kept, kept.item("empty")) == b""


def test_what_changed_since_the_listing_is_read_as_it_is_now(kept: Kept) -> None:
    kept.write("a", b"before")
    listed = kept.item("a")
    kept.write("a", b"afterwards")
    passage = Passage(kept.source, Upload(1, listed))
    with passage.open():
        assert passage.read(100) == b"afterwards"
        passage.finish()
    assert passage.upload.item.size == 10


def test_the_order_is_the_same_each_time(kept: Kept) -> None:
    for key in ("b/c", "a", "b/a/x", "c", "b.d", "ba"):
        kept.write(key, b"-")
    assert kept.items() == kept.items()
    assert {item.key for item in kept.items()} == {"b/c", "a", "b/a/x", "c", "b.d", "ba"}


def test_files_come_before_folders_and_both_by_name_byte_by_byte(tmp_path: Path) -> None:
    """Also where names are no UTF-8: what was listed once is listed in that order again."""
    names = [b"a", b"B", b"a.b", b"\xc3\xa9", b"\xe9", b"\xf0\x9f\x98\x80", b"\xef\xbf\xbd", b"z"]
    for name in names:
        for folder in (b"", b"plain/", b"sub/" + name + b"d/"):
            path = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), folder)))
            path.mkdir(parents=True, exist_ok=True)
            (path / os.fsdecode(name)).touch()
    in_order = sorted(names)
    found = [path_of(entry.key) for page in local(tmp_path).source.pages() for entry in page.entries]
    assert found == [
        *in_order,
        *(b"plain/" + name for name in in_order),
        *(b"sub/" + name + b"d/" + name for name in sorted(in_order, key=lambda name: name + b"d")),
    ]


@pytest.mark.parametrize("most", [1, 3, 10, 20, 100])
def test_a_large_folder_is_listed_in_slices_each_file_once(tmp_path: Path, most: int) -> None:
    for number in range(10):
        (tmp_path / f"{number}").touch()
        (tmp_path / f"f{number}").mkdir()
        (tmp_path / f"f{number}" / "a").touch()
    root = os.fsencode(tmp_path)
    pages = list(Listing(root, os.path.realpath(root), number_of(root), all_meant, most).pages(None))
    assert max(len(page.entries) for page in pages) <= most
    assert sorted(entry.key for page in pages for entry in page.entries) == sorted(
        [*(str(number) for number in range(10)), *(f"f{number}/a" for number in range(10))]
    )
    assert [page.cursor for page in pages if page.cursor is not None] == ["", *(f"f{number}" for number in range(10))]
    before = next(number for number, page in enumerate(pages) if page.cursor is not None)
    assert {entry.key for page in pages[: before + 1] for entry in page.entries} == set("0123456789")


def test_a_link_to_the_newest_snapshot_is_followed_by_each_listing(tmp_path: Path) -> None:
    """Its folders were said to have become links, pass after pass."""
    for snapshot in ("1", "2"):
        (tmp_path / snapshot / "sub").mkdir(parents=True)
        (tmp_path / snapshot / "sub" / snapshot).touch()
    (tmp_path / "newest").symlink_to("1")
    kept = local(tmp_path / "newest")
    assert [item.key for item in kept.items()] == ["sub/1"]
    (tmp_path / "newest").unlink()
    (tmp_path / "newest").symlink_to("2")
    assert [item.key for item in kept.items()] == ["sub/2"]


class Restless(Folders):
    """Its files are replaced while they are listed, as XFS shows it."""

    @contextmanager
    def _opened(self, folder: bytes) -> Iterator[tuple[Iterator[os.DirEntry[str]], int | None]]:
        with super()._opened(folder) as (found, number):
            yield iter([*found] * 2), number


def test_a_name_that_is_shown_twice_is_listed_once(tmp_path: Path) -> None:
    """The first of the two stayed without an outcome, where copies are read back."""
    for name in ("a", "b."):
        (tmp_path / name).touch()
    root, below = os.fsencode(tmp_path), list[bytes]()
    found = Restless(root, os.path.realpath(root), number_of(root)).slices(b"", below, 100)
    assert [entry.key for entries in found for entry in entries] == ["a", "b%2E"]


def test_a_listing_goes_on_behind_any_cursor(kept: Kept) -> None:
    for key in ("a", "b/a", "b/b/c", "b/b/d", "b/c", "b0", "c/x", "c/y/z", "d"):
        kept.write(key, b"-")
    pages, before = list(kept.source.pages()), list[Item]()
    everything = kept.items()
    for page in pages:
        before += [entry for entry in page.entries if isinstance(entry, Item)]
        if page.cursor is not None:
            assert [*before, *kept.items(page.cursor)] == everything


def test_a_version_changes_with_the_content(kept: Kept) -> None:
    kept.write("a", b"one")
    before = kept.item("a")
    kept.write("a", b"two")
    assert kept.item("a") != before


def test_what_is_gone_says_so(kept: Kept) -> None:
    kept.write("a", b"-")
    item = kept.item("a")
    kept.remove("a")
    with pytest.raises(ItemError) as caught:
        read(kept, item)
    assert caught.value.error_code == "SOURCE_GONE"


def test_only_what_is_not_there_is_gone(kept: Kept) -> None:
    kept.write("folder/a", b"-")
    assert not kept.source.is_gone("folder/a")
    kept.remove("folder/a")
    assert kept.source.is_gone("folder/a")
    assert kept.source.is_gone("nowhere/b")


def test_deleting_removes_that_version(kept: Kept) -> None:
    kept.write("a", b"-")
    kept.source.delete(kept.item("a"))
    assert kept.items() == []


def test_what_changed_is_not_deleted(kept: Kept) -> None:
    kept.write("a", b"-")
    item = kept.item("a")
    kept.write("a", b"changed")
    with pytest.raises(ItemError) as caught:
        kept.source.delete(item)
    assert (caught.value.error_code, len(kept.items())) == ("SOURCE_CHANGED", 1)
