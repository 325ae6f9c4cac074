"""Agents: registering them, their keys, and how they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import uuid4

import sqlalchemy as sa
from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from migrate_api import events
from migrate_api.credentials import hashed_code, new_code, new_credential
from migrate_api.doors import Admin, Inside, Member, Services, Transaction, Viewer
from migrate_api.errors import Refusal, conflict, not_found, refusals
from migrate_api.paging import Cursor, Limit, Page, page
from migrate_api.protocol.messages import Registered, Registration
from migrate_api.protocol.spec import Model, Name
from migrate_api.protocol.states import FINAL
from migrate_api.seen import online_since
from migrate_api.tables import Agent, AgentKey, Job, QueuedCommand, RegistrationCode

routes = APIRouter(prefix="/api", tags=["agents"])
CODE_HOURS = 24
GUESSES_PER_MINUTE = 10
"""Of one address."""
Id = Annotated[str, Path(max_length=64)]


class NewCode(Model):
    """A label for the code, such as the machine it is for."""

    label: str | None = Field(default=None, max_length=255)


class CodeView(BaseModel):
    """A registration code, without itself."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    label: str | None
    created_by: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    agent_id: str | None


class MadeCode(CodeView):
    """A code just made: `code` is shown this once."""

    code: str


class NewKey(Model):
    """The agent that the key is for."""

    name: Name


class KeyView(BaseModel):
    """An agent's key, without itself."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    agent_id: str
    name: str
    created_by: str
    created_at: datetime
    revoked_at: datetime | None


class MadeKey(KeyView):
    """A key just made: `key` is shown this once."""

    key: str


class AgentView(BaseModel):
    """An agent and how it is."""

    id: str
    name: str
    status: Literal["online", "offline"]
    hostname: str
    platform: str
    version: str
    created_at: datetime
    last_seen_at: datetime | None
    clock_skew_seconds: float | None
    free_disk_bytes: int | None


class AgentName(Model):
    """What the agent is called."""

    name: Name


def view_of(agent: Agent) -> AgentView:
    """An agent as it is shown."""
    online = agent.last_seen_at is not None and agent.last_seen_at >= online_since(datetime.now(UTC))
    row = {name: getattr(agent, name) for name in AgentView.model_fields if name != "status"}
    return AgentView(**row, status="online" if online else "offline")


@routes.post("/registration-codes", status_code=201, responses=refusals(400, 401, 403, 429))
def create_code(caller: Admin, session: Transaction, new: NewCode | None = None) -> MadeCode:
    """Make a registration code: 8 characters, for one machine, valid for 24 hours."""
    now = datetime.now(UTC)
    code, digest = new_code()
    row = RegistrationCode(
        id=uuid4().hex,
        tenant_id=caller.tenant_id,
        label=new.label if new else None,
        hash=digest,
        created_by=caller.email,
        created_at=now,
        expires_at=now + timedelta(hours=CODE_HOURS),
    )
    session.add(row)
    session.flush()
    return MadeCode(**CodeView.model_validate(row).model_dump(), code=code)


@routes.get("/registration-codes", responses=refusals(400, 401, 403, 429))
def list_codes(caller: Admin, session: Transaction, limit: Limit = 50, cursor: Cursor = None) -> Page[CodeView]:
    """All codes, used and expired ones too."""
    query = sa.select(RegistrationCode).where(RegistrationCode.tenant_id == caller.tenant_id)
    return page(session, query, RegistrationCode, limit, cursor, CodeView.model_validate)


@routes.post("/agents/register", status_code=201, responses=refusals(400, 404, 409, 410, 429))
def register(said: Registration, request: Request, session: Transaction, inside: Inside) -> Registered:
    """An agent trades its code for a permanent key. Nobody needs to be signed in: the code is the proof."""
    address = request.client.host if request.client else "?"
    request.state.rate = inside.callers.limits.caller(f"address {address}", GUESSES_PER_MINUTE)
    inside.callers.limits.require(request.state.rate)
    code = _usable(session, said.code)
    name = said.name or said.host.hostname or code.label or "agent"
    agent, _, key = _new_agent(session, code.tenant_id, name, f"code:{code.id}", said.host.model_dump())
    code.used_at = agent.last_seen_at = datetime.now(UTC)  # a sign of life: it is online now, and stays so at work
    code.agent_id = agent.id
    events.agent_registered(session, agent)
    return Registered(agent_id=agent.id, name=agent.name, key=key)


def _usable(session: Session, given: str) -> RegistrationCode:
    """The code's row, locked so that it is used once. Raises Refusal with the documented texts."""
    query = sa.select(RegistrationCode).where(RegistrationCode.hash == hashed_code(given))
    code = session.scalar(query.with_for_update())
    remedy = "Generate a fresh code and use it at once."
    if code is None:
        raise Refusal(404, "REGISTRATION_CODE_INVALID", "Registration code not known", remedy=f"Check it. {remedy}")
    if code.used_at is not None:
        check = "If this machine is in the list of agents, nothing is to be done. Else generate a new code."
        raise conflict("REGISTRATION_CODE_USED", "Registration code already used", check)
    if code.expires_at <= datetime.now(UTC):
        raise Refusal(410, "REGISTRATION_CODE_EXPIRED", "Registration code expired", remedy=remedy)
    return code


