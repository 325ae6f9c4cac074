"""What was done for a project or a client, summed over its jobs by the database; deleted jobs count on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.orm import Session

from migrate_api.billing import cost
from migrate_api.tables import Client, Job, Project


class RollUp(BaseModel):
    """Jobs by status, and what they moved. The cost is rounded per project."""

    jobs: dict[str, int]
    files_completed: int
    files_unchanged: int
    files_skipped: int
    files_failed: int
    bytes_completed: int
    mailboxes_completed: int
    estimated_cost_usd: Decimal


_COUNTS = (
    "files_completed",
    "files_unchanged",
    "files_skipped",
    "files_failed",
    "bytes_completed",
    "mailboxes_completed",
)


def of_project(session: Session, project: Project) -> RollUp:
    """Of one project."""
    found = _rolled_up(session, project.tenant_id, Job.project_id == project.id, Job.project_id)
    return found.get(project.id) or _sum([])


def of_client(session: Session, client: Client) -> RollUp:
    """Of all projects of a client; its cost is the sum of theirs."""
    return of_clients(session, client.tenant_id, [client.id]).get(client.id) or _sum([])


def of_clients(session: Session, tenant_id: str, client_ids: Sequence[str]) -> dict[str, RollUp]:
    """Of several clients in one go, by id; of those that have had jobs."""
    return _rolled_up(session, tenant_id, Job.client_id.in_(client_ids), Job.client_id)


def _rolled_up(
    session: Session, tenant_id: str, of: sa.ColumnElement[bool], by: sa.ColumnElement[str] | Any
) -> dict[str, RollUp]:
    """In one pass over the jobs."""
    sums = [sa.func.coalesce(sa.func.sum(getattr(Job, name)), 0).label(name) for name in _COUNTS]
    seen = sa.func.count(sa.case((Job.deleted_at.is_(None), 1))).label("seen")
    query = sa.select(by.label("whose"), Job.project_id, Job.status, seen, *sums)
    query = query.where(of, Job.tenant_id == tenant_id).group_by(by, Job.project_id, Job.status)
    rows: dict[str, list[Any]] = defaultdict(list)
    for row in session.execute(query):
        rows[row.whose].append(row)
    return {whose: _sum(parts) for whose, parts in rows.items()}


def _sum(rows: Sequence[Any]) -> RollUp:
    """Of the sums of each project and status."""
    jobs: Counter[str] = Counter()
    moved: Counter[str] = Counter()
    mailboxes: Counter[str] = Counter()
    for row in rows:
        jobs[row.status.value] += row.seen
        moved[row.project_id] += int(row.bytes_completed)
        mailboxes[row.project_id] += int(row.mailboxes_completed)
    return RollUp(
        jobs={status: count for status, count in jobs.items() if count},
        **{name: int(sum(getattr(row, name) for row in rows)) for name in _COUNTS},
        estimated_cost_usd=sum((cost(moved[id_], mailboxes[id_]) for id_ in moved), Decimal("0.00")),
    )
