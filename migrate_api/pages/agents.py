"""Agents as people look at them, call them something else, and take them away."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from migrate_api.doors import Admin, Inside, Member, Transaction, Viewer
from migrate_api.job_views import view
from migrate_api.pages.forms import Form, Typed, shown_again
from migrate_api.pages.lists import At, Chosen, Place, listed
from migrate_api.pages.render import confirmation, page
from migrate_api.principals import Person
from migrate_api.routes.agents import AgentName, agents_of, found_agent, remove_agent, rename_agent, view_of
from migrate_api.tables import Agent, AgentKey, Job

routes = APIRouter(tags=["pages"], include_in_schema=False)
AgentId = Annotated[str, Path(max_length=64)]
STATUSES = ("online", "offline")


@routes.get("/agents")
def agents_page(caller: Viewer, session: Transaction, at: At, status: Chosen = "", name: Chosen = "") -> HTMLResponse:
    """The machines that do the work, the newest first."""
    query = agents_of(caller.tenant_id, status)
    query = query.where(Agent.name.icontains(name, autoescape=True)) if name else query
    chosen = {"status": status, "name": name}
    found = listed(session, query, Agent, at, "/agents", chosen)
    shown = [view_of(agent) for agent in found.rows]
    return page("agents.html", caller=caller, agents=found, shown=shown, statuses=STATUSES, chosen=chosen)


@routes.get("/agents/{agent_id}")
def agent_page(agent_id: AgentId, caller: Viewer, session: Transaction, at: At) -> HTMLResponse:
    """One machine: how it is, its keys, its jobs."""
    return _agent(caller, session, agent_id, at)


def _agent(
    caller: Person, session: Session, agent_id: str, at: Place | None = None, form: Form | None = None
) -> HTMLResponse:
    agent = found_agent(session, caller.tenant_id, agent_id)
    query = sa.select(Job).where(Job.agent_id == agent.id, Job.tenant_id == caller.tenant_id, Job.deleted_at.is_(None))
    found = listed(session, query, Job, at or Place(), f"/agents/{agent.id}")
    keys = sa.select(AgentKey).where(AgentKey.agent_id == agent.id).order_by(AgentKey.created_at)
    return page(
        "agent.html",
        status=form.status if form else 200,
        caller=caller,
        agent=view_of(agent),
        jobs=found,
        shown=[view(job) for job in found.rows],
        keys=session.scalars(keys).all(),
        form=form or Form(),
    )


@routes.post("/agents/{agent_id}")
def rename(agent_id: AgentId, typed: Typed, caller: Member, session: Transaction, inside: Inside) -> RedirectResponse:
    """Save."""
    found_agent(session, caller.tenant_id, agent_id)
    with shown_again(typed, lambda session, form: _agent(caller, session, agent_id, form=form)):
        rename_agent(agent_id, AgentName.model_validate(typed), caller, session, inside)
    return RedirectResponse(f"/agents/{agent_id}", 303)


@routes.get("/agents/{agent_id}/remove")
def ask_to_remove(agent_id: AgentId, caller: Admin, session: Transaction) -> HTMLResponse:
    """Whether it is meant."""
    agent = found_agent(session, caller.tenant_id, agent_id)
    return confirmation(
        caller,
        f"Remove the agent {agent.name}?",
        "All its keys are revoked: the machine is cut off at once. If it has had jobs it stays in the list, for they"
        " name it.",
        button="Remove",
        back=f"/agents/{agent.id}",
    )


@routes.post("/agents/{agent_id}/remove")
def remove(agent_id: AgentId, caller: Admin, session: Transaction, inside: Inside) -> RedirectResponse:
    """Remove, once more."""
    with shown_again({}, lambda session, form: _agent(caller, session, agent_id, form=form)):
        remove_agent(agent_id, caller, session, inside)
    return RedirectResponse("/agents", 303)
