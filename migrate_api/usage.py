"""What a tenant is billed for a day: bytes and mailboxes of the jobs that ended on it (UTC). Written down once."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256

import sqlalchemy as sa
from sqlalchemy.orm import Session

from migrate_api import outbox
from migrate_api.billing import gigabytes
from migrate_api.tables import Job, Tenant, UsageDay

FURTHEST = 60
"""Days that are caught up after the service was down."""


def report_usage(session: Session, tenant_id: str, now: datetime) -> int:
    """Write down every day up to yesterday that has not been, and queue its message to Hub Billing; returns how many.

    A day with nothing to bill is written down too, without a message.
    """
    count, yesterday = 0, now.date() - timedelta(days=1)
    last = session.scalar(sa.select(sa.func.max(UsageDay.day)).where(UsageDay.tenant_id == tenant_id))
    made = session.get_one(Tenant, tenant_id).created_at.date()
    day = last + timedelta(days=1) if last else max(made, yesterday - timedelta(days=FURTHEST))
    while day <= yesterday:
        _report(session, tenant_id, day, now)
        count, day = count + 1, day + timedelta(days=1)
    return count


def _report(session: Session, tenant_id: str, day: date, now: datetime) -> None:
    start = datetime.combine(day, time(), UTC)
    sums = sa.select(
        sa.func.coalesce(sa.func.sum(Job.bytes_completed), 0), sa.func.coalesce(sa.func.sum(Job.mailboxes_completed), 0)
    ).where(Job.tenant_id == tenant_id, Job.finished_at >= start, Job.finished_at < start + timedelta(days=1))
    moved, mailboxes = (int(part) for part in session.execute(sums).one())
    session.add(UsageDay(tenant_id=tenant_id, day=day, bytes_transferred=moved, mailboxes=mailboxes, created_at=now))
    if moved or mailboxes:
        body = {
            "period": day.isoformat(),
            "metrics": {"gb_transferred": gigabytes(moved), "mailboxes_migrated": mailboxes},
        }
        outbox.put(session, tenant_id, "billing", "usage.daily", body, id_=_id(tenant_id, day))
    session.flush()


def _id(tenant_id: str, day: date) -> str:
    """The message's id, the same each time. Hub's organisations have ids of up to 64 letters, a message's has no more:
    so a digest of theirs."""
    return f"usage:{day}:{sha256(tenant_id.encode()).hexdigest()[:40]}"
