"""Jobs over HTTP: create, look, order, re-run, delete."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy.orm import Session

from migrate_api import history
from migrate_api.creation import create, repeat, require_key
from migrate_api.dispatch import Dispatch
from migrate_api.doors import Admin, Inside, Member, OrderingMember, PersonDoor, Transaction, Viewer
from migrate_api.errors import not_found, refusals
from migrate_api.job_views import Again, EventView, ItemView, JobRequest, JobView, LogView, SpeedPoint, view
from migrate_api.paging import Cursor, Limit, Page, page
from migrate_api.principals import Person
from migrate_api.protocol.spec import Model
from migrate_api.protocol.states import JobStatus, JobType
from migrate_api.tables import Agent, Event, Job, JobItem, JobLog, ProgressBatch

routes = APIRouter(prefix="/api", tags=["jobs"])
JobId = Annotated[str, Path(max_length=64)]


class Reason(Model):
    """Why; stands in the history."""

    why: str = Field(default="", max_length=1_000)


class Successor(Model):
    """The agent that takes a job over."""

    agent_id: str = Field(max_length=64)


def found_job(session: Session, tenant_id: str, job_id: str) -> Job:
    """Raises Refusal 404, for a deleted one too."""
    job = session.get(Job, job_id)
    if job is None or job.tenant_id != tenant_id or job.deleted_at is not None:
        raise not_found("job")
    return job


def _of(table: type[JobItem | JobLog | ProgressBatch], job: Job) -> tuple[sa.ColumnElement[bool], ...]:
    return table.job_id == job.id, table.tenant_id == job.tenant_id


@routes.post("/jobs", status_code=201, responses=refusals(400, 401, 403, 404, 409, 429))
def create_job(request: JobRequest, caller: Member, session: Transaction, inside: Inside) -> JobView:
    """Create a job; its agent is told to start it at once."""
    return view(create(Dispatch(session, inside.waker), inside.vault, caller, request))


@routes.get("/jobs", responses=refusals(400, 401, 429))
def list_jobs(
    caller: Viewer,
    session: Transaction,
    status: Annotated[list[JobStatus] | None, Query()] = None,
    type: Annotated[list[JobType] | None, Query()] = None,
    agent_id: Annotated[str | None, Query(max_length=64)] = None,
    client_id: Annotated[str | None, Query(max_length=64)] = None,
    project_id: Annotated[str | None, Query(max_length=64)] = None,
    created_after: datetime | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[JobView]:
    """The newest first. Filters are combined; `status` and `type` may be given more than once."""
    query = sa.select(Job).where(Job.tenant_id == caller.tenant_id, Job.deleted_at.is_(None))
    wanted = {Job.agent_id: agent_id, Job.client_id: client_id, Job.project_id: project_id}
    for column, value in wanted.items():
        query = query.where(column == value) if value is not None else query
    query = query.where(Job.status.in_(status)) if status else query
    query = query.where(Job.type.in_(type)) if type else query
    query = query.where(Job.created_at > created_after) if created_after else query
    return page(session, query, Job, limit, cursor, view)


@routes.get("/jobs/{job_id}", responses=refusals(400, 401, 404, 429))
def get_job(job_id: JobId, caller: Viewer, session: Transaction) -> JobView:
    """A job with its live progress."""
    return view(found_job(session, caller.tenant_id, job_id))


@routes.delete("/jobs/{job_id}", status_code=204, responses=refusals(400, 401, 403, 404, 409, 429))
def delete_job(job_id: JobId, caller: Admin, session: Transaction, inside: Inside) -> None:
    """Remove a finished job from sight. What was moved stays where it is."""
    dispatch = Dispatch(session, inside.waker)
    job = dispatch.held(caller.tenant_id, job_id)
    dispatch.delete(job, caller)
    inside.vault.forget(session, caller.tenant_id, f"job:{job.id}")


@routes.post("/jobs/{job_id}/pause", status_code=202, responses=refusals(400, 401, 403, 404, 409, 429))
async def pause_job(job_id: JobId, door: OrderingMember) -> JobView:
    """Ask the agent to pause: items in flight finish, progress is kept."""
    return await door.step(lambda session, caller: _ordered(door, session, caller, job_id, Dispatch.pause))


@routes.post("/jobs/{job_id}/resume", status_code=202, responses=refusals(400, 401, 403, 404, 409, 429))
async def resume_job(job_id: JobId, door: OrderingMember) -> JobView:
    """Go on from where it stopped."""
    return await door.step(lambda session, caller: _ordered(door, session, caller, job_id, Dispatch.resume))


@routes.post("/jobs/{job_id}/cancel", responses=refusals(400, 401, 403, 404, 409, 429))
async def cancel_job(job_id: JobId, door: OrderingMember, reason: Reason | None = None) -> JobView:
    """Stop for good, at once. What was moved stays at the destination."""

    def cancel(dispatch: Dispatch, job: Job, caller: Person) -> None:
        dispatch.cancel(job, caller, reason.why if reason else "")

    return await door.step(lambda session, caller: _ordered(door, session, caller, job_id, cancel))


def _ordered(
    door: PersonDoor, session: Session, caller: Person, job_id: str, order: Callable[[Dispatch, Job, Person], None]
) -> JobView:
    dispatch = Dispatch(session, door.inside.waker)
    job = dispatch.held(caller.tenant_id, job_id)
    order(dispatch, job, caller)
    return view(job)


@routes.post("/jobs/{job_id}/reassign", responses=refusals(400, 401, 403, 404, 409, 429))
def reassign_job(job_id: JobId, successor: Successor, caller: Member, session: Transaction, inside: Inside) -> JobView:
    """Give an unfinished job to another agent, for instance because its own is gone. The old one is refused from now
    on."""
    dispatch = Dispatch(session, inside.waker)
    job = dispatch.held(caller.tenant_id, job_id)
    agent = session.get(Agent, successor.agent_id)
    if agent is None or agent.tenant_id != caller.tenant_id:
        raise not_found("agent")
    require_key(session, agent)
    dispatch.reassign(job, agent, caller)
    return view(job)


@routes.post("/jobs/{job_id}/rerun", status_code=201, responses=refusals(400, 401, 403, 404, 409, 429))
def rerun_job(
    job_id: JobId, caller: Member, session: Transaction, inside: Inside, changes: Again | None = None
) -> JobView:
    """A new job with the same specification; what is at the target already is not moved again."""
    dispatch = Dispatch(session, inside.waker)
    old = dispatch.held(caller.tenant_id, job_id)
    return view(repeat(dispatch, inside.vault, caller, old, changes or Again(), failed=False))


@routes.post("/jobs/{job_id}/retry-failed", status_code=201, responses=refusals(400, 401, 403, 404, 409, 429))
def retry_failed_items(
    job_id: JobId, caller: Member, session: Transaction, inside: Inside, changes: Again | None = None
) -> JobView:
    """A new job over just the items that failed."""
    dispatch = Dispatch(session, inside.waker)
    old = dispatch.held(caller.tenant_id, job_id)
    return view(repeat(dispatch, inside.vault, caller, old, changes or Again(), failed=True))


@routes.get("/jobs/{job_id}/items", responses=refusals(400, 401, 404, 429))
def list_failed_items(
    job_id: JobId, caller: Viewer, session: Transaction, limit: Limit = 50, after: Cursor = None
) -> Page[ItemView]:
    """The items that failed, and why."""
    job = found_job(session, caller.tenant_id, job_id)
    query = sa.select(JobItem).where(*_of(JobItem, job)).order_by(JobItem.key_hash).limit(limit + 1)
    found = session.scalars(query.where(JobItem.key_hash > after) if after else query).all()
    more = found[limit - 1].key_hash if len(found) > limit else None
    return Page[ItemView](items=[ItemView.model_validate(item) for item in found[:limit]], next=more)


@routes.get("/jobs/{job_id}/history", responses=refusals(400, 401, 404, 429))
def get_history(job_id: JobId, caller: Viewer, session: Transaction) -> list[EventView]:
    """Everything that happened to the job, oldest first, each line with its hash."""
    job = found_job(session, caller.tenant_id, job_id)
    return [_event(event) for event in history.lines(session, job.id)]


def _event(event: Event) -> EventView:
    return EventView.model_validate(event)


@routes.get("/jobs/{job_id}/log", responses=refusals(400, 401, 404, 429))
def get_log(
    job_id: JobId, caller: Viewer, session: Transaction, after: Annotated[int, Query(ge=0, le=2**53)] = 0
) -> list[LogView]:
    """The job's log as its agent sent it, at most 100 pieces after the given number of them."""
    job = found_job(session, caller.tenant_id, job_id)
    query = sa.select(JobLog).where(*_of(JobLog, job)).order_by(JobLog.token, JobLog.number)
    return [LogView.model_validate(piece) for piece in session.scalars(query.offset(after).limit(100))]


@routes.get("/jobs/{job_id}/speed", responses=refusals(400, 401, 404, 429))
def get_speed(job_id: JobId, caller: Viewer, session: Transaction) -> list[SpeedPoint]:
    """The speed over time, from the reports of the last seven days, at most 1,000 points."""
    job = found_job(session, caller.tenant_id, job_id)
    query = sa.select(ProgressBatch).where(*_of(ProgressBatch, job))
    newest = session.scalars(query.order_by(ProgressBatch.at.desc()).limit(1_000)).all()
    return [
        SpeedPoint(at=one.at, mbps=one.bytes_per_second * 8 / 1e6, bytes_completed=one.bytes_completed)
        for one in reversed(newest)
    ]
