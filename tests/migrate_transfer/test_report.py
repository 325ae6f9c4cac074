"""What a transfer's report says of it."""

from __future__ import annotations

from pathlib import Path

from migrate_transfer.report import summary
from tests.migrate_transfer.engine.work import Work


def test_a_job_that_had_nothing_to_move_has_no_rate_of_success(tmp_path: Path) -> None:
    """A wrong folder, or filters that leave everything out: the report said that all had gone well."""
    work = Work(tmp_path)
    assert summary(work.spec(), work.run(), 1.0)["success_rate"] is None
