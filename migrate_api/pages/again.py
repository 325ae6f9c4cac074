"""A job done again, over all or over what failed, and a job given to another agent: with what may be different."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from migrate_api.doors import Inside, Member, Transaction
from migrate_api.job_views import Again
from migrate_api.pages.forms import Form, Typed, filled, shown_again
from migrate_api.pages.lists import OFFERED
from migrate_api.pages.render import page
from migrate_api.principals import Person
from migrate_api.routes.agents import agents_of
from migrate_api.routes.jobs import Successor, found_job, reassign_job, rerun_job, retry_failed_items
from migrate_api.tables import Agent

routes = APIRouter(tags=["pages"], include_in_schema=False)
JobId = Annotated[str, Path(max_length=64)]


@routes.get("/jobs/{job_id}/rerun")
def rerun_page(job_id: JobId, caller: Member, session: Transaction) -> HTMLResponse:
    """What may be different in a job that is done again."""
    return _again(caller, session, job_id, Form(), failed=False)


@routes.get("/jobs/{job_id}/retry-failed")
def retry_page(job_id: JobId, caller: Member, session: Transaction) -> HTMLResponse:
    """The same, for a job over just what failed."""
    return _again(caller, session, job_id, Form(), failed=True)


def _again(caller: Person, session: Session, job_id: str, form: Form, *, failed: bool) -> HTMLResponse:
    job = found_job(session, caller.tenant_id, job_id)
    own = session.get_one(Agent, job.agent_id)
    online = agents_online(session, caller.tenant_id)
    agents = {own.id: own.name if own.id in online else f"{own.name} (offline: the job waits for it)", **online}
    return page("again.html", status=form.status, caller=caller, job=job, agents=agents, failed=failed, form=form)


def agents_online(session: Session, tenant_id: str) -> dict[str, str]:
    """Names of the agents that can begin now, by id."""
    query = agents_of(tenant_id, "online").with_only_columns(Agent.id, Agent.name)
    return {row.id: row.name for row in session.execute(query.order_by(Agent.name).limit(OFFERED))}


@routes.post("/jobs/{job_id}/rerun")
def rerun(job_id: JobId, typed: Typed, caller: Member, session: Transaction, inside: Inside) -> RedirectResponse:
    """The same as a new job, which waits for its agent where that is offline."""
    found_job(session, caller.tenant_id, job_id)
    with shown_again(typed, lambda session, form: _again(caller, session, job_id, form, failed=False)):
        made = rerun_job(job_id, caller, session, inside, _changes(typed))
    return RedirectResponse(f"/jobs/{made.id}", 303)


@routes.post("/jobs/{job_id}/retry-failed")
def retry(job_id: JobId, typed: Typed, caller: Member, session: Transaction, inside: Inside) -> RedirectResponse:
    """A new job over just the items that failed."""
    found_job(session, caller.tenant_id, job_id)
    with shown_again(typed, lambda session, form: _again(caller, session, job_id, form, failed=True)):
        made = retry_failed_items(job_id, caller, session, inside, _changes(typed))
    return RedirectResponse(f"/jobs/{made.id}", 303)


def _changes(typed: dict[str, str]) -> Again:
    return Again.model_validate({**filled(typed), "allow_offline": True})


@routes.get("/jobs/{job_id}/reassign")
def reassign_page(job_id: JobId, caller: Member, session: Transaction) -> HTMLResponse:
    """Which agent takes it over, and what that means."""
    return _reassign(caller, session, job_id, Form())


def _reassign(caller: Person, session: Session, job_id: str, form: Form) -> HTMLResponse:
    job = found_job(session, caller.tenant_id, job_id)
    own = session.get_one(Agent, job.agent_id)
    agents = {id_: name for id_, name in agents_online(session, caller.tenant_id).items() if id_ != own.id}
    return page("reassign.html", status=form.status, caller=caller, job=job, own=own, agents=agents, form=form)


@routes.post("/jobs/{job_id}/reassign")
def reassign(job_id: JobId, typed: Typed, caller: Member, session: Transaction, inside: Inside) -> RedirectResponse:
    """Give it to another agent."""
    found_job(session, caller.tenant_id, job_id)
    with shown_again(typed, lambda session, form: _reassign(caller, session, job_id, form)):
        reassign_job(job_id, Successor.model_validate(filled(typed)), caller, session, inside)
    return RedirectResponse(f"/jobs/{job_id}", 303)
