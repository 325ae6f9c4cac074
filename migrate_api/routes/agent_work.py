"""What a registered agent calls: hello, heartbeat, command poll, lease, progress, log. See protocol/messages.py.

Each does its work in one step on one thread; thousands of agents call these.
"""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import suppress
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.orm import Session

from migrate_api import counting, orders
from migrate_api.assignments import assignment
from migrate_api.azure.access import WRITES
from migrate_api.dispatch import Dispatch, now
from migrate_api.doors import Agents
from migrate_api.errors import Refusal, answer, conflict, refusals, refused_by
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
    StorageAccess,
    StorageAsk,
    Welcome,
)
from migrate_api.protocol.states import ACTIVE, JobStatus
from migrate_api.reporting import Reports
from migrate_api.tables import Agent, Job
from migrate_transfer.core.errors import FatalError, StorageError, TransientError

routes = APIRouter(prefix="/api", tags=["agent protocol"])
PATIENCE_SECONDS = 10.0
"""An agent waits thirty for its lease."""
BEAT = ("hostname", "platform", "version", "last_seen_at", "clock_skew_seconds", "free_disk_bytes")
"""What a heartbeat says of the agent; one statement, without an object."""
_log = logging.getLogger(__name__)
JobId = Annotated[str, Path(max_length=64)]


@routes.post("/agent/hello", responses=refusals(400, 401, 426, 429))
async def hello(said: Hello, door: Agents) -> Welcome:
    """A process begins to work under this key; an older one is superseded."""

    def work(session: Session, caller: AgentCaller) -> Welcome:
        agent = session.get_one(Agent, caller.id)
        agent.instance, agent.clock_skew_seconds = caller.instance, (said.sent_at - now()).total_seconds()
        _describe(agent, said.host)
        # One that was ordered and had to wait for its turn there was lost with the process.
        due = sa.or_(Job.status.in_((JobStatus.CREATED, *ACTIVE)), Job.wanted == "resume")
        query = sa.select(Job.id).where(Job.agent_id == caller.id, due, Job.deleted_at.is_(None))
        door.inside.callers.forget_agent(caller.id)
        door.inside.waker.wake(session, caller.id)
        jobs = tuple(session.scalars(query.order_by(Job.created_at)))
        return Welcome(agent_id=agent.id, name=agent.name, server_time=now(), jobs=jobs)

    return await door.step(work)


_agents = Agent.__table__
_SEEN = (
    sa.update(_agents)  # type: ignore[arg-type]
    .where(_agents.c.id == sa.bindparam("whose"))
    .values({name: sa.bindparam(f"its_{name}", type_=_agents.c[name].type) for name in BEAT})
    .returning(orders.ANY_OPEN)
)
"""And whether there is an order for it: a second question only where there is."""


@routes.post("/agent/heartbeat", responses=refusals(400, 401, 409, 426, 429))
async def heartbeat(said: Heartbeat, door: Agents) -> HeartbeatAnswer:
    """A sign of life; the answer carries commands as the poll does."""

    def work(session: Session, caller: AgentCaller) -> HeartbeatAnswer:
        moment = now()
        told = {**said.host.model_dump(), "last_seen_at": moment, "free_disk_bytes": said.free_disk_bytes}
        told["clock_skew_seconds"] = (said.sent_at - moment).total_seconds()
        values = {
            "whose": caller.id,
            "agent": caller.id,
            "moment": moment,
            **{f"its_{name}": told[name] for name in BEAT},
        }
        seen = door.inside.database.alone(session, _SEEN, values)
        commands = orders.hand_out(session, door.inside.vault, caller) if seen is not None and seen[0] else ()
        return HeartbeatAnswer(server_time=now(), commands=commands, lost=_lost(session, caller, said))

    return await door.step(work)


def _lost(session: Session, caller: AgentCaller, said: Heartbeat) -> tuple[str, ...]:
    held = {job.job_id: job.token for job in said.jobs}
    if not held:
        return ()
    query = sa.select(Job.id, Job.token).where(Job.id.in_(held), Job.agent_id == caller.id)
    ours = {id_ for id_, token in session.execute(query) if token == held[id_]}
    return tuple(id_ for id_ in held if id_ not in ours)


def _describe(agent: Agent, host: Host) -> None:
    agent.hostname, agent.platform, agent.version = host.hostname, host.platform, host.version
    agent.last_seen_at = now()


