"""What a manifest's check says of items that the job itself has not brought there."""

from __future__ import annotations

from pathlib import Path

from migrate_transfer.core.control import Control
from migrate_transfer.manifest import Verified, verify, write_manifest
from tests.migrate_transfer.engine.work import Work, holding


def checked(work: Work) -> Verified:
    with work.books() as ledger:
        write_manifest(ledger, work.spec(), work.folder / "manifest.jsonl")
    return verify(work.folder / "manifest.jsonl", work.destination, 1, Control(), lambda count: None)


def test_what_failed_is_not_there_and_told(tmp_path: Path) -> None:
    """A script that deletes its source once the check is clean would delete the only copy."""
    work = Work(tmp_path, holding(a=b"one", b=b"two"), holding(b=b"somebody else's"))
    work.run()
    found = checked(work)
    assert (found.counts, found.clean) == ({"same": 1, "failed": 1}, False)
    assert [(one.key, one.message[:18]) for one in found.differences] == [("b", "DESTINATION_EXISTS")]


def test_what_a_job_that_was_broken_off_did_not_come_to_is_told(tmp_path: Path) -> None:
    work = Work(tmp_path, holding(a=b"one"))
    work.scan()
    found = checked(work)
    assert (found.counts, found.clean) == ({"pending": 1}, False)
