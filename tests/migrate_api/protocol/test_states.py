"""Which state may follow which, exactly as the transition table says."""

from __future__ import annotations

import pytest

from migrate_api.protocol.states import FINAL, JOB_TYPES, JobStatus, JobType, ProjectType, steps

TABLE = {
    "created": {"scanning", "paused", "failed", "cancelled"},
    "scanning": {"ready", "paused", "failed", "cancelled"},
    "ready": {"running", "paused", "failed", "cancelled"},
    "running": {"completed", "paused", "failed", "cancelled"},
    "completed": set(),
    "failed": set(),
    "cancelled": set(),
}


@pytest.mark.parametrize("status", TABLE)
def test_what_may_follow(status: str) -> None:
    assert {step.value for step in steps(JobStatus(status))} == TABLE[status]


@pytest.mark.parametrize("before", ["created", "scanning", "ready", "running"])
def test_a_paused_job_goes_back_to_where_it_was(before: str) -> None:
    found = steps(JobStatus.PAUSED, JobStatus(before))
    assert {step.value for step in found} == {before, "failed", "cancelled"}


def test_what_is_final_has_no_next() -> None:
    assert {status for status in JobStatus if status is not JobStatus.PAUSED and not steps(status)} == FINAL


def test_a_full_migration_holds_every_kind_and_the_others_their_own() -> None:
    assert JOB_TYPES[ProjectType.FULL_MIGRATION] == set(JobType)
    assert JOB_TYPES[ProjectType.FILE_MIGRATION] == {JobType.MIGRATE_FILES, JobType.SYNC}
    assert JOB_TYPES[ProjectType.MAILBOX_MIGRATION] == {JobType.MIGRATE_MAILBOX}
    assert JOB_TYPES[ProjectType.ARCHIVE] == {JobType.ARCHIVE}
    assert JOB_TYPES[ProjectType.ROCKRMS_IMPORT] == {JobType.ROCKRMS_IMPORT}