def _new_agent(
    session: Session, tenant_id: str, name: str, maker: str, host: dict[str, Any]
) -> tuple[Agent, AgentKey, str]:
    now = datetime.now(UTC)
    agent = Agent(id=uuid4().hex, tenant_id=tenant_id, name=name, created_at=now, **host)
    session.add(agent)
    session.flush()
    key, digest = new_credential("mak")
    row = AgentKey(
        id=uuid4().hex,
        tenant_id=tenant_id,
        agent_id=agent.id,
        name=name,
        hash=digest,
        created_by=maker,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return agent, row, key


@routes.post("/agent-keys", status_code=201, responses=refusals(400, 401, 403, 429))
def create_key(new: NewKey, caller: Admin, session: Transaction) -> MadeKey:
    """Make an agent by hand, and its key."""
    agent, row, key = _new_agent(session, caller.tenant_id, new.name, caller.email, {})
    events.agent_registered(session, agent)
    return MadeKey(**KeyView.model_validate(row).model_dump(), key=key)


@routes.get("/agent-keys", responses=refusals(400, 401, 403, 429))
def list_keys(caller: Admin, session: Transaction, limit: Limit = 50, cursor: Cursor = None) -> Page[KeyView]:
    """All keys, revoked ones too."""
    query = sa.select(AgentKey).where(AgentKey.tenant_id == caller.tenant_id)
    return page(session, query, AgentKey, limit, cursor, KeyView.model_validate)


@routes.delete("/agent-keys/{key_id}", status_code=204, responses=refusals(400, 401, 403, 404, 429))
def revoke_key(key_id: Id, caller: Admin, session: Transaction, inside: Inside) -> None:
    """End a key at once: an agent that is connected with it is cut off."""
    _revoke(session, inside, found_key(session, caller.tenant_id, key_id))


def found_key(session: Session, tenant_id: str, key_id: str) -> AgentKey:
    """Raises Refusal 404."""
    row = session.get(AgentKey, key_id)
    if row is None or row.tenant_id != tenant_id:
        raise not_found("key")
    return row


def _revoke(session: Session, inside: Services, key: AgentKey) -> None:
    key.revoked_at = key.revoked_at or datetime.now(UTC)
    session.flush()
    inside.waker.wake(session, key.agent_id)


@routes.get("/agents", responses=refusals(400, 401, 429))
def list_agents(
    caller: Viewer,
    session: Transaction,
    status: Literal["online", "offline"] | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AgentView]:
    """The organisation's agents."""
    return page(session, agents_of(caller.tenant_id, status), Agent, limit, cursor, view_of)


def agents_of(tenant_id: str, status: str | None) -> sa.Select[Agent]:
    """The organisation's agents; with a status, those that are online or offline now."""
    query = sa.select(Agent).where(Agent.tenant_id == tenant_id)
    since = online_since(datetime.now(UTC))
    if status == "online":
        return query.where(Agent.last_seen_at >= since)
    if status == "offline":
        return query.where(sa.or_(Agent.last_seen_at.is_(None), Agent.last_seen_at < since))
    return query


def found_agent(session: Session, tenant_id: str, agent_id: str) -> Agent:
    """Raises Refusal 404."""
    agent = session.get(Agent, agent_id)
    if agent is None or agent.tenant_id != tenant_id:
        raise not_found("agent")
    return agent


@routes.get("/agents/{agent_id}", responses=refusals(400, 401, 404, 429))
def get_agent(agent_id: Id, caller: Viewer, session: Transaction) -> AgentView:
    """One agent."""
    return view_of(found_agent(session, caller.tenant_id, agent_id))


@routes.patch("/agents/{agent_id}", responses=refusals(400, 401, 403, 404, 429))
def rename_agent(agent_id: Id, new: AgentName, caller: Member, session: Transaction, inside: Inside) -> AgentView:
    """Call it something else."""
    agent = found_agent(session, caller.tenant_id, agent_id)
    agent.name = new.name
    inside.waker.wake(session, agent.id)  # its name is remembered with its key, and stands in histories
    return view_of(agent)


@routes.delete("/agents/{agent_id}", status_code=204, responses=refusals(400, 401, 403, 404, 409, 429))
def remove_agent(agent_id: Id, caller: Admin, session: Transaction, inside: Inside) -> None:
    """Revoke all its keys. An agent that has had jobs stays in the list, for they name it; another one is removed."""
    agent = found_agent(session, caller.tenant_id, agent_id)
    for key in session.scalars(sa.select(AgentKey).where(AgentKey.agent_id == agent.id)):
        _revoke(session, inside, key)
    # Only now: who is just giving it a job holds its key until the job is there.
    jobs = sa.select(Job.id).where(Job.agent_id == agent.id)
    if session.scalar(jobs.where(Job.status.not_in(FINAL)).limit(1)):
        raise conflict("AGENT_HAS_JOBS", "The agent has unfinished jobs.", "Cancel or reassign them first.")
    if session.scalar(jobs.limit(1)) is None:
        session.execute(sa.delete(QueuedCommand).where(QueuedCommand.agent_id == agent.id))
        session.execute(sa.delete(AgentKey).where(AgentKey.agent_id == agent.id))
        session.delete(agent)