@routes.get("/agent/commands", responses=refusals(400, 401, 409, 426, 429))
async def poll(
    door: Agents, wait: Annotated[float, Query(ge=0, le=POLL_SECONDS, description="seconds")] = POLL_SECONDS
) -> Commands:
    """The commands that wait for this agent; without any, the answer waits for one. Holds neither a thread nor a
    database connection meanwhile."""
    inside, waker = door.inside, door.inside.waker

    def look(session: Session, caller: AgentCaller) -> tuple[Commands, bool]:
        if not orders.are_open(inside.database, session, caller):
            return Commands(), False
        return Commands(commands=orders.hand_out(session, inside.vault, caller)), True

    caller = await door.caller()
    inside.seen.note(caller.id)
    with waker.listening(caller.id) as bell:  # taken before looking: nothing can come in between
        if not wait or not waker.is_quiet(caller.id):
            found, open_orders = await door.step(look, caller)
            if found.commands or not wait or waker.closing:
                return found
            if open_orders:  # handed out a moment ago; their answer may have been lost on its way
                wait = min(wait, 1.25 * orders.AGAIN_SECONDS)
            else:
                waker.found_nothing(caller.id, bell)
        with suppress(TimeoutError):
            await asyncio.wait_for(bell.wait(), wait * random.uniform(0.8, 1.0))  # lest they come in waves
    return (await door.step(look))[0] if bell.is_set() and not waker.closing else Commands()


@routes.post("/agent/commands/{command_id}/acknowledge", status_code=204, responses=refusals(400, 401, 404, 409, 429))
async def acknowledge(command_id: JobId, said: Acknowledgement, door: Agents) -> None:
    """The agent has taken up an order, or refuses it. Again the same: no change."""
    await door.step(lambda session, caller: orders.acknowledge(session, caller, command_id, said))


@routes.post("/agent/jobs/{job_id}/lease", response_model=Assignment, responses=refusals(400, 401, 404, 409, 429))
async def lease(job_id: JobId, door: Agents) -> Assignment | JSONResponse:
    """The right to work on a job and to report on it, with the job's specification and its secrets."""

    def work(session: Session, caller: AgentCaller) -> Assignment | Refusal:
        dispatch = Dispatch(session, door.inside.waker)
        job = dispatch.held(caller.tenant_id, job_id, caller.id)
        return assignment(dispatch, door.inside.vault, job, caller)

    found = await door.step(work)
    if isinstance(found, Refusal):
        return answer(found)
    if (found.spec.get("destination") or {}).get("type") != WRITES:
        return found
    return await _with_storage(door, found)


async def _with_storage(door: Agents, found: Assignment) -> JSONResponse:
    """The assignment with the way into its container. While Microsoft does not answer it goes out without one, and the
    agent asks again; a connection that is of no use any more fails the job here."""
    caller = await door.caller()
    inside = door.inside
    ask = inside.abroad.take(lambda: inside.accesses.for_job(caller, found.job_id, found.token))
    asked = asyncio.create_task(ask)  # a thread cannot be called back: it ends by itself, and is not waited for
    done, _ = await asyncio.wait({asked}, timeout=PATIENCE_SECONDS)
    error = asked.exception() if done else None
    if isinstance(error, FatalError) and not isinstance(error, StorageError):  # our own keys missing fails nobody's job
        failed = error
        await inside.abroad.take(lambda: inside.accesses.fail(caller, found.job_id, found.token, failed))
        return answer(conflict("JOB_FINISHED", "The job is failed.", "Stop working on it.", status="failed"))
    if not done or isinstance(error, TransientError):
        asked.add_done_callback(lambda ended: ended.exception())
        _log.warning("The job %s goes out without its storage (%s).", found.job_id, error or "no answer yet")
        return _revealed(found)
    return _revealed(found.model_copy(update={"storage": asked.result()}))


def _revealed(said: BaseModel) -> JSONResponse:
    """With its secrets: they are for this agent."""
    return JSONResponse(said.model_dump(mode="json", context={"reveal": True}), headers={"Cache-Control": "no-store"})


@routes.post(
    "/agent/jobs/{job_id}/storage-access", response_model=StorageAccess, responses=refusals(400, 401, 404, 409, 429)
)
async def storage_access(job_id: JobId, said: StorageAsk, door: Agents) -> JSONResponse:
    """A fresh way into the job's container, for the agent that holds the job under its newest token."""
    caller, inside = await door.caller(), door.inside
    with refused_by():
        return _revealed(await inside.abroad.take(lambda: inside.accesses.for_job(caller, job_id, said.token)))


@routes.post("/progress", responses=refusals(400, 401, 404, 409, 429))
async def progress(said: Progress, door: Agents) -> ProgressAnswer:
    """What changed since the last acknowledged report; the same number twice is counted once."""

    def work(session: Session, caller: AgentCaller) -> ProgressAnswer:
        door.inside.seen.note(caller.id)
        short = counting.counted(door.inside.database, session, caller, said, now())
        return short or Reports(Dispatch(session, door.inside.waker)).take(caller, said)

    return await door.step(work)


@routes.post("/agent/jobs/{job_id}/log", status_code=204, responses=refusals(400, 401, 404, 409, 429))
async def log(job_id: JobId, said: LogChunk, door: Agents) -> None:
    """The next piece of a job's log."""
    await door.step(lambda session, caller: Reports(Dispatch(session, door.inside.waker)).log(caller, job_id, said))
