"""What a job can be, what may follow, and which kinds of work fit which kinds of project."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class JobStatus(StrEnum):
    """Where a job is; `completed`, `failed` and `cancelled` are final."""

    CREATED = "created"
    SCANNING = "scanning"
    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED})
ACTIVE = frozenset({JobStatus.SCANNING, JobStatus.READY, JobStatus.RUNNING})

_ANY_TIME = frozenset({JobStatus.FAILED, JobStatus.CANCELLED})
_STEPS: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.CREATED: _ANY_TIME | {JobStatus.SCANNING, JobStatus.PAUSED},
    JobStatus.SCANNING: _ANY_TIME | {JobStatus.READY, JobStatus.PAUSED},
    JobStatus.READY: _ANY_TIME | {JobStatus.RUNNING, JobStatus.PAUSED},
    JobStatus.RUNNING: _ANY_TIME | {JobStatus.COMPLETED, JobStatus.PAUSED},
    JobStatus.COMPLETED: frozenset(),
    JobStatus.FAILED: frozenset(),
    JobStatus.CANCELLED: frozenset(),
}


def steps(status: JobStatus, paused_in: JobStatus | None = None) -> frozenset[JobStatus]:
    """The states that may follow. A paused job goes back to the state it was paused in."""
    if status is JobStatus.PAUSED:
        return _ANY_TIME | ({paused_in} if paused_in else set())
    return _STEPS[status]


class JobType(StrEnum):
    """Kinds of work."""

    ARCHIVE = "archive"
    MIGRATE_FILES = "migrate_files"
    MIGRATE_MAILBOX = "migrate_mailbox"
    SYNC = "sync"
    ROCKRMS_IMPORT = "rockrms_import"


class ProjectType(StrEnum):
    """Kinds of engagement."""

    FILE_MIGRATION = "file_migration"
    MAILBOX_MIGRATION = "mailbox_migration"
    ARCHIVE = "archive"
    FULL_MIGRATION = "full_migration"
    ROCKRMS_IMPORT = "rockrms_import"


class ProjectStatus(StrEnum):
    """Where an engagement is."""

    PLANNING = "planning"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    AUTH_REQUIRED = "auth_required"


JOB_TYPES: Mapping[ProjectType, frozenset[JobType]] = {
    ProjectType.FILE_MIGRATION: frozenset({JobType.MIGRATE_FILES, JobType.SYNC}),
    ProjectType.MAILBOX_MIGRATION: frozenset({JobType.MIGRATE_MAILBOX}),
    ProjectType.ARCHIVE: frozenset({JobType.ARCHIVE}),
    ProjectType.FULL_MIGRATION: frozenset(JobType),
    ProjectType.ROCKRMS_IMPORT: frozenset({JobType.ROCKRMS_IMPORT}),
}
"""Which job types a project of each type may hold."""


class CommandName(StrEnum):
    """Orders to an agent."""

    START_JOB = "start_job"
    PAUSE_JOB = "pause_job"
    RESUME_JOB = "resume_job"
    CANCEL_JOB = "cancel_job"
    TEST_CONNECTION = "test_connection"
