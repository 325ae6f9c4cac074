"""What was done for a project or a client, summed over its jobs by the database; deleted jobs count on."""

from __future__ import annotations

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
    return _rolled_up(session, project.tenant_id, Job.project_id == project.id)


def of_client(session: Session, client: Client) -> RollUp:
    """Of all projects of a client; its cost is the sum of theirs."""
    return _rolled_up(session, client.tenant_id, Job.client_id == client.id)


def _rolled_up(session: Session, tenant_id: str, of: sa.ColumnElement[bool]) -> RollUp:
    which = sa.and_(of, Job.tenant_id == tenant_id)
    sums = [sa.func.coalesce(sa.func.sum(getattr(Job, name)), 0).label(name) for name in _COUNTS]
    rows: list[Any] = list(session.execute(sa.select(Job.project_id, *sums).where(which).group_by(Job.project_id)))
    seen = sa.select(Job.status, sa.func.count()).where(which, Job.deleted_at.is_(None)).group_by(Job.status)
    return RollUp(
        jobs={status.value: count for status, count in session.execute(seen)},
        **{name: int(sum(getattr(row, name) for row in rows)) for name in _COUNTS},
        estimated_cost_usd=sum(
            (cost(int(row.bytes_completed), int(row.mailboxes_completed)) for row in rows), Decimal("0.00")
        ),
    )
