"""The history of a job: who did what, when, from which state to which, and why. Only ever added to.

Each line's hash covers the line and the hash before it; the job keeps the newest. So a line that was changed, taken
out, put in or cut off the end shows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from migrate_api.protocol.states import JobStatus
from migrate_api.tables import Event, Job


def append(
    session: Session,
    job: Job,
    *,
    at: datetime,
    actor: str,
    name: str,
    to: JobStatus | None = None,
    why: str = "",
    **details: Any,
) -> Event:
    """Write a line; the caller holds the job's row. `to`: the state it moves to, if it does."""
    event = Event(
        job_id=job.id,
        number=job.history_length + 1,
        tenant_id=job.tenant_id,
        at=at.replace(microsecond=at.microsecond // 1000 * 1000),
        actor=actor,
        name=name,
        from_status=job.status.value if to else None,
        to_status=to.value if to else None,
        why=why,
        details=details,
        previous=job.head,
    )
    event.hash = _hash(event)
    job.history_length, job.head = event.number, event.hash
    session.add(event)
    return event


def _hash(event: Event) -> str:
    line = {
        "job": event.job_id,
        "number": event.number,
        "tenant": event.tenant_id,
        "at": event.at.isoformat(timespec="milliseconds"),
        "actor": event.actor,
        "name": event.name,
        "from": event.from_status,
        "to": event.to_status,
        "why": event.why,
        "details": event.details,
        "previous": event.previous,
    }
    return hashlib.sha256(json.dumps(line, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def lines(session: Session, job_id: str) -> list[Event]:
    """A job's history, oldest first."""
    return list(session.scalars(sa.select(Event).where(Event.job_id == job_id).order_by(Event.number)))


def flaws(session: Session, tenant_id: str | None = None) -> Iterator[str]:
    """What is wrong with the histories of all jobs, or a tenant's, in plain sentences; nothing if they are whole."""
    jobs = sa.select(Job).order_by(Job.id)
    for job in session.scalars(jobs.where(Job.tenant_id == tenant_id) if tenant_id else jobs):
        previous, number, status = "", 0, JobStatus.CREATED.value
        for event in lines(session, job.id):
            number += 1
            if event.number != number:
                yield f"job {job.id}: line {number} is missing"
                number = event.number
            if event.previous != previous:
                yield f"job {job.id}: line {event.number} does not follow the line before it"
            if _hash(event) != event.hash:
                yield f"job {job.id}: line {event.number} was changed"
            previous, status = event.hash, event.to_status or status
        if (number, previous) != (job.history_length, job.head):
            yield f"job {job.id}: the history ends at line {number}, the job knows of {job.history_length}"
        if job.status.value != status:
            yield f"job {job.id}: it is {job.status}, and {status} by its history"
