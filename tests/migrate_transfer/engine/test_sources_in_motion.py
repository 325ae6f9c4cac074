"""A folder that people work in while it is copied: each file ends in one outcome, and none is half of two versions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from migrate_transfer.backends.local.source import LocalReader, LocalSource
from migrate_transfer.backends.memory import Memory
from migrate_transfer.core.backend import Item, Meant, Oddity, Page, all_meant
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import SourceError
from migrate_transfer.core.plan import Filters
from migrate_transfer.engine.transfer import Transfer
from tests.migrate_transfer.engine.work import Work, contents, holding

MIB = 2**20


class Busy(LocalSource):
    """A folder in which something happens to `key`: before it is opened, or after the first read."""

    key, before, during = "a", staticmethod(lambda: None), staticmethod(lambda: None)

    @contextmanager
    def open(self, item: Item) -> Iterator[LocalReader]:
        if item.key == self.key:
            self.before()
        with super().open(item) as reader:
            if item.key == self.key:
                read = reader.read

                def reading(size: int) -> bytes:
                    data = read(size)
                    self.during()
                    return data

                reader.read = reading  # type: ignore[method-assign]
            yield reader


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "source"
    made.mkdir()
    (made / "a").write_bytes(b"0123456789" * 300_000)
    (made / "b").write_bytes(b"quiet")
    return made


def replace(path: Path) -> None:
    aside = path.with_name("aside")
    aside.write_bytes(path.read_bytes()[::-1])
    aside.replace(path)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


IN_THE_MIDDLE: dict[str, Callable[[Path], object]] = {
    "SOURCE_SHORT": lambda path: os.truncate(path, 2 * MIB),
    "SOURCE_CHANGED": append,
}


@pytest.mark.parametrize("code", IN_THE_MIDDLE)
def test_what_is_written_while_it_is_read_is_no_object(tmp_path: Path, folder: Path, code: str) -> None:
    source = Busy(folder)
    source.during = staticmethod(lambda: IN_THE_MIDDLE[code](folder / "a"))  # type: ignore[assignment]
    work = Work(tmp_path, source)
    work.run()
    assert work.outcomes()["b"] == "done"
    assert work.outcomes()["a"] in (code, "SOURCE_CHANGED")
    assert contents(work.destination) == {"b": b"quiet"}


def test_what_is_replaced_while_it_is_read_is_no_object(tmp_path: Path, folder: Path) -> None:
    source = Busy(folder)
    source.during = staticmethod(lambda: replace(folder / "a"))  # type: ignore[assignment]
    work = Work(tmp_path, source)
    work.run()
    assert work.outcomes() == {"a": "SOURCE_CHANGED", "b": "done"}


@pytest.mark.parametrize(("of_ours", "outcome"), [(True, "unchanged"), (False, "SOURCE_GONE")])
def test_what_another_attempt_moved_and_deleted_is_there(tmp_path: Path, of_ours: bool, outcome: str) -> None:
    """It was listed before that, as when a job goes to another agent and back."""
    source = holding(a=b"-")
    work = Work(tmp_path, source)
    with closing(Transfer(tmp_path / "first", work.spec(delete_source=True), source, work.destination)) as transfer:
        transfer.scan(Control())
    source.mark = source.mark if of_ours else "another source..."
    work.run("second", delete_source=True)
    source.mark = Memory().mark
    work.run(delete_source=True)
    assert work.outcomes(delete_source=True) == {"a": outcome}


def test_what_is_gone_before_it_is_opened_is_told(tmp_path: Path, folder: Path) -> None:
    source = Busy(folder)
    source.before = staticmethod((folder / "a").unlink)  # type: ignore[assignment]
    work = Work(tmp_path, source)
    work.run()
    assert work.outcomes() == {"a": "SOURCE_GONE", "b": "done"}


@pytest.mark.parametrize("how", ["link", "pipe"])
def test_what_became_a_link_or_a_pipe_is_not_followed(tmp_path: Path, folder: Path, how: str) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")

    def become() -> None:
        (folder / "a").unlink()
        if how == "link":
            (folder / "a").symlink_to(secret)
        else:
            os.mkfifo(folder / "a")

    source = Busy(folder)
    source.before = staticmethod(become)  # type: ignore[assignment]
    work = Work(tmp_path, source)
    work.run()
    assert work.outcomes() == {"a": "SOURCE_CHANGED", "b": "done"}
    assert contents(work.destination) == {"b": b"quiet"}


def test_a_folder_that_became_a_link_leads_nobody_out(tmp_path: Path, folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "a").write_bytes(b"inside")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").write_bytes(b"secret")

    def become() -> None:
        (folder / "sub" / "a").unlink()
        (folder / "sub").rmdir()
        (folder / "sub").symlink_to(outside)

    source = Busy(folder)
    source.key, source.before = "sub/a", staticmethod(become)  # type: ignore[assignment]
    work = Work(tmp_path, source)
    work.run(delete_source=True)
    assert work.outcomes(delete_source=True)["sub/a"] == "SOURCE_CHANGED"
    assert "sub/a" not in contents(work.destination)
    assert (outside / "a").exists()


def test_a_folder_moved_out_with_a_link_in_its_place_is_not_emptied(tmp_path: Path, folder: Path) -> None:
    """Its files are the very ones that were copied; they lie outside of what is to be moved now."""
    (folder / "sub").mkdir()
    (folder / "sub" / "a").write_bytes(b"inside")

    class Moving(LocalSource):
        def delete(self, item: Item) -> None:
            if item.key == "sub/a":
                (folder / "sub").rename(tmp_path / "outside")
                (folder / "sub").symlink_to(tmp_path / "outside")
            super().delete(item)

    work = Work(tmp_path, Moving(folder))
    work.run(delete_source=True)
    assert work.outcomes(delete_source=True) == {"a": "done", "b": "done", "sub/a": "SOURCE_CHANGED"}
    assert (tmp_path / "outside" / "a").read_bytes() == b"inside"


@pytest.mark.parametrize("above", [False, True])
def test_a_folder_that_became_a_link_before_it_is_listed_shows_nothing_of_elsewhere(
    tmp_path: Path, folder: Path, above: bool
) -> None:
    """Its page comes after that of the root, or of the folder above it."""
    listed = folder / "sub" / "deeper" if above else folder / "sub"
    listed.mkdir(parents=True)
    (tmp_path / "outside" / "deeper").mkdir(parents=True)
    (tmp_path / "outside" / "secret").write_bytes(b"secret")
    (tmp_path / "outside" / "deeper" / "secret").write_bytes(b"secret")
    pages = LocalSource(folder).pages()
    while next(page for page in pages if page.cursor is not None).cursor != ("sub" if above else ""):
        pass
    (folder / "sub").rename(tmp_path / "away")
    (folder / "sub").symlink_to(tmp_path / "outside")
    found = [entry for page in pages for entry in page.entries]
    assert [(entry.key, entry.code) for entry in found] == [  # type: ignore[union-attr]
        ("sub/deeper" if above else "sub", "SOURCE_CHANGED")
    ]


def test_a_listing_that_goes_on_tells_of_a_folder_that_cannot_be_read_any_more(tmp_path: Path, folder: Path) -> None:
    """What it had not come to in it would be missing without a word."""
    for name in ("x", "y"):
        (folder / "sub" / name).mkdir(parents=True)
        (folder / "sub" / name / "file").write_bytes(b"1")
    (folder / "sub").rename(tmp_path / "away")
    (folder / "sub").symlink_to(tmp_path / "away")
    found = [entry for page in LocalSource(folder).pages("sub/x") for entry in page.entries]
    assert ("sub", "SOURCE_CHANGED") in [(entry.key, getattr(entry, "code", "")) for entry in found]


def test_a_listing_goes_on_before_a_folder_that_could_not_be_read(tmp_path: Path, folder: Path) -> None:
    """So that what is told of it is told once."""
    (folder / "sub").mkdir()
    pages = LocalSource(folder).pages()
    cursors = [next(page.cursor for page in pages if page.cursor is not None)]
    (folder / "sub").rename(tmp_path / "away")
    (folder / "sub").symlink_to(tmp_path / "away")
    rest = list(pages)
    assert [(entry.key, entry.code) for page in rest for entry in page.entries] == [("sub", "SOURCE_CHANGED")]  # type: ignore[union-attr]
    assert (cursors, [page.cursor for page in rest]) == ([""], [None])


class Denied(LocalSource):
    """A disk with a folder of the system's own, as each has one."""

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Iterator[Page]:
        yield Page((Oddity("lost+found", "failed", "SOURCE_DENIED", "", folder=True),), None)
        yield from super().pages(cursor, meant)


