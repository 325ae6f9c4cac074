"""Jobs as operators write and read them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from migrate_api.billing import cost
from migrate_api.protocol.spec import JobSpec, Model, Name, Secret
from migrate_api.protocol.states import JobStatus, JobType, steps
from migrate_api.tables import Job


class JobRequest(JobSpec):
    """A job to create. Without a destination the project's own is taken."""

    name: Name
    project_id: str = Field(max_length=64)
    agent_id: str = Field(max_length=64)
    allow_offline: bool = Field(default=False, description="create it although the agent is offline: it waits for it")


class Again(Model):
    """What is different in a job that is done again. Without a name it has the old one and `(again)`. A key or password
    that is no longer taken is replaced here."""

    name: Name | None = None
    agent_id: str | None = Field(default=None, max_length=64)
    allow_offline: bool = False
    connection_string: Secret | None = None
    mission_integration_key: Secret | None = None


class Seen(BaseModel):
    """A row as it is shown."""

    model_config = ConfigDict(from_attributes=True)


class JobView(Seen):
    """A job. Files are records for an import. `wanted`: `pause` or `resume` that the agent has not obeyed yet."""

    id: str
    name: str
    project_id: str
    client_id: str
    agent_id: str
    type: JobType
    status: JobStatus
    paused_in: JobStatus | None
    wanted: str | None
    legal_next: list[JobStatus]
    spec: dict[str, Any] = Field(description="as it was asked for; secrets are null")
    rerun_of: str | None
    retry_of: str | None
    error_code: str | None
    error_message: str | None
    error_remedy: str | None
    files_total: int | None
    files_completed: int
    files_unchanged: int
    files_skipped: int = Field(description="left out by a rule")
    files_failed: int
    bytes_total: int | None
    bytes_completed: int = Field(description="of files that are whole at the destination")
    bytes_left: int | None = Field(description="still to be read, what is in flight not counted; null: not known")
    mailboxes_completed: int
    speed_mbps: float
    seconds_remaining: float | None
    entities: dict[str, Any]
    runs: list[str]
    result: dict[str, Any] | None
    estimated_cost_usd: Decimal
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    reported_at: datetime | None


def view(job: Job) -> JobView:
    """A job as it is shown."""
    row = {name: getattr(job, name) for name in JobView.model_fields if hasattr(job, name)}
    return JobView(
        **row,
        legal_next=sorted(steps(job.status, job.paused_in)),
        speed_mbps=round(job.bytes_per_second * 8 / 1e6, 3),
        seconds_remaining=_remaining(job),
        estimated_cost_usd=cost(job.bytes_completed, job.mailboxes_completed),
    )


def _remaining(job: Job) -> float | None:
    """Remaining bytes over the current speed; for records, whose bytes nobody knows before, by the rate so far."""
    if job.status is not JobStatus.RUNNING:
        return None
    left = _bytes_left(job)
    if left is not None and job.bytes_per_second > 0:
        return round(left / job.bytes_per_second, 1)
    settled = job.files_completed + job.files_unchanged + job.files_skipped + job.files_failed
    if not job.files_total or not settled or job.started_at is None or job.reported_at is None:
        return None
    rate = settled / max(0.001, (job.reported_at - job.started_at).total_seconds())
    return round(max(0, job.files_total - settled) / rate, 1)


def _bytes_left(job: Job) -> int | None:
    """As the agent said; an older one does not, and then what was skipped or there before counts as left."""
    if job.bytes_left is not None or job.bytes_total is None:
        return job.bytes_left
    return max(0, job.bytes_total - job.bytes_completed)


class ItemView(Seen):
    """An item that failed."""

    key: str
    entity: str | None
    code: str
    message: str
    remedy: str
    at: datetime


class EventView(Seen):
    """A line of a job's history."""

    number: int
    at: datetime
    actor: str
    name: str
    from_status: str | None
    to_status: str | None
    why: str
    details: dict[str, Any]
    previous: str
    hash: str


class LogView(Seen):
    """A piece of a job's log."""

    token: int
    number: int
    at: datetime
    text: str


class SpeedPoint(BaseModel):
    """Speed at a moment."""

    at: datetime
    mbps: float
    bytes_completed: int
