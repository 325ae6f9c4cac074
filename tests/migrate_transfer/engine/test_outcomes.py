"""Every item ends in exactly one outcome: what is there already, what is in the way, what the filters leave out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.backends.memory import Memory, MemorySender
from migrate_transfer.core.backend import Content, Features, Receipt, Streams, Upload
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import AlreadyRunning, InvalidRequest, Stopped
from migrate_transfer.core.plan import Filters
from migrate_transfer.engine.transfer import Transfer
from migrate_transfer.spec import Kind
from tests.migrate_transfer.engine.work import Work, contents, holding


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path, holding(a=b"one", b=b"two"))


def there(work: Work) -> Memory:
    assert isinstance(work.destination, Memory)
    return work.destination


def here(work: Work) -> Memory:
    assert isinstance(work.source, Memory)
    return work.source


def test_what_is_copied_is_done_with_its_digest(work: Work) -> None:
    totals = work.run()
    assert (totals.counts.done, totals.moved, totals.sent) == (2, 6, 6)
    assert contents(work.destination) == {"a": b"one", "b": b"two"}
    assert work.entries()["a"].sha256 == hashlib.sha256(b"one").hexdigest()
    assert work.entries()["a"].level == "received"


def test_a_second_job_finds_the_same_content_and_sends_nothing(work: Work) -> None:
    work.run()
    totals = work.run("second")
    assert work.outcomes("second") == {"a": "unchanged", "b": "unchanged"}
    assert totals.sent == 0


def test_an_object_that_a_broken_off_listing_saw_and_that_is_gone_is_sent(work: Work) -> None:
    work.run()
    with work.books("second") as books:
        books.there(there(work).stored())
    there(work).objects.clear()
    work.run("second")
    assert work.outcomes("second") == {"a": "done", "b": "done"}
    assert contents(work.destination) == {"a": b"one", "b": b"two"}


def test_what_changed_since_is_sent_again(work: Work) -> None:
    work.run()
    here(work).keep("b", b"six")
    work.run("second")
    assert work.outcomes("second") == {"a": "unchanged", "b": "done"}
    assert contents(work.destination)["b"] == b"six"


@pytest.mark.parametrize(
    ("data", "overwrite", "outcome", "left"),
    [
        (b"one", False, "unchanged", b"one"),
        (b"ONE", False, "DESTINATION_EXISTS", b"ONE"),
        (b"another", False, "DESTINATION_EXISTS", b"another"),
        (b"another", True, "done", b"one"),
        (b"ONE", True, "done", b"one"),
    ],
)
def test_somebody_elses_object(work: Work, data: bytes, overwrite: bool, outcome: str, left: bytes) -> None:
    there(work).keep("a", data)
    work.run(overwrite=overwrite)
    assert work.outcomes(overwrite=overwrite) == {"a": outcome, "b": "done"}
    assert contents(work.destination)["a"] == left


@pytest.mark.parametrize("size", [3, 7])
def test_a_second_source_does_not_replace_what_the_first_put(work: Work, size: int) -> None:
    """Files of the same name, some with the same content, under the same prefix."""
    work.run()
    second = holding(a=b"one", b=b"x" * size)
    second.mark = "fedcba9876543210"
    work.source = second
    work.run("second")
    assert work.outcomes("second") == {"a": "unchanged", "b": "DESTINATION_EXISTS"}
    assert contents(work.destination)["b"] == b"two"
    work.run("third", overwrite=True)
    assert work.outcomes("third", overwrite=True) == {"a": "unchanged", "b": "done"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_archived_object_is_never_replaced(tmp_path: Path, overwrite: bool) -> None:
    work = Work(tmp_path, holding(a=b"old", b=b"same"))
    work.run()
    for kept in there(work).objects.values():
        kept.tier = "archive"
    here(work).keep("a", b"other")
    work.run("second", overwrite=overwrite)
    assert work.outcomes("second", overwrite=overwrite) == {"a": "DESTINATION_ARCHIVED", "b": "unchanged"}
    assert contents(work.destination)["a"] == b"old"


def test_filters_leave_out_by_a_named_rule(tmp_path: Path) -> None:
    source = holding({"a.txt": b"1", "b.tmp": b"2", ".c.tmp": b"3", "docs/d.txt": b"4", "docs/e/f.pdf": b"5"})
    work = Work(tmp_path, source)
    filters = Filters(include=("*.txt", "*.tmp"), exclude=("*.tmp",))
    totals = work.run(filters=filters)
    assert work.outcomes(filters=filters) == {
        "a.txt": "done",
        "b.tmp": "excluded",
        ".c.tmp": "excluded",
        "docs/d.txt": "done",
        "docs/e/f.pdf": "not_included",
    }
    assert totals.counts.skips == {"excluded": 2, "not_included": 1}


def test_names_that_are_one_at_the_destination_do_not_overwrite_each_other(tmp_path: Path) -> None:
    source = holding({"READ": b"1", "read": b"2", "caf\u00e9": b"3", "cafe\u0301": b"4"})
    work = Work(tmp_path, source, Memory(features=Features(folds_case=True, folds_unicode=True)))
    work.run()
    assert sorted(work.outcomes().values()) == ["NAME_COLLISION", "NAME_COLLISION", "done", "done"]
    assert len(contents(work.destination)) == 2


def test_what_the_destination_cannot_hold_is_told_and_the_rest_goes(tmp_path: Path) -> None:
    limits = Features(longest_key=5, most_parts=3, largest=4)
    source = holding({"abcdef": b"1", "a/b/c": b"2", "a/b/c/d": b"3", "big": b"12345", "fits": b"1234"})
    work = Work(tmp_path, source, Memory(features=limits))
    work.run()
    assert work.outcomes() == {
        "abcdef": "NAME_TOO_LONG",
        "a/b/c": "done",
        "a/b/c/d": "NAME_TOO_LONG",
        "big": "FILE_TOO_LARGE",
        "fits": "done",
    }


def test_files_that_claim_to_be_larger_than_any_disk_fail_alone(tmp_path: Path) -> None:
    """Sparse files of 7 EiB each, as a file system in memory has them: their sum is no number of 64 bits."""
    with TemporaryDirectory(dir="/dev/shm") as folder:
        for name in ("a", "b"):
            (Path(folder) / name).touch()
            os.truncate(Path(folder) / name, 7 * 2**60)
        (Path(folder) / "c").write_bytes(b"small")
        work = Work(tmp_path, LocalSource(folder), Memory(features=Features(largest=2**40)))
        totals = work.run()
    assert work.outcomes() == {"a": "FILE_TOO_LARGE", "b": "FILE_TOO_LARGE", "c": "done"}
    assert totals.moved == 5


def test_the_job_folder_of_another_transfer_is_refused(work: Work) -> None:
    work.run()
    with pytest.raises(InvalidRequest) as caught:
        work.run(overwrite=True)
    assert caught.value.error_code == "OTHER_TRANSFER"


def test_a_job_goes_on_though_its_project_has_another_time_zone_now(work: Work) -> None:
    """It failed, and nobody could give an agent's job the settings it was begun with, or another folder."""
    work.scan()
    assert work.run(filters=Filters(zone="America/Chicago")).counts.pending == 0


