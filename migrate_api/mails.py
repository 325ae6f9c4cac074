"""What people are mailed: how their job ended, and that a token is about to expire; once each, by the outbox."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from migrate_api import outbox
from migrate_api.protocol.states import JobStatus
from migrate_api.tables import ApiToken, Job, OutboxMessage

LOOK_BACK = timedelta(days=7)
"""A job that ended longer ago is no news."""
WARNED_DAYS = (14, 3)
ADDRESS = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


def notify(session: Session, now: datetime, public_url: str) -> int:
    """Mails for jobs that completed or failed and have had none; returns how many. A job's maker without an address, a
    script for instance, gets none."""
    told = sa.select(OutboxMessage.id).where(OutboxMessage.id == sa.literal("mail:") + Job.id).exists()
    ended = sa.select(Job).where(
        Job.finished_at > now - LOOK_BACK,
        Job.status.in_((JobStatus.COMPLETED, JobStatus.FAILED)),
        Job.created_by.contains("@"),
        ~told,
    )
    count = 0
    # All of them: under a limit, jobs of makers without an address, which are never told, would come first each time.
    for job in session.scalars(ended.order_by(Job.finished_at, Job.id)):
        if ADDRESS.match(job.created_by):
            outbox.put(
                session, job.tenant_id, "mail", f"job.{job.status}", _ended(job, public_url), id_=f"mail:{job.id}"
            )
            count += 1
    return count


def _ended(job: Job, public_url: str) -> dict[str, str]:
    link = f"{public_url}/jobs/{job.id}"
    lines = [
        f"The job “{job.name}” has {'completed' if job.status is JobStatus.COMPLETED else 'failed'}.",
        f"Completed {job.files_completed}, unchanged {job.files_unchanged}, skipped {job.files_skipped}, "
        f"failed {job.files_failed}.",
    ]
    if job.error_message:
        lines.append(f"{job.error_message} ({job.error_code})")
        lines += [job.error_remedy] if job.error_remedy else []
    return _mail(job.created_by, f"Migrate: {job.name} {job.status}", lines, link)


def warn_of_expiry(session: Session, now: datetime, public_url: str) -> int:
    """Mails to the makers of API tokens that expire within 14 and then within 3 days; returns how many. A token that
    is made for two days is warned of once."""
    soon = sa.select(ApiToken).where(
        ApiToken.revoked_at.is_(None),
        ApiToken.expires_at > now,
        ApiToken.expires_at <= now + timedelta(max(WARNED_DAYS)),
    )
    count = 0
    for token in session.scalars(soon.order_by(ApiToken.expires_at)):
        if ADDRESS.match(token.created_by):
            assert token.expires_at is not None
            days = min(days for days in WARNED_DAYS if token.expires_at <= now + timedelta(days))
            body, id_ = _expiring(token, public_url), f"expiry:{days}:{token.id}"
            count += outbox.put(session, token.tenant_id, "mail", "token.expiring", body, id_=id_) is not None
    return count


def _expiring(token: ApiToken, public_url: str) -> dict[str, str]:
    lines = [
        f"The API token “{token.name}” expires on {token.expires_at:%Y-%m-%d %H:%M} UTC.",
        "Make a new one and give it to whoever uses this one.",
    ]
    return _mail(token.created_by, f"Migrate: the token {token.name} expires", lines, public_url)


def _mail(to: str, subject: str, lines: list[str], link: str) -> dict[str, str]:
    text = "\n\n".join([*lines, link]) + "\n"
    shown = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    address = html.escape(link)
    return {"to": to, "subject": subject, "text": text, "html": f'{shown}<p><a href="{address}">{address}</a></p>'}
