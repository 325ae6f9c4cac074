"""A copy is proven before anything leans on it: a change at the destination is caught, and the source survives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.backends.memory import Memory, MemorySender
from migrate_transfer.core.backend import Content, Receipt, Streams, Tier, Upload
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import ItemError
from tests.fakes.azurite import Azurite, destination
from tests.migrate_transfer.engine.work import Work, contents, holding

MIB = 2**20


@dataclass
class Tampered(Memory):
    """Somebody changes these objects right after they were put; `stealthily`, so that their etag stays."""

    tamper: dict[str, bytes] = field(default_factory=dict)
    stealthily: bool = False

    def sender(self, streams: Streams, control: Control) -> MemorySender:
        return TamperedSender(self, control)


class TamperedSender(MemorySender):
    """Puts as ever, and then the others come."""

    _memory: Tampered

    def put_all(self, contents: Iterator[Content]) -> Iterator[tuple[Upload, Receipt | Exception]]:
        for upload, result in super().put_all(contents):
            changed = self._memory.tamper.get(upload.item.key)
            if changed is not None and self._memory.stealthily:
                self._memory.objects[upload.item.key].data = changed
            elif changed is not None:
                self._memory.keep(upload.item.key, changed)
            yield upload, result


def tiers(work: Work) -> dict[str, str]:
    return {key: kept.tier for key, kept in work.destination.objects.items()}  # type: ignore[attr-defined]


class Immovable(Memory):
    """Its objects stay in their tier."""

    def sender(self, streams: Streams, control: Control) -> MemorySender:
        class Refusing(MemorySender):
            def tier_all(self, keys: Iterator[str], tier: Tier) -> Iterator[tuple[str, Exception | None]]:
                yield from ((key, ItemError("It is leased.", code="LEASED")) for key in keys)

        return Refusing(self, control)


@dataclass
class Counted(Memory):
    """Counts how many it is asked to read back together."""

    asked: list[int] = field(default_factory=list)

    def sender(self, streams: Streams, control: Control) -> MemorySender:
        asked = self.asked

        class Counting(MemorySender):
            def reread_all(self, keys: Iterator[str]) -> Iterator[tuple[str, str | Exception]]:
                together = list(keys)
                asked.append(len(together))
                return super().reread_all(iter(together))

        return Counting(self, control)


def test_a_copy_changed_before_it_is_read_back_fails_and_its_source_survives(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one", b=b"two"), Tampered(tamper={"a": b"0ne"}))
    work.run(delete_source=True)
    assert work.outcomes(delete_source=True) == {"a": "VERIFICATION_FAILED", "b": "done"}
    assert contents(work.source) == {"a": b"one"}
    assert contents(work.destination) == {"a": b"0ne", "b": b"two"}


def test_nobody_is_told_to_remove_what_another_program_wrote(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one"), Tampered(tamper={"a": b"theirs"}))
    work.run(reread=True)
    assert work.entries(reread=True)["a"].remedy.startswith("If no other program has written the object")


def test_a_copy_that_rotted_under_our_etag_is_removed_and_its_source_survives(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one", b=b"two"), Tampered(tamper={"a": b"0ne"}, stealthily=True))
    work.run(delete_source=True)
    assert work.outcomes(delete_source=True) == {"a": "VERIFICATION_FAILED", "b": "done"}
    assert contents(work.source) == {"a": b"one"}
    assert contents(work.destination) == {"b": b"two"}


def test_a_copy_that_is_gone_before_it_is_read_back_keeps_its_source(tmp_path: Path) -> None:
    class Removing(TamperedSender):
        def reread_all(self, keys: Iterator[str]) -> Iterator[tuple[str, str | Exception]]:
            self._memory.objects.clear()
            yield from super().reread_all(keys)

    class Robbed(Tampered):
        def sender(self, streams: Streams, control: Control) -> MemorySender:
            return Removing(self, control)

    work = Work(tmp_path, holding(a=b"one"), Robbed())
    work.run(delete_source=True)
    assert work.outcomes(delete_source=True) == {"a": "DESTINATION_GONE"}
    assert contents(work.source) == {"a": b"one"}


def test_what_was_there_already_is_read_back_before_its_source_is_deleted(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one", b=b"two"))
    work.run()
    there = work.destination
    assert isinstance(there, Memory)
    there.objects["a"].data = b"0ne"
    work.run("second", delete_source=True)
    assert work.outcomes("second", delete_source=True) == {"a": "VERIFICATION_FAILED", "b": "unchanged"}
    assert contents(work.source) == {"a": b"one"}


def test_somebody_elses_equal_object_is_read_before_its_source_is_deleted(tmp_path: Path) -> None:
    there = holding(a=b"one", b=b"TWO")
    work = Work(tmp_path, holding(a=b"one", b=b"two"), there)
    work.run(delete_source=True)
    assert work.outcomes(delete_source=True) == {"a": "unchanged", "b": "DESTINATION_EXISTS"}
    assert contents(work.source) == {"b": b"two"}


def test_archived_is_only_what_was_read_back(tmp_path: Path) -> None:
    there = Tampered(tamper={"a": b"0ne"})
    work = Work(tmp_path, holding(a=b"one", b=b"two"), there, kind="archive")
    work.run(tier="archive", reread=True)
    assert work.outcomes(tier="archive", reread=True) == {"a": "VERIFICATION_FAILED", "b": "done"}
    assert {key: kept.tier for key, kept in there.objects.items()} == {"a": "hot", "b": "archive"}


def test_what_an_earlier_job_archived_is_unchanged(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one"), kind="archive")
    work.run(tier="archive", reread=True)
    totals = work.run("second", tier="archive", reread=True)
    entry = work.entries("second", tier="archive", reread=True)["a"]
    assert (entry.outcome, entry.level, totals.sent) == ("unchanged", "received", 0)


def test_what_is_there_goes_to_the_tier_that_a_second_run_asks_for(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one", b=b"two", c=b"three"), holding(b=b"two"))
    work.run()
    work.destination.objects["c"].tier = "archive"  # type: ignore[attr-defined]
    totals = work.run("second", tier="cool")
    assert set(work.outcomes("second", tier="cool").values()) == {"unchanged"}
    assert (tiers(work), totals.sent) == ({"a": "cool", "b": "cool", "c": "archive"}, 0)
    assert work.entries("second", tier="cool")["a"].level == "received"


def test_a_run_that_asks_for_no_tier_leaves_them(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one"))
    work.run()
    work.destination.objects["a"].tier = "cold"  # type: ignore[attr-defined]
    work.run("second")
    assert tiers(work) == {"a": "cold"}


def test_the_passes_of_a_sync_leave_the_tiers_to_the_account(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one"), kind="sync")
    work.run(tier="cool", passes=1)
    work.destination.objects["a"].tier = "cold"  # type: ignore[attr-defined]
    work.run(tier="cool", passes=1)
    assert tiers(work) == {"a": "cold"}


def test_a_source_is_deleted_only_once_its_copy_is_in_its_tier(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one"), Immovable())
    work.run()
    work.run("second", tier="cold", delete_source=True)
    assert work.outcomes("second", tier="cold", delete_source=True) == {"a": "LEASED"}
    assert contents(work.source) == {"a": b"one"}


def test_many_that_are_there_already_are_proven_by_and_by(tmp_path: Path) -> None:
    """Not all together at the end: there may be millions."""
    there = Counted()
    work = Work(tmp_path, holding({f"{number:04}": b"x" for number in range(3_000)}), there)
    work.run()
    work.run("second", tier="archive")
    assert set(work.outcomes("second", tier="archive").values()) == {"unchanged"}
    assert max(there.asked) < 2_000


def test_no_source_is_deleted_for_an_archived_object_that_cannot_be_read(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one"), kind="archive")
    work.run(tier="archive", reread=True)
    work.run("second", tier="archive", delete_source=True)
    assert work.outcomes("second", tier="archive", delete_source=True) == {"a": "DESTINATION_ARCHIVED"}
    assert contents(work.source) == {"a": b"one"}


def test_a_source_changed_after_it_was_read_is_not_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a").write_bytes(b"one")
    (folder / "b").write_bytes(b"two")

    class Writing(Tampered):
        def sender(self, streams: Streams, control: Control) -> MemorySender:
            return WritingSender(self, control)

    class WritingSender(MemorySender):
        def put_all(self, contents: Iterator[Content]) -> Iterator[tuple[Upload, Receipt | Exception]]:
            for upload, result in super().put_all(contents):
                if upload.item.key == "a":
                    (folder / "a").write_bytes(b"new")
                yield upload, result

    work = Work(tmp_path, LocalSource(folder), Writing())
    work.run(delete_source=True)
    assert work.outcomes(delete_source=True) == {"a": "SOURCE_CHANGED", "b": "done"}
    assert [path.name for path in folder.iterdir()] == ["a"]


def test_links_to_one_file_are_each_copied_and_deleted(tmp_path: Path) -> None:
    """Deleting one changes the other's time of change, and nothing of its content."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a").write_bytes(b"one")
    (folder / "b").hardlink_to(folder / "a")
    work = Work(tmp_path, LocalSource(folder))
    work.run(delete_source=True)
    assert work.outcomes(delete_source=True) == {"a": "done", "b": "done"}
    assert list(folder.iterdir()) == []


