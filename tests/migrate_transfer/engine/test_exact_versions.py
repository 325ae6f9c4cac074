"""A source whose versions are exact, as a cloud's are: what it says to be unchanged is not read to be found so."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from migrate_transfer.backends.memory import Memory, MemoryReader
from migrate_transfer.core.backend import Features, Item, Meant, Page, all_meant
from tests.migrate_transfer.engine.conftest import Site
from tests.migrate_transfer.engine.work import Work, contents

OTHER = "fedcba9876543210"


@dataclass
class Counted(Memory):
    """Counts what is opened; where `made`, no size is known before."""

    made: bool = False
    opened: list[str] = field(default_factory=list)

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
        for page in super().pages(cursor, meant):
            entries = [one for one in page.entries if isinstance(one, Item)]
            yield Page([one._replace(size=0) if self.made else one for one in entries], page.cursor)

    @contextmanager
    def open(self, item: Item) -> Iterator[MemoryReader]:
        self.opened.append(item.key)
        with super().open(item) as reader:
            yield reader


def copied(folder: Path, source: Counted) -> Work:
    """A job has copied `a` and `b`; what is opened from now on is counted."""
    source.keep("a", b"one")
    source.keep("b", b"another")
    work = Work(folder, source)
    assert work.run().counts.done == 2
    source.opened.clear()
    return work


@pytest.mark.parametrize("made", [False, True])
def test_what_another_job_copied_is_not_read_again(tmp_path: Path, made: bool) -> None:
    source = Counted(made=made)
    work = copied(tmp_path, source)
    assert work.run("second").counts.unchanged == 2
    assert source.opened == []
    assert {key: entry.size for key, entry in work.entries("second").items()} == {"a": 3, "b": 7}


def test_what_has_another_version_is_read(tmp_path: Path) -> None:
    source = Counted()
    work = copied(tmp_path, source)
    source.keep("a", b"two")
    assert work.run("second").counts.done == 1
    assert (set(source.opened), contents(work.destination)) == ({"a"}, {"a": b"two", "b": b"another"})


def test_another_sources_word_is_not_taken(tmp_path: Path) -> None:
    source = Counted()
    work = copied(tmp_path, source)
    work.source = Counted(source.objects, mark=OTHER, opened=source.opened)
    work.run("second")
    assert source.opened == ["a", "b"]


def test_a_source_whose_versions_are_not_exact_is_read(tmp_path: Path) -> None:
    source = Counted(features=Features())
    copied(tmp_path, source).run("second")
    assert source.opened == ["a", "b"]


def test_a_sync_does_not_make_a_document_again_whose_size_is_not_known_before(tmp_path: Path) -> None:
    source = Counted(made=True)
    work = copied(tmp_path, source)
    work.kind = "sync"
    assert [work.run("sync", passes=1).counts.unchanged for _ in range(2)] == [2, 2]
    assert source.opened == []


def test_what_is_only_renamed_is_not_read(tmp_path: Path) -> None:
    source = Counted()
    work = copied(tmp_path, source)
    work.kind = "sync"
    work.run("sync", passes=1)
    source.objects["c"] = source.objects.pop("a")
    work.run("sync", passes=1)
    assert (source.opened, contents(work.destination)) == ([], {"b": b"another", "c": b"one"})


def test_before_a_source_is_deleted_its_copy_is_read_back_all_the_same(tmp_path: Path) -> None:
    source = Counted()
    work = copied(tmp_path, source)
    work.destination.objects["a"].data = b"bad"  # type: ignore[attr-defined]
    work.run("second", delete_source=True)
    assert set(source.objects) == {"a"}


def test_the_version_is_kept_with_a_blob(site: Site) -> None:
    source = Counted()
    source.keep("a", b"one")
    site.source = source
    site.run()
    site.run("second")
    assert source.opened == ["a"]
