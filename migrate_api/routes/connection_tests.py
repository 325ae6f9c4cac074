"""Test Connection: asked here, done by the agent that can reach the SQL Server, answered within seconds."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel
from sqlalchemy.orm import Session

from migrate_api.creation import require_online
from migrate_api.dispatch import Dispatch, now
from migrate_api.doors import OrderingMember, Services, WaitingViewer, services_of
from migrate_api.errors import not_found, refusals
from migrate_api.principals import Person
from migrate_api.protocol.spec import Model, Secret
from migrate_api.protocol.states import CommandName
from migrate_api.tables import Agent, QueuedCommand

routes = APIRouter(prefix="/api", tags=["agents"])
PATIENCE_SECONDS = 120
"""An order that was not taken up by then is void: the operator has gone."""


class ConnectionTest(Model):
    """The SQL Server to try, as the agent would reach it."""

    connection_string: Secret


class ConnectionTestView(BaseModel):
    """`diagnosis` is null until the agent has answered: code OK with campuses, release and dates, or the documented
    code, message and remedy."""

    id: str
    agent_id: str
    answered: bool
    diagnosis: dict[str, Any] | None
    error: dict[str, Any] | None


@routes.post("/agents/{agent_id}/connection-tests", status_code=202, responses=refusals(400, 401, 403, 404, 409, 429))
async def test_connection(
    agent_id: Annotated[str, Path(max_length=64)], test: ConnectionTest, door: OrderingMember
) -> ConnectionTestView:
    """Ask an agent to try a connection. Fetch the answer with `GET /api/connection-tests/{id}?wait=`."""
    return await door.step(lambda session, caller: ask(door.inside, session, caller, agent_id, test))


def ask(inside: Services, session: Session, caller: Person, agent_id: str, test: ConnectionTest) -> ConnectionTestView:
    """Queue the order for an agent that is online. Raises Refusal 404 and 409 AGENT_OFFLINE."""
    agent = session.get(Agent, agent_id)
    if agent is None or agent.tenant_id != caller.tenant_id:
        raise not_found("agent")
    require_online(agent)
    dispatch = Dispatch(session, inside.waker)
    expires = now() + timedelta(seconds=PATIENCE_SECONDS)
    command = dispatch.order(caller.tenant_id, agent.id, CommandName.TEST_CONNECTION, caller.actor, expires_at=expires)
    payload = {"connection_string": test.connection_string.get_secret_value()}
    command.sealed = inside.vault.seal_text(caller.tenant_id, f"command:{command.id}", payload)
    return _view(command)


@routes.get("/connection-tests/{test_id}", responses=refusals(400, 401, 404, 429))
async def get_connection_test(
    request: Request,
    caller: WaitingViewer,
    test_id: Annotated[str, Path(max_length=64)],
    wait: Annotated[float, Query(ge=0, le=30)] = 0.0,
) -> ConnectionTestView:
    """The agent's diagnosis; with `wait` the answer waits for it, at most 30 seconds."""
    inside = services_of(request)
    end = now() + timedelta(seconds=wait)
    while True:
        found = await inside.turns.take(lambda: _look(inside, caller.tenant_id, test_id))
        if found.answered or now() >= end:
            return found
        await asyncio.sleep(0.25)


def _look(inside: Services, tenant_id: str, test_id: str) -> ConnectionTestView:
    with inside.database.transaction() as session:
        return found_test(session, tenant_id, test_id)


def found_test(session: Session, tenant_id: str, test_id: str) -> ConnectionTestView:
    """How far it is. Raises Refusal 404."""
    command = session.get(QueuedCommand, test_id)
    known = command is not None and command.name is CommandName.TEST_CONNECTION
    if command is None or not known or command.tenant_id != tenant_id:
        raise not_found("connection test")
    return _view(command)


def _view(command: QueuedCommand) -> ConnectionTestView:
    answer = command.answer or {}
    return ConnectionTestView(
        id=command.id,
        agent_id=command.agent_id,
        answered=command.acknowledged_at is not None,
        diagnosis=answer.get("result"),
        error=answer.get("error"),
    )
