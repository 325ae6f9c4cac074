"""What a registered agent calls: hello, heartbeat, command poll, lease, progress, log. See protocol/messages.py."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from migrate_api import orders
from migrate_api.assignments import assignment
from migrate_api.dispatch import Dispatch, now
from migrate_api.doors import CallingAgent, Inside, Services, Transaction, services_of
from migrate_api.errors import Refusal, answer, refusals
from migrate_api.principals import AgentCaller
from migrate_api.protocol.messages import (
    POLL_SECONDS,
    Acknowledgement,
    Assignment,
    Commands,
    Heartbeat,
    HeartbeatAnswer,
    Hello,
    Host,
    LogChunk,
    Progress,
    ProgressAnswer,
    Welcome,
)
from migrate_api.protocol.states import ACTIVE
from migrate_api.reporting import Reports
from migrate_api.tables import Agent, Job

routes = APIRouter(prefix="/api", tags=["agent protocol"])
JobId = Annotated[str, Path(max_length=64)]


@routes.post("/agent/hello", responses=refusals(400, 401, 426, 429))
def hello(said: Hello, caller: CallingAgent, session: Transaction, inside: Inside) -> Welcome:
    """A process begins to work under this key; an older one is superseded."""
    agent = session.get_one(Agent, caller.id)
    agent.instance, agent.clock_skew_seconds = caller.instance, (said.sent_at - now()).total_seconds()
    _describe(agent, said.host)
    unfinished = sa.select(Job.id).where(Job.agent_id == caller.id, Job.status.in_(ACTIVE), Job.deleted_at.is_(None))
    inside.callers.forget_agent(caller.id)
    inside.waker.wake(session, caller.id)
    jobs = tuple(session.scalars(unfinished.order_by(Job.created_at)))
    return Welcome(agent_id=agent.id, name=agent.name, server_time=now(), jobs=jobs)


@routes.post("/agent/heartbeat", responses=refusals(400, 401, 409, 426, 429))
def heartbeat(said: Heartbeat, caller: CallingAgent, session: Transaction, inside: Inside) -> HeartbeatAnswer:
    """A sign of life; the answer carries commands as the poll does."""
    agent = session.get_one(Agent, caller.id)
    agent.clock_skew_seconds, agent.free_disk_bytes = (said.sent_at - now()).total_seconds(), said.free_disk_bytes
    _describe(agent, said.host)
    held = {job.job_id: job.token for job in said.jobs}
    query = sa.select(Job.id, Job.token).where(Job.id.in_(held), Job.agent_id == caller.id)
    ours = {id_ for id_, token in session.execute(query) if token == held[id_]}
    return HeartbeatAnswer(
        server_time=now(),
        commands=orders.hand_out(session, inside.vault, caller),
        lost=tuple(id_ for id_ in held if id_ not in ours),
    )


def _describe(agent: Agent, host: Host) -> None:
    agent.hostname, agent.platform, agent.version = host.hostname, host.platform, host.version
    agent.last_seen_at = now()


@routes.get("/agent/commands", responses=refusals(400, 401, 409, 426, 429))
async def poll(
    request: Request, wait: Annotated[float, Query(ge=0, le=POLL_SECONDS, description="seconds")] = POLL_SECONDS
) -> Commands:
    """The commands that wait for this agent; without any, the answer waits for one. Holds neither a thread nor a
    database connection meanwhile."""
    inside = services_of(request)
    caller = inside.callers.remembered(request)
    if caller is None:
        caller = await run_in_threadpool(_identify, inside, request)
    inside.seen.note(caller.id)
    with inside.waker.listening(caller.id) as bell:
        found = await run_in_threadpool(_fetch, inside, caller)
        if found.commands or not wait or inside.waker.closing:
            return found
        with suppress(TimeoutError):
            await asyncio.wait_for(bell.wait(), wait)
            caller = await run_in_threadpool(_identify, inside, request)
    return await run_in_threadpool(_fetch, inside, caller) if bell.is_set() else found


def _identify(inside: Services, request: Request) -> AgentCaller:
    with inside.database.transaction() as session:
        return inside.callers.agent(session, request)


def _fetch(inside: Services, caller: AgentCaller) -> Commands:
    with inside.database.transaction() as session:
        return Commands(commands=orders.hand_out(session, inside.vault, caller))


@routes.post("/agent/commands/{command_id}/acknowledge", status_code=204, responses=refusals(400, 401, 404, 409, 429))
def acknowledge(command_id: JobId, said: Acknowledgement, caller: CallingAgent, session: Transaction) -> None:
    """The agent has taken up an order, or refuses it. Again the same: no change."""
    orders.acknowledge(session, caller, command_id, said)


@routes.post("/agent/jobs/{job_id}/lease", response_model=Assignment, responses=refusals(400, 401, 404, 409, 429))
def lease(job_id: JobId, caller: CallingAgent, session: Transaction, inside: Inside) -> Assignment | JSONResponse:
    """The right to work on a job and to report on it, with the job's specification and its secrets."""
    dispatch = Dispatch(session, inside.waker)
    job = dispatch.held(caller.tenant_id, job_id, caller.id)
    found = assignment(dispatch, inside.vault, job, caller)
    return answer(found) if isinstance(found, Refusal) else found


@routes.post("/progress", responses=refusals(400, 401, 404, 409, 429))
def progress(said: Progress, caller: CallingAgent, session: Transaction, inside: Inside) -> ProgressAnswer:
    """What changed since the last acknowledged report; the same number twice is counted once."""
    inside.seen.note(caller.id)
    return Reports(Dispatch(session, inside.waker)).take(caller, said)


@routes.post("/agent/jobs/{job_id}/log", status_code=204, responses=refusals(400, 401, 404, 409, 429))
def log(job_id: JobId, said: LogChunk, caller: CallingAgent, session: Transaction, inside: Inside) -> None:
    """The next piece of a job's log."""
    Reports(Dispatch(session, inside.waker)).log(caller, job_id, said)
