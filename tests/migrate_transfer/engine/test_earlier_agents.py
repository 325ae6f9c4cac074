"""A job that went to another agent, whose machine sees the same folder."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from migrate_transfer.backends.memory import Memory
from migrate_transfer.core.control import Control
from migrate_transfer.engine.transfer import Transfer
from tests.migrate_transfer.engine.work import Work, holding

ARCHIVED: dict[str, Any] = {"tier": "archive", "delete_source": True}
OTHER = "fedcba9876543210"
"""The mark of the same folder, seen from another machine."""


@pytest.mark.parametrize("copied_first", [True, False])
@pytest.mark.parametrize(
    ("earlier", "moved", "outcome"),
    [({OTHER}, True, "unchanged"), (set(), True, "SOURCE_GONE"), ({OTHER}, False, "SOURCE_GONE")],
)
def test_what_an_earlier_agent_of_the_job_moves_is_there(
    tmp_path: Path, earlier: set[str], moved: bool, outcome: str, copied_first: bool
) -> None:
    """It has not heard yet that it lost the job: what its successor has listed goes."""
    source, destination = holding(a=b"one"), Memory()
    work = Work(tmp_path, Memory(source.objects, earlier=frozenset(earlier)), destination)
    other = Work(tmp_path / "other", Memory(source.objects, mark=OTHER), destination)
    if copied_first:
        other.run()
    with closing(Transfer(tmp_path / "first", work.spec(delete_source=True), work.source, destination)) as transfer:
        transfer.scan(Control())
    other.run()
    destination.mark_moved("a", moved=moved)
    del source.objects["a"]
    work.run(delete_source=True)
    assert work.outcomes(delete_source=True) == {"a": outcome}


def test_what_an_earlier_agent_of_the_job_archives_and_deletes_is_there(tmp_path: Path) -> None:
    source, destination = holding(a=b"one"), Memory()
    work = Work(tmp_path, Memory(source.objects, earlier=frozenset({OTHER})), destination, "archive")
    other = Work(tmp_path / "other", Memory(source.objects, mark=OTHER), destination, "archive")
    work.scan(**ARCHIVED)
    other.run(**ARCHIVED)
    work.run(**ARCHIVED)
    assert work.outcomes(**ARCHIVED) == {"a": "unchanged"}


@pytest.mark.parametrize("moved", [True, False])
def test_what_another_agent_has_moved_is_not_removed_as_a_wrong_copy(tmp_path: Path, moved: bool) -> None:
    """Its source is gone: what is left of it is nowhere else."""
    source, there = holding(a=b"one"), Memory()
    work = Work(tmp_path, source, there)
    work.scan(delete_source=True)
    with work.books(delete_source=True) as ledger:
        ledger.claim([row.number for row in ledger.waiting(0, 10)])
    Work(tmp_path / "other", source, there).run()
    there.mark_moved("a", moved=moved)
    there.objects["a"].data = b"0ne"
    del source.objects["a"]
    work.run(delete_source=True)
    assert work.outcomes(delete_source=True) == {"a": "VERIFICATION_FAILED"}
    assert "a" in there.objects
