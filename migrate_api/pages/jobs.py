"""The dashboard, and the jobs in their list. A page fetches itself anew every ten seconds."""

from __future__ import annotations

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from migrate_api.doors import Transaction, Viewer
from migrate_api.job_views import view
from migrate_api.pages.lists import At, Chosen, listed, names_of, offered
from migrate_api.pages.render import page
from migrate_api.protocol.states import FINAL, JobStatus
from migrate_api.routes.agents import agents_of, view_of
from migrate_api.tables import Agent, Client, Job, Project

routes = APIRouter(tags=["pages"], include_in_schema=False)
ON_DASHBOARD = 20
"""Rows of each of its lists; each says where the others are."""
UNFINISHED = "unfinished"
"""All that are not final, as one filter."""


@routes.get("/")
def dashboard(caller: Viewer, session: Transaction) -> HTMLResponse:
    """Active jobs first, then what ended last; and the agents."""
    final = Job.status.in_(FINAL)
    query = _jobs(caller.tenant_id)
    active = session.scalars(query.where(~final).order_by(Job.created_at.desc()).limit(ON_DASHBOARD + 1)).all()
    done = ended(caller.tenant_id).order_by(Job.finished_at.desc()).limit(ON_DASHBOARD + 1)
    agents = session.scalars(agents_of(caller.tenant_id, None).order_by(Agent.name).limit(ON_DASHBOARD + 1)).all()
    return page(
        "dashboard.html",
        caller=caller,
        active=[view(job) for job in active],
        ended=[view(job) for job in session.scalars(done)],
        agents=[view_of(agent) for agent in agents],
        names=names_of(session, Agent, {job.agent_id for job in active}),
        most=ON_DASHBOARD,
        counts={status: _count(session, caller.tenant_id, status) for status in ("online", "offline")},
    )


def _count(session: Session, tenant_id: str, status: str) -> int:
    return session.scalar(agents_of(tenant_id, status).with_only_columns(sa.func.count())) or 0


def ended(tenant_id: str) -> sa.Select[Job]:
    """Those that have ended, to be put in order by when: said so that the index of that moment serves."""
    return _jobs(tenant_id).where(Job.finished_at.is_not(None))


def _jobs(tenant_id: str) -> sa.Select[Job]:
    return sa.select(Job).where(Job.tenant_id == tenant_id, Job.deleted_at.is_(None))


@routes.get("/jobs")
def jobs_page(
    caller: Viewer,
    session: Transaction,
    at: At,
    status: Chosen = "",
    agent_id: Chosen = "",
    client_id: Chosen = "",
    project_id: Chosen = "",
) -> HTMLResponse:
    """The newest first, filtered. What is left empty, or is no status, filters nothing."""
    chosen = {
        "status": status if status in (UNFINISHED, *JobStatus) else "",
        "agent_id": agent_id,
        "client_id": client_id,
        "project_id": project_id,
    }
    found = listed(session, _filtered(caller.tenant_id, chosen), Job, at, "/jobs", chosen)
    tables: dict[str, type[Agent | Client | Project]] = {"agent": Agent, "client": Client, "project": Project}
    return page(
        "jobs.html",
        caller=caller,
        jobs=found,
        shown=[view(job) for job in found.rows],
        names=names_of(session, Agent, {job.agent_id for job in found.rows}),
        statuses=[UNFINISHED, *JobStatus],
        offered={
            name: offered(session, table, caller.tenant_id, chosen[f"{name}_id"]) for name, table in tables.items()
        },
        chosen=chosen,
    )


def _filtered(tenant_id: str, chosen: dict[str, str]) -> sa.Select[Job]:
    query = _jobs(tenant_id)
    if chosen["status"] == UNFINISHED:
        query = query.where(Job.status.not_in(FINAL))
    elif chosen["status"]:
        query = query.where(Job.status == chosen["status"])
    for column in (Job.agent_id, Job.client_id, Job.project_id):
        query = query.where(column == chosen[column.key]) if chosen[column.key] else query
    return query
