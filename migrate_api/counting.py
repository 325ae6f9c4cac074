"""The short way for reports that only count, which come by the hundred a second: one statement where the database can,
no row read, no object made. Whatever else a report says goes the long way (reporting.py), and so does every refusal."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from migrate_api.database import Database
from migrate_api.principals import AgentCaller
from migrate_api.protocol.messages import Progress, ProgressAnswer
from migrate_api.protocol.states import JobStatus
from migrate_api.tables import Job, ProgressBatch

LONG = ("status", "error", "failed_items", "runs", "recount", "result")
DELTAS = ("files_completed", "files_unchanged", "files_skipped", "files_failed", "bytes_completed")
_jobs, _reports = Job.__table__, ProgressBatch.__table__


def is_new(session: Session, tenant_id: str, said: Progress, at: datetime) -> bool:
    """Note the report; whether its number is seen for the first time. Of two at once one waits for the other here."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    noted = insert(_reports).on_conflict_do_nothing().returning(_reports.c.sequence)  # type: ignore[arg-type]
    return session.execute(noted, _noted(tenant_id, said, at)).first() is not None


def counted(
    database: Database, session: Session, caller: AgentCaller, said: Progress, at: datetime
) -> ProgressAnswer | None:
    """Count a report. None, with nothing done, where the long way is to decide: the report says more, was there before,
    or is about a job that is not the caller's under this token."""
    if any(getattr(said, name) for name in LONG):
        return None
    values = {
        "its": said.job_id,
        "whose": caller.id,
        "tenant": caller.tenant_id,
        "under": said.token,
        "number": said.sequence,
        "moment": at,
        "speed": said.bytes_per_second,
        "left": said.bytes_left,
        **{f"more_{name}": getattr(said, name) for name in DELTAS},
    }
    if said.totals is not None:
        values |= {"items": said.totals.items, "bytes": said.totals.bytes}
    if said.entities:
        values["names"] = {name: counts.model_dump() for name, counts in said.entities.items()}
    takes_state = (said.totals is not None, bool(said.entities))
    if database.postgresql:
        values |= {f"noted_{name}": value for name, value in _noted(caller.tenant_id, said, at).items()}
        found = database.alone(session, _at_once(*takes_state), values)
    elif is_new(session, caller.tenant_id, said, at):
        found = session.execute(_update(*takes_state), values).first()
        if found is None:
            session.execute(_FORGET, values)
    else:
        found = None
    return None if found is None else answer(found.status, found.wanted, counted=True)


def answer(status: JobStatus, wanted: str | None, *, counted: bool) -> ProgressAnswer:
    """What the agent is told, and whether it is to stop."""
    stop = "cancel" if status is JobStatus.CANCELLED else "pause" if wanted == "pause" else None
    return ProgressAnswer.model_validate({"counted": counted, "status": status, "stop": stop})


def _noted(tenant_id: str, said: Progress, at: datetime) -> dict[str, Any]:
    """A row of the table of reports."""
    return {
        "job_id": said.job_id,
        "token": said.token,
        "sequence": said.sequence,
        "tenant_id": tenant_id,
        "at": at,
        "files_completed": said.files_completed + said.files_unchanged,
        "bytes_completed": said.bytes_completed,
        "bytes_per_second": said.bytes_per_second,
    }


_OURS = (
    _jobs.c.id == sa.bindparam("its"),
    _jobs.c.tenant_id == sa.bindparam("tenant"),
    _jobs.c.agent_id == sa.bindparam("whose"),
    _jobs.c.token == sa.bindparam("under"),
    _jobs.c.status.not_in((JobStatus.COMPLETED, JobStatus.FAILED)),
    _jobs.c.deleted_at.is_(None),
)


@lru_cache
def _at_once(totals: bool, entities: bool) -> sa.Executable:
    """The job's row is locked, the report noted unless it was before, and only then counted."""
    job = sa.select(_jobs.c.id).where(*_OURS).with_for_update(key_share=True).cte("job")
    row = [sa.bindparam(f"noted_{one.name}", type_=one.type) for one in _reports.c]
    note = postgresql.insert(_reports).from_select([one.name for one in _reports.c], sa.select(*row).select_from(job))  # type: ignore[arg-type]
    new = note.on_conflict_do_nothing().returning(_reports.c.job_id).cte("new")
    return _update(totals, entities).where(_jobs.c.id == new.c.job_id)


@lru_cache
def _update(totals: bool, entities: bool) -> sa.Update:
    """Sums are added in any order; state is taken from the newest alone."""
    jobs, newest = _jobs.c, _jobs.c.newest_sequence < sa.bindparam("number")
    state = {"newest_sequence": "number", "bytes_per_second": "speed", "bytes_left": "left"}
    if totals:
        state |= {"files_total": "items", "bytes_total": "bytes"}
    if entities:
        state["entities"] = "names"
    changed = {
        **{jobs[name]: jobs[name] + sa.bindparam(f"more_{name}") for name in DELTAS},
        **{jobs[name]: sa.case((newest, _given(name, value)), else_=jobs[name]) for name, value in state.items()},
        jobs.reported_at: sa.bindparam("moment", type_=jobs.reported_at.type),
    }
    return sa.update(_jobs).where(*_OURS).values(changed).returning(jobs.status, jobs.wanted)  # type: ignore[arg-type]


def _given(column: str, name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=_jobs.c[column].type)


_FORGET = sa.delete(_reports).where(  # type: ignore[arg-type]
    _reports.c.job_id == sa.bindparam("its"),
    _reports.c.token == sa.bindparam("under"),
    _reports.c.sequence == sa.bindparam("number"),
)
