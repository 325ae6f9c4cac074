"""The short way for reports that only count, which come by the hundred a second: an insert and an update, no row read,
no object made. Whatever else a report says goes the long way (reporting.py), and so does every refusal."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from migrate_api.principals import AgentCaller
from migrate_api.protocol.messages import Progress
from migrate_api.protocol.states import JobStatus
from migrate_api.tables import Job, ProgressBatch

LONG = ("status", "error", "failed_items", "runs", "recount", "result")
DELTAS = ("files_completed", "files_unchanged", "files_skipped", "files_failed", "bytes_completed")
_jobs, _reports = Job.__table__, ProgressBatch.__table__


def is_new(session: Session, tenant_id: str, said: Progress, at: datetime) -> bool:
    """Note the report; whether its number is seen for the first time. Of two at once one waits for the other here."""
    row = {
        "job_id": said.job_id,
        "token": said.token,
        "sequence": said.sequence,
        "tenant_id": tenant_id,
        "at": at,
        "files_completed": said.files_completed + said.files_unchanged,
        "bytes_completed": said.bytes_completed,
        "bytes_per_second": said.bytes_per_second,
    }
    return session.execute(_insert(session.get_bind().dialect.name), row).first() is not None


def counted(session: Session, caller: AgentCaller, said: Progress, at: datetime) -> tuple[JobStatus, str | None] | None:
    """Count a report; the job's status and what is wanted of it. None, with nothing done, where the long way is to
    decide: the report says more, was there before, or is about a job that is not the caller's under this token."""
    if any(getattr(said, name) for name in LONG) or not is_new(session, caller.tenant_id, said, at):
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
    found = session.execute(_update(said.totals is not None, bool(said.entities)), values).first()
    if found is None:
        session.execute(_FORGET, {"its": said.job_id, "under": said.token, "number": said.sequence})
        return None
    return found[0], found[1]


@lru_cache
def _insert(dialect: str) -> sa.Executable:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(_reports).on_conflict_do_nothing().returning(_reports.c.sequence)  # type: ignore[arg-type]


@lru_cache
def _update(totals: bool, entities: bool) -> sa.Executable:
    """Sums are added in any order; state is taken from the newest alone."""
    jobs, newest = _jobs.c, _jobs.c.newest_sequence < sa.bindparam("number")
    state = {"newest_sequence": "number", "bytes_per_second": "speed", "bytes_left": "left"}
    if totals:
        state |= {"files_total": "items", "bytes_total": "bytes"}
    if entities:
        state["entities"] = "names"
    ours = (
        jobs.id == sa.bindparam("its"),
        jobs.tenant_id == sa.bindparam("tenant"),
        jobs.agent_id == sa.bindparam("whose"),
        jobs.token == sa.bindparam("under"),
        jobs.status.not_in((JobStatus.COMPLETED, JobStatus.FAILED)),
        jobs.deleted_at.is_(None),
    )
    changed = {
        **{jobs[name]: jobs[name] + sa.bindparam(f"more_{name}") for name in DELTAS},
        **{jobs[name]: sa.case((newest, _given(name, value)), else_=jobs[name]) for name, value in state.items()},
        jobs.reported_at: sa.bindparam("moment", type_=jobs.reported_at.type),
    }
    return sa.update(_jobs).where(*ours).values(changed).returning(jobs.status, jobs.wanted)  # type: ignore[arg-type]


def _given(column: str, name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=_jobs.c[column].type)


_FORGET = sa.delete(_reports).where(  # type: ignore[arg-type]
    _reports.c.job_id == sa.bindparam("its"),
    _reports.c.token == sa.bindparam("under"),
    _reports.c.sequence == sa.bindparam("number"),
)