def test_an_excluded_folder_that_may_not_be_read_fails_nothing(tmp_path: Path, folder: Path) -> None:
    work = Work(tmp_path, Denied(folder))
    work.run()
    assert work.outcomes()["lost+found"] == "SOURCE_DENIED"
    filters = Filters(exclude=("lost+found/**",))
    assert work.run("second", filters=filters).counts.failed == 0
    assert work.outcomes("second", filters=filters)["lost+found"] == "excluded"


def test_a_folder_in_which_nothing_is_included_is_not_looked_into(tmp_path: Path, folder: Path) -> None:
    """One that would be looked into by its name alone is still told when it cannot be read."""
    for path in ("docs/sub/a.pdf", "other/deep/a.pdf", "docs/a.txt"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"-")
    work, filters = Work(tmp_path, Denied(folder)), Filters(include=("docs/**/*.pdf",))
    assert work.run(filters=filters).counts.failed == 0
    assert work.outcomes(filters=filters) == {
        "a": "not_included",
        "b": "not_included",
        "docs/a.txt": "not_included",
        "docs/sub/a.pdf": "done",
        "lost+found": "not_included",
        "other": "not_included",
    }
    work.run("second", filters=Filters(include=("*.pdf",)))
    assert work.outcomes("second", filters=Filters(include=("*.pdf",)))["lost+found"] == "SOURCE_DENIED"


