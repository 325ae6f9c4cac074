"""What was done for a project or a client, summed over its jobs by the database; deleted jobs count on."""

from __future__ import annotations

from collections import defaultdict
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
    return _alone(session, project.tenant_id, Job.project_id == project.id)


def of_client(session: Session, client: Client) -> RollUp:
    """Of all projects of a client; its cost is the sum of theirs."""
    return _alone(session, client.tenant_id, Job.client_id == client.id)


def of_clients(session: Session, tenant_id: str, client_ids: Sequence[str]) -> dict[str, RollUp]:
    """Of several clients in one go, by id; of those that have had jobs."""
    return _rolled_up(session, tenant_id, Job.client_id.in_(client_ids), Job.client_id)


def _alone(session: Session, tenant_id: str, of: sa.ColumnElement[bool]) -> RollUp:
    return _rolled_up(session, tenant_id, of, Job.tenant_id).get(tenant_id) or _sum({}, [])


def _rolled_up(
    session: Session, tenant_id: str, of: sa.ColumnElement[bool], by: sa.ColumnElement[str] | Any
) -> dict[str, RollUp]:
    which = sa.and_(of, Job.tenant_id == tenant_id)
    sums = [sa.func.coalesce(sa.func.sum(getattr(Job, name)), 0).label(name) for name in _COUNTS]
    rows: dict[str, list[Any]] = defaultdict(list)
    for row in session.execute(sa.select(by.label("by"), *sums).where(which).group_by("by", Job.project_id)):
        rows[row.by].append(row)
    seen = sa.select(by.label("by"), Job.status, sa.func.count()).where(which, Job.deleted_at.is_(None))
    jobs: dict[str, dict[str, int]] = defaultdict(dict)
    for whose, status, count in session.execute(seen.group_by("by", Job.status)):
        jobs[whose][status.value] = count
    return {whose: _sum(jobs[whose], parts) for whose, parts in rows.items()}


def _sum(jobs: dict[str, int], rows: Sequence[Any]) -> RollUp:
    """Of the sums of each project."""
    return RollUp(
        jobs=jobs,
        **{name: int(sum(getattr(row, name) for row in rows)) for name in _COUNTS},
        estimated_cost_usd=sum(
            (cost(int(row.bytes_completed), int(row.mailboxes_completed)) for row in rows), Decimal("0.00")
        ),
    )
