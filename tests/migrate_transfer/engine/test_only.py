"""What is listed again of a source when only what failed is meant."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.backends.memory import Memory
from migrate_transfer.core.backend import Item, Meant, Oddity, Page, all_meant
from migrate_transfer.core.plan import Filters
from migrate_transfer.engine.only import SLICE, Only
from tests.migrate_transfer.engine.work import Work, holding

SHARE = {"sub": Item("sub", 0, 0, "")}


@pytest.mark.parametrize(
    ("failed", "listed"),
    [
        ({"shut/a"}, ["shut/a"]),
        ({"shut"}, ["shut/a", "shut/deep/b"]),
        ({"shut/deep"}, ["shut/deep/b"]),
        ({"shu", "a"}, ["a", "shu"]),
    ],
)
def test_a_folder_that_failed_stands_for_all_that_lies_in_it(failed: set[str], listed: list[str]) -> None:
    source = Memory()
    for key in ("other", "shut/a", "shut/deep/b"):
        source.keep(key, b"-")
    assert keys(Only(source, items(failed))) == listed


@pytest.mark.parametrize(
    ("failed", "listed"),
    [({"gone"}, ["gone"]), ({"a", "gone/too"}, ["a", "gone/too"]), ({"shut", "gone"}, ["gone", "shut/b"])],
)
def test_what_failed_and_is_gone_is_listed_as_it_was(failed: set[str], listed: list[str]) -> None:
    assert keys(Only(holding({"a": b"-", "shut/b": b"-"}), items(failed))) == listed


def test_what_is_there_and_not_listed_is_not_gone() -> None:
    """Listed before a kill, for instance: it has its outcome already."""
    assert keys(Only(holding(a=b"-", b=b"-"), items({"a", "b"})), cursor="a") == ["b"]


def test_each_item_that_is_retried_has_an_outcome(tmp_path: Path) -> None:
    source = holding(a=b"-")
    work = Work(tmp_path, source=Only(source, items({"a", "gone"})))
    work.run()
    assert work.outcomes() == {"a": "done", "gone": "SOURCE_GONE"}


def test_a_retried_item_that_was_moved_meanwhile_is_there(tmp_path: Path) -> None:
    """Its copy was proven and only its deletion had failed; somebody has deleted it since."""
    source, destination = holding(a=b"-"), Memory()
    Work(tmp_path, source, destination).run()
    work = Work(tmp_path, Only(source, {"a": source.item("a")._replace(version="")}), destination)
    del source.objects["a"]
    work.run("retry", delete_source=True)
    assert work.outcomes("retry", delete_source=True) == {"a": "unchanged"}


def test_a_share_that_is_still_not_mounted_has_failed_again(tmp_path: Path) -> None:
    """Nothing was listed in it, and the retry had done all there was."""
    (tmp_path / "source" / "sub").mkdir(parents=True)
    work = Work(tmp_path, Only(LocalSource(tmp_path / "source"), SHARE, shares=["sub"]))
    work.run(filters=Filters(include=("sub/*.doc",)))
    assert work.outcomes(filters=Filters(include=("sub/*.doc",))) == {"sub": "SOURCE_NOT_MOUNTED"}


def test_so_has_a_file_on_one_whose_copy_is_there(tmp_path: Path) -> None:
    """It is not known to be deleted."""
    (tmp_path / "source" / "sub").mkdir(parents=True)
    source, destination = LocalSource(tmp_path / "source"), holding({"sub/b": b"-"})
    kept = destination.objects["sub/b"]
    kept.sha256, kept.source, kept.moved = hashlib.sha256(b"-").hexdigest(), source.mark, True
    work = Work(tmp_path, Only(source, items({"sub/b"}), shares=["sub/b"]), destination)
    options: dict[str, Any] = {"delete_source": True, "filters": Filters(include=("sub/*",))}
    work.run(**options)
    assert work.outcomes(**options) == {"sub/b": "SOURCE_NOT_MOUNTED"}


class Mounted(Memory):
    """With a share."""

    def mounts(self) -> dict[str, str]:
        return {"sub": "nas"}


def test_once_the_share_is_there_such_a_file_is_looked_for() -> None:
    pages = Only(Mounted(), items({"sub/b"}), shares=["sub/b"]).pages()
    assert [entry for page in pages for entry in page.entries] == [*items({"sub/b"}).values()]


def test_many_such_files_are_told_a_slice_at_a_time() -> None:
    """Of more than 250,000 SQLite cannot be asked at once whether they are in the books: the retry ended with that."""
    many = items({f"sub/{number}" for number in range(SLICE + 1)})
    assert [len(page.entries) for page in Only(Memory(), many, shares=many).pages()] == [SLICE, 1]


def test_a_share_below_another_is_not_there_because_that_one_is() -> None:
    """Nothing was listed in it, and the retry had done all there was."""
    nested = {"sub/x": Item("sub/x", 0, 0, "")}
    found = [entry for page in Only(Mounted(), nested, shares=nested).pages() for entry in page.entries]
    assert {entry.code for entry in found if isinstance(entry, Oddity)} == {"SOURCE_NOT_MOUNTED"}


class Asked(Mounted):
    """It counts what it is asked for."""

    asked = 0

    def is_gone(self, key: str) -> bool:
        self.asked += 1
        return super().is_gone(key)


def test_a_folder_on_a_share_is_looked_into_once_for_all_its_files() -> None:
    """Each look is a call to the share."""
    source, many = Asked(), items({f"sub/{number}" for number in range(100)})
    list(Only(source, many, shares=many).pages())
    assert source.asked == 2  # before its listing, and after


def test_what_is_known_of_such_a_file_is_there_for_the_next_retry(tmp_path: Path) -> None:
    """Without its time it was taken for a share then, and without its size it was not known again as moved."""
    (tmp_path / "source" / "sub").mkdir(parents=True)
    work = Work(tmp_path, Only(LocalSource(tmp_path / "source"), items({"sub/b"}), shares=["sub/b"]))
    work.run()
    entry = work.entries()["sub/b"]
    assert (entry.size, entry.modified) == (1, 1)


def test_so_has_one_below_which_a_stray_file_lies(tmp_path: Path) -> None:
    """Somebody wrote into the folder while nothing was mounted there: that file alone was copied, and all was done."""
    (tmp_path / "source" / "sub").mkdir(parents=True)
    (tmp_path / "source" / "sub" / "stray").touch()
    work = Work(tmp_path, Only(LocalSource(tmp_path / "source"), SHARE, shares=["sub"]))
    work.run()
    assert work.outcomes() == {"sub": "SOURCE_NOT_MOUNTED", "sub/stray": "done"}


class Late(LocalSource):
    """Its share is mounted once all is listed."""

    listed = False

    def mounts(self) -> dict[str, str]:
        return {"sub": "nas"} if self.listed else {}

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
        yield from super().pages(cursor, meant)
        self.listed = True


def test_so_has_one_that_is_mounted_when_its_folder_was_listed(tmp_path: Path) -> None:
    (tmp_path / "source" / "sub").mkdir(parents=True)
    work = Work(tmp_path, Only(Late(tmp_path / "source"), SHARE, shares=["sub"]))
    work.run()
    assert work.outcomes() == {"sub": "SOURCE_NOT_MOUNTED"}


class Back(Late):
    """And then its file is there."""

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
        yield from super().pages(cursor, meant)
        Path(os.fsdecode(self.root), "sub", "b").write_bytes(b"-")


def test_so_has_a_file_on_one_that_is_mounted_when_its_folder_was_listed(tmp_path: Path) -> None:
    """It was neither listed nor gone, and had no outcome."""
    (tmp_path / "source" / "sub").mkdir(parents=True)
    work = Work(tmp_path, Only(Back(tmp_path / "source"), items({"sub/b"}), shares=["sub/b"]))
    work.run()
    assert work.outcomes() == {"sub/b": "SOURCE_NOT_MOUNTED"}


def test_an_item_that_was_moved_is_not_listed_again_once_the_destination_was_away(tmp_path: Path) -> None:
    """It had two outcomes then: it was done, and another object of its name was at the destination."""
    work = Work(tmp_path, Only(holding(a=b"long"), items({"a", "gone"})))
    work.run(delete_source=True)
    with work.books(delete_source=True) as ledger:
        ledger.doubt()
    assert work.run(delete_source=True).counts.discovered == 2


def test_what_was_listed_before_a_kill_and_is_gone_since_is_entered_once(tmp_path: Path) -> None:
    source = holding(a=b"-", b=b"-")
    work = Work(tmp_path, source=Only(source, items({"a", "b", "gone"})))
    with work.books() as ledger:
        ledger.scan_begins()
        ledger.enter([source.item("a")], "a")
    del source.objects["a"]
    work.run()
    assert work.run().counts.discovered == 3
    assert work.outcomes() == {"a": "SOURCE_GONE", "b": "done", "gone": "SOURCE_GONE"}


def items(keys: set[str]) -> dict[str, Item]:
    return {key: Item(key, 1, 1, "") for key in sorted(keys)}


def keys(source: Only, cursor: str | None = None) -> list[str]:
    return sorted(entry.key for page in source.pages(cursor) for entry in page.entries)