def test_a_share_that_is_gone_ends_the_job_and_nothing_is_failed_for_it(tmp_path: Path, folder: Path) -> None:
    source = Busy(folder)
    source.before = staticmethod(lambda: folder.rename(tmp_path / "unmounted"))  # type: ignore[assignment]
    work = Work(tmp_path, source)
    with pytest.raises(SourceError):
        work.run()
    assert set(work.outcomes().values()) <= {"in_flight", "pending", "done"}
    (tmp_path / "unmounted").rename(folder)
    source.before = staticmethod(lambda: None)  # type: ignore[assignment]
    assert work.run().counts.done == 2


def test_a_file_that_changed_after_the_listing_is_copied_as_it_is_now(tmp_path: Path, folder: Path) -> None:
    source = Busy(folder)
    source.before = staticmethod(lambda: (folder / "a").write_bytes(b"newer"))  # type: ignore[assignment]
    work = Work(tmp_path, source)
    assert work.run().moved == len(b"newer") + len(b"quiet")
    assert contents(work.destination) == {"a": b"newer", "b": b"quiet"}


class Damaged(LocalSource):
    """This process's own memory as a file: Linux answers its first byte with EIO, as a disk does a bad sector."""

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Iterator[Page]:
        yield Page((Item("mem", 0, 1, "1"), Item("comm", 0, 1, "1")), "")


def test_what_the_disk_cannot_read_fails_alone(tmp_path: Path) -> None:
    work = Work(tmp_path, Damaged("/proc/self"))
    work.run()
    assert work.outcomes() == {"mem": "SOURCE_UNREADABLE", "comm": "SOURCE_CHANGED"}
    assert contents(work.destination) == {}
