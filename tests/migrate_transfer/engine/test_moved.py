"""An object whose source was deleted for it may be the only copy: nothing of ours replaces or removes it unasked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.backends.memory import Memory, MemorySender
from migrate_transfer.core.backend import Item, Streams
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import ItemError
from tests.migrate_transfer.engine.work import Work, contents, holding


@dataclass
class Between(Memory):
    """Somebody writes `written` as the object `a` when it has been read back, `times` times."""

    written: bytes = b"one"
    times: int = 1

    def sender(self, streams: Streams, control: Control) -> MemorySender:
        place = self

        class Meeting(MemorySender):
            def mark_all(
                self, objects: Iterator[tuple[str, str]], *, moved: bool
            ) -> Iterator[tuple[str, str | Exception]]:
                asked = list(objects)
                if place.times:
                    place.times -= 1
                    place.keep("a", place.written)
                yield from super().mark_all(iter(asked), moved=moved)

        return Meeting(self, control)


class Kept(Memory):
    """A source that lets nothing be deleted."""

    def delete(self, item: Item) -> None:
        raise ItemError("It is read-only.", code="SOURCE_NOT_DELETED", remedy="Delete it yourself.")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with one file, `a`."""
    made = tmp_path / "files"
    made.mkdir()
    (made / "a").write_bytes(b"one")
    return made


def moved_before(tmp_path: Path) -> Work:
    """A file `a` was moved; another one of its name is in the source now."""
    source = holding(a=b"one")
    work = Work(tmp_path, source)
    work.run(delete_source=True)
    source.keep("a", b"another")
    return work


def test_a_new_file_of_a_moved_ones_name_does_not_replace_it(tmp_path: Path) -> None:
    work = moved_before(tmp_path)
    work.run("second", delete_source=True)
    assert work.outcomes("second", delete_source=True) == {"a": "DESTINATION_EXISTS"}
    assert (contents(work.source), contents(work.destination)) == ({"a": b"another"}, {"a": b"one"})


def test_that_a_moved_one_may_be_overwritten_is_not_said_of_an_archived_one(tmp_path: Path) -> None:
    work = moved_before(tmp_path)
    work.destination.objects["a"].tier = "archive"  # type: ignore[attr-defined]
    work.run("second")
    entry = work.entries("second")["a"]
    assert (entry.code, "overwriting" in entry.remedy) == ("DESTINATION_EXISTS", False)


def test_a_new_file_replaces_a_moved_one_where_that_is_allowed(tmp_path: Path) -> None:
    work = moved_before(tmp_path)
    work.run("second", overwrite=True)
    assert contents(work.destination) == {"a": b"another"}
    assert not work.destination.objects["a"].moved  # type: ignore[attr-defined]


def test_a_sync_that_finds_a_moved_object_keeps_it_when_its_source_is_gone(tmp_path: Path, files: Path) -> None:
    work = Work(tmp_path, LocalSource(files))
    work.run()
    work.destination.mark_moved("a", moved=True)  # type: ignore[attr-defined]
    work.kind = "sync"
    work.run("sync", passes=1, deletions=True)
    (files / "a").rename(tmp_path / "a")
    (files / "b").write_bytes(b"two")
    work.run("sync", passes=1, deletions=True)
    assert contents(work.destination) == {"a": b"one", "b": b"two"}


def test_a_sync_does_not_take_a_moved_object_away_for_a_rename(tmp_path: Path, files: Path) -> None:
    work = Work(tmp_path, LocalSource(files), kind="sync")
    work.run(passes=1)
    work.destination.mark_moved("a", moved=True)  # type: ignore[attr-defined]
    work.run(passes=1)
    (files / "a").rename(files / "b")
    work.run(passes=1)
    assert contents(work.destination) == {"a": b"one", "b": b"one"}


def test_what_lies_in_the_archive_tier_is_no_source_of_a_rename(tmp_path: Path, files: Path) -> None:
    """Azure would rehydrate it for the copy, which takes hours and leaves the new name blocked until then."""
    work = Work(tmp_path, LocalSource(files), kind="sync")
    work.run(passes=1)
    work.destination.objects["a"].tier = "archive"  # type: ignore[attr-defined]
    (files / "a").rename(files / "b")
    assert work.run(passes=1).sent == 3
    assert contents(work.destination) == {"b": b"one"}


