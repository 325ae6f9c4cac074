"""Test Connection: a SQL Server tried by an agent, as its operator would see it. The page asks again until it knows."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from migrate_api.doors import Inside, Member, Transaction, Viewer
from migrate_api.pages.forms import Form, Typed, filled, shown_again
from migrate_api.pages.render import page
from migrate_api.principals import Person
from migrate_api.routes.agents import found_agent
from migrate_api.routes.connection_tests import ConnectionTest, ask, found_test

routes = APIRouter(tags=["pages"], include_in_schema=False)
AgentId = Annotated[str, Path(max_length=64)]
TestId = Annotated[str, Path(max_length=64)]


@routes.get("/agents/{agent_id}/test-connection")
def test_page(agent_id: AgentId, caller: Member, session: Transaction) -> HTMLResponse:
    """What is to be tried."""
    return _page(caller, session, agent_id, Form())


def _page(caller: Person, session: Session, agent_id: str, form: Form) -> HTMLResponse:
    agent = found_agent(session, caller.tenant_id, agent_id)
    return page("test_connection.html", status=form.status, caller=caller, agent=agent, test=None, form=form)


@routes.post("/agents/{agent_id}/test-connection")
def test_connection(
    agent_id: AgentId, typed: Typed, caller: Member, session: Transaction, inside: Inside
) -> RedirectResponse:
    """Test Connection."""
    found_agent(session, caller.tenant_id, agent_id)
    with shown_again(typed, lambda session, form: _page(caller, session, agent_id, form)):
        asked = ask(inside, session, caller, agent_id, ConnectionTest.model_validate(filled(typed)))
    return RedirectResponse(f"/connection-tests/{asked.id}", 303)


@routes.get("/connection-tests/{test_id}")
def answer_page(test_id: TestId, caller: Viewer, session: Transaction) -> HTMLResponse:
    """The agent's diagnosis, once it is there."""
    test = found_test(session, caller.tenant_id, test_id)
    agent = found_agent(session, caller.tenant_id, test.agent_id)
    return page("test_connection.html", caller=caller, agent=agent, test=test, form=Form())
