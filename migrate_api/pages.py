"""The operator's web pages: what runs, how far it is, and the three orders. Over the same functions as the routes.

Plain HTML that fetches itself anew every ten seconds; nothing is loaded from elsewhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.orm import Session

from migrate_api import history
from migrate_api.azure.kept import found_project
from migrate_api.dispatch import Dispatch, now
from migrate_api.doors import Inside, Member, Transaction, Viewer
from migrate_api.errors import Refusal, not_found
from migrate_api.job_views import view
from migrate_api.protocol.states import FINAL
from migrate_api.seen import online_since
from migrate_api.tables import Agent, AzureConnection, Client, Job, JobItem, Project

routes = APIRouter(tags=["pages"], include_in_schema=False)
JobId = Annotated[str, PathParameter(max_length=64)]
SHOWN = 100
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


def page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page of `templates/`; it may load nothing and be framed by nobody."""
    html = _templates.get_template(name).render(**values, now=now())
    return HTMLResponse(html, status, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"})


def refused(refusal: Refusal, hub: str) -> HTMLResponse:
    """A refusal for somebody who looks at a page; whoever is not signed in is shown the way to Hub."""
    return page("refused.html", refusal.status, caller=None, refusal=refusal, hub=hub)


@routes.get("/")
def dashboard(caller: Viewer, session: Transaction) -> HTMLResponse:
    """Active jobs first, then what ended last; and the agents."""
    final = Job.status.in_(FINAL)
    query = sa.select(Job).where(Job.tenant_id == caller.tenant_id, Job.deleted_at.is_(None))
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
        online={agent.id for agent in agents if agent.last_seen_at and agent.last_seen_at >= since},
    )


@routes.get("/jobs/{job_id}")
def job_page(job_id: JobId, caller: Viewer, session: Transaction) -> HTMLResponse:
    """One job: progress, counts, what failed and why, and its history."""
    job = _job(session, caller.tenant_id, job_id)
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


@routes.get("/projects/{project_id}/azure")
def connection_page(project_id: JobId, caller: Viewer, session: Transaction) -> HTMLResponse:
    """Where a sign-in at Microsoft ends: how the project is connected now."""
    project = found_project(session, caller.tenant_id, project_id)
    connection = session.get(AzureConnection, project.id)
    return page("connection.html", caller=caller, project=project, connection=connection)


def _job(session: Session, tenant_id: str, job_id: str) -> Job:
    job = session.get(Job, job_id)
    if job is None or job.tenant_id != tenant_id or job.deleted_at is not None:
        raise not_found("job")
    return job


@routes.post("/jobs/{job_id}/{order}")
def order(job_id: JobId, order: str, caller: Member, session: Transaction, inside: Inside) -> RedirectResponse:
    """A button of the job's page: pause, resume or cancel."""
    dispatch = Dispatch(session, inside.waker)
    orders = {"pause": dispatch.pause, "resume": dispatch.resume, "cancel": dispatch.cancel}
    if order not in orders:
        raise Refusal(404, "NOT_FOUND", "There is no such order.")
    orders[order](dispatch.held(caller.tenant_id, job_id), caller)
    return RedirectResponse(f"/jobs/{job_id}", 303)