def test_a_second_run_on_one_job_folder_is_refused(work: Work) -> None:
    transfer = Transfer(work.folder / "first", work.spec(), work.source, work.destination)
    with transfer.ledger.lease(), pytest.raises(AlreadyRunning):
        work.run()
    transfer.close()
    assert work.run().counts.done == 2


class Leaving(Memory):
    """Its sender leaves what it was given, for a stop is asked for: as a helper leaves what it has not begun."""

    def sender(self, streams: Streams, control: Control) -> MemorySender:
        class Stopping(MemorySender):
            def put_all(self, contents: Iterator[Content]) -> Iterator[tuple[Upload, Receipt | Exception]]:
                list(contents)
                control.stop("paused")
                return iter(())

        return Stopping(self, control)


def test_a_job_whose_last_items_were_left_for_a_stop_is_not_finished(work: Work) -> None:
    work.destination = Leaving()
    with pytest.raises(Stopped, match="paused"):
        work.run()


def test_a_finished_job_run_again_does_nothing(work: Work) -> None:
    before = work.run()
    here(work).keep("c", b"new")
    assert work.run() == before
    assert "c" not in contents(work.destination)


def test_without_verification_size_and_time_decide(work: Work) -> None:
    work.run(verify=False)
    assert work.run("second", verify=False).counts.unchanged == 2
    here(work).keep("a", b"ONE", modified=99)
    work.run("third", verify=False, overwrite=True)
    assert work.outcomes("third", verify=False, overwrite=True) == {"a": "done", "b": "unchanged"}


def test_what_this_source_put_without_verification_is_replaced_by_content_of_the_same_size(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one"))
    work.run(verify=False)
    work.source.keep("a", b"two", modified=2)  # type: ignore[attr-defined]
    work.run("second")
    assert work.outcomes("second") == {"a": "done"}
    assert contents(work.destination) == {"a": b"two"}


@pytest.mark.parametrize(("kind", "options"), [("sync", {}), ("copy", {"verify": False})])
def test_the_size_and_time_of_another_machines_object_say_nothing(
    tmp_path: Path, kind: Kind, options: dict[str, bool]
) -> None:
    first = Work(tmp_path, holding(a=b"one"))
    first.run()
    second = Work(tmp_path, holding(a=b"two"), first.destination, kind)
    second.source.mark = "another"
    second.run("second", passes=1, **options)
    assert second.outcomes("second", **options) == {"a": "DESTINATION_EXISTS"}