def test_what_was_copied_unverified_is_read_before_its_source_is_deleted(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one", b=b"two"))
    work.run(verify=False)
    assert isinstance(work.destination, Memory)
    work.destination.objects["b"].data = b"2wo"
    work.run("second", verify=False, delete_source=True)
    assert work.outcomes("second", verify=False, delete_source=True) == {"a": "unchanged", "b": "done"}
    assert (contents(work.source), contents(work.destination)) == ({}, {"a": b"one", "b": b"two"})


@pytest.mark.parametrize("size", [100, 3 * MIB])
def test_an_object_of_azure_changed_by_its_owner_is_caught(tmp_path: Path, azurite: Azurite, size: int) -> None:
    """The owner gets in between the upload and the reading back: the job is paused there."""
    container = azurite.container(f"owner{size}")
    work = Work(
        tmp_path, holding(a=b"a" * size, b=b"b"), destination(azurite.endpoint, container.container_name, chunk=MIB)
    )
    work.run()
    container.upload_blob(
        "a", b"A" * size, overwrite=True, metadata=container.get_blob_client("a").get_blob_properties().metadata
    )
    work.run("second", delete_source=True)
    assert work.outcomes("second", delete_source=True) == {"a": "VERIFICATION_FAILED", "b": "unchanged"}
    assert contents(work.source) == {"a": b"a" * size}


def test_what_could_not_be_archived_was_not_moved(tmp_path: Path) -> None:
    """Some accounts have no Archive tier: each file of the job fails so, and is edited afterwards."""
    work = Work(tmp_path, holding(a=b"one"), Immovable(), kind="archive")
    work.run(tier="archive", delete_source=True)
    assert work.outcomes(tier="archive", delete_source=True) == {"a": "LEASED"}
    work.source = holding(a=b"edited")
    work.run("second")
    assert contents(work.destination) == {"a": b"edited"}
