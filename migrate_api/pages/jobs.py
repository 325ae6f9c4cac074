"""Jobs as people watch them: what runs, how far it is, and the orders. A page fetches itself anew every ten seconds."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from migrate_api import history
from migrate_api.creation import repeat
from migrate_api.dispatch import Dispatch, now
from migrate_api.doors import Admin, Inside, Member, Transaction, Viewer
from migrate_api.errors import Refusal, not_found
from migrate_api.job_views import Again, view
from migrate_api.pages.render import page
from migrate_api.protocol.states import FINAL, JobStatus
from migrate_api.seen import online_since
from migrate_api.tables import Agent, Client, Job, JobItem, Project

routes = APIRouter(tags=["pages"], include_in_schema=False)
JobId = Annotated[str, Path(max_length=64)]
Chosen = Annotated[str, Query(max_length=64)]
SHOWN = 100
OFFERED = 500
"""Clients, projects and agents to filter by."""


@routes.get("/")
def dashboard(caller: Viewer, session: Transaction) -> HTMLResponse:
    """Active jobs first, then what ended last; and the agents."""
    final = Job.status.in_(FINAL)
    query = _jobs(caller.tenant_id)
    active = session.scalars(query.where(~final).order_by(Job.created_at.desc()).limit(SHOWN)).all()
    ended = session.scalars(query.where(final).order_by(Job.finished_at.desc()).limit(SHOWN)).all()
    agents = session.scalars(sa.select(Agent).where(Agent.tenant_id == caller.tenant_id).order_by(Agent.name)).all()
    since = online_since(now())
    return page(
        "dashboard.html",
        caller=caller,
        active=[view(job) for job in active],
        ended=[view(job) for job in ended],
        agents=agents,
        names={agent.id: agent.name for agent in agents},
        online={agent.id for agent in agents if agent.last_seen_at and agent.last_seen_at >= since},
    )


def _jobs(tenant_id: str) -> sa.Select[Job]:
    return sa.select(Job).where(Job.tenant_id == tenant_id, Job.deleted_at.is_(None))


@routes.get("/jobs")
def jobs_page(
    caller: Viewer,
    session: Transaction,
    status: Chosen = "",
    agent_id: Chosen = "",
    client_id: Chosen = "",
    project_id: Chosen = "",
) -> HTMLResponse:
    """The newest first, filtered. What is left empty filters nothing."""
    wanted = {Job.status: status, Job.agent_id: agent_id, Job.client_id: client_id, Job.project_id: project_id}
    query = _jobs(caller.tenant_id)
    for column, value in wanted.items():
        query = (
            query.where(column == value) if value and (column is not Job.status or value in set(JobStatus)) else query
        )
    found = session.scalars(query.order_by(Job.created_at.desc()).limit(SHOWN)).all()
    tables: dict[str, type[Agent | Client | Project]] = {"agent": Agent, "client": Client, "project": Project}
    return page(
        "jobs.html",
        caller=caller,
        jobs=[view(job) for job in found],
        statuses=list(JobStatus),
        offered={name: _offered(session, table, caller.tenant_id) for name, table in tables.items()},
        chosen={"status": status, "agent": agent_id, "client": client_id, "project": project_id},
    )


def _offered(session: Session, table: type[Agent | Client | Project], tenant_id: str) -> dict[str, str]:
    query = sa.select(table.id, table.name).where(table.tenant_id == tenant_id).order_by(table.name).limit(OFFERED)
    return {row.id: row.name for row in session.execute(query)}


@routes.get("/jobs/{job_id}")
def job_page(job_id: JobId, caller: Viewer, session: Transaction) -> HTMLResponse:
    """One job: progress, counts, what failed and why, and its history."""
    job = session.get(Job, job_id)
    if job is None or job.tenant_id != caller.tenant_id or job.deleted_at is not None:
        raise not_found("job")
    failed = sa.select(JobItem).where(JobItem.job_id == job.id, JobItem.tenant_id == job.tenant_id)
    return page(
        "job.html",
        caller=caller,
        job=view(job),
        agent=session.get_one(Agent, job.agent_id),
        client=session.get_one(Client, job.client_id),
        project=session.get_one(Project, job.project_id),
        items=session.scalars(failed.limit(SHOWN)).all(),
        history=history.lines(session, job.id),
    )


@routes.post("/jobs/{job_id}/delete")
def delete(job_id: JobId, caller: Admin, session: Transaction, inside: Inside) -> RedirectResponse:
    """The button of a finished job: out of sight, nothing moved is touched."""
    dispatch = Dispatch(session, inside.waker)
    job = dispatch.held(caller.tenant_id, job_id)
    dispatch.delete(job, caller)
    inside.vault.forget(session, caller.tenant_id, f"job:{job.id}")
    return RedirectResponse("/jobs", 303)


@routes.post("/jobs/{job_id}/rerun")
def rerun(job_id: JobId, caller: Member, session: Transaction, inside: Inside) -> RedirectResponse:
    """The button of a finished job: the same as a new one, which waits for its agent where that is offline."""
    dispatch = Dispatch(session, inside.waker)
    old = dispatch.held(caller.tenant_id, job_id)
    made = repeat(dispatch, inside.vault, caller, old, Again(allow_offline=True), failed=False)
    return RedirectResponse(f"/jobs/{made.id}", 303)


@routes.post("/jobs/{job_id}/{order}")
def order(job_id: JobId, order: str, caller: Member, session: Transaction, inside: Inside) -> RedirectResponse:
    """A button of the job's page: pause, resume or cancel."""
    dispatch = Dispatch(session, inside.waker)
    orders = {"pause": dispatch.pause, "resume": dispatch.resume, "cancel": dispatch.cancel}
    if order not in orders:
        raise Refusal(404, "NOT_FOUND", "There is no such order.")
    orders[order](dispatch.held(caller.tenant_id, job_id), caller)
    return RedirectResponse(f"/jobs/{job_id}", 303)