def test_an_object_written_anew_after_it_was_read_back_is_read_once_more(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one", b=b"two"), Between())
    work.run(delete_source=True)
    assert work.outcomes(delete_source=True) == {"a": "done", "b": "done"}
    assert contents(work.source) == {}


@pytest.mark.parametrize(("written", "times"), [(b"0ne", 1), (b"one", 2)])
def test_an_object_changed_after_it_was_read_back_keeps_its_source(tmp_path: Path, written: bytes, times: int) -> None:
    work = Work(tmp_path, holding(a=b"one", b=b"two"), Between(written=written, times=times))
    work.run(delete_source=True)
    assert work.outcomes(delete_source=True) == {"a": "DESTINATION_CHANGED", "b": "done"}
    assert contents(work.source) == {"a": b"one"}


def test_what_somebody_else_wrote_in_its_place_is_not_removed_for_a_wrong_copy(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one"), Between(written=b"another"))
    work.run(delete_source=True)
    assert contents(work.destination) == {"a": b"another"}


def test_what_could_not_be_deleted_was_not_moved(tmp_path: Path) -> None:
    source = Kept()
    source.keep("a", b"one")
    work = Work(tmp_path, source)
    work.run(delete_source=True)
    source.keep("a", b"changed")
    work.run("second")
    assert work.outcomes("second") == {"a": "done"}
    assert contents(work.destination) == {"a": b"changed"}


def test_what_was_moved_before_stays_so_though_its_file_came_back_and_could_not_be_deleted(tmp_path: Path) -> None:
    source = Kept()
    source.keep("a", b"one")
    work = Work(tmp_path, source, holding())
    work.run()
    work.destination.mark_moved("a", moved=True)  # type: ignore[attr-defined]
    work.run("second", delete_source=True)
    found = work.destination.find("a")
    assert found is not None
    assert found.moved


def test_what_another_job_moved_since_the_listing_stays_so_though_its_file_came_back(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one"))
    work.scan("second", delete_source=True)
    work.run(delete_source=True)
    work.source = Kept()
    work.source.keep("a", b"one")
    work.run("second", delete_source=True)
    work.source.keep("a", b"changed")
    work.run("third")
    assert contents(work.destination) == {"a": b"one"}


def test_the_manifest_knows_the_etag_that_the_mark_has_left(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one"))
    work.run(delete_source=True)
    found = work.destination.find("a")
    assert found is not None
    assert (work.entries(delete_source=True)["a"].etag, found.moved) == (found.etag, True)


def test_books_of_an_earlier_release_learn_what_was_moved_and_versions(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one"), kind="sync")
    work.run(passes=1)
    with closing(sqlite3.connect(tmp_path / "first" / "items.sqlite")) as db:
        db.execute("alter table there drop column version")
        db.execute("alter table there drop column moved")
    work.run(passes=1)
    assert work.outcomes() == {"a": "unchanged"}


def test_without_verification_a_file_is_not_deleted_for_the_size_and_time_of_what_is_there(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one"))
    work.run()
    work.source.keep("a", b"two")  # type: ignore[attr-defined]
    work.run("second", verify=False, delete_source=True)
    assert contents(work.destination) == {"a": b"two"}
    assert contents(work.source) == {}


def test_what_was_archived_and_could_not_be_deleted_is_deleted_by_a_retry(tmp_path: Path) -> None:
    """It cannot be read any more, but bears the mark of having been read back."""
    source = Kept()
    source.keep("a", b"one")
    work = Work(tmp_path, source, kind="archive")
    work.run(tier="archive", delete_source=True)
    work.source = Memory(source.objects)
    work.run("second", tier="archive", delete_source=True)
    assert work.outcomes("second", tier="archive", delete_source=True) == {"a": "unchanged"}
    assert contents(work.source) == {}


def test_an_archived_object_that_was_replaced_since_the_listing_keeps_the_source(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one"), kind="archive")
    work.run(tier="archive", delete_source=True)
    work.source.keep("a", b"one")  # type: ignore[attr-defined]
    options = {"tier": "archive", "delete_source": True}
    with work.books("second", **options) as books:
        books.there(work.destination.stored())
        books.note("destination_listed", "yes")
    work.destination.keep("a", b"other")  # type: ignore[attr-defined]
    work.run("second", **options)
    assert contents(work.source) == {"a": b"one"}


def test_another_machines_object_is_not_taken_away_for_a_rename(tmp_path: Path, files: Path) -> None:
    first = Work(tmp_path, holding(a=b"one"))
    first.run()
    work = Work(tmp_path, LocalSource(files), first.destination, "sync")
    work.run("sync", passes=1)
    (files / "a").rename(files / "b")
    work.run("sync", passes=1)
    assert contents(work.destination) == {"a": b"one", "b": b"one"}


def test_another_machines_object_is_not_removed_for_a_file_that_is_gone(tmp_path: Path, files: Path) -> None:
    first = Work(tmp_path, holding(a=b"one"))
    first.run()
    work = Work(tmp_path, LocalSource(files), first.destination, "sync")
    work.run("sync", passes=1, deletions=True)
    (files / "a").rename(tmp_path / "a")
    (files / "b").write_bytes(b"two")
    work.run("sync", passes=1, deletions=True)
    assert contents(work.destination) == {"a": b"one", "b": b"two"}
