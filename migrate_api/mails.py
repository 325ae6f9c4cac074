"""What people are mailed: how their job ended, and that a token is about to expire; once each, by the outbox."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from migrate_api import outbox
from migrate_api.protocol.states import JobStatus, ProjectStatus
from migrate_api.tables import ApiToken, AzureConnection, Job, OutboxMessage, Project

LOOK_BACK = timedelta(days=7)
"""A job that ended longer ago is no news."""
WARNED_DAYS = (14, 3)
ENDS = {
    "microsoft": "Microsoft ends a sign-in that nobody uses for 90 days. Choose Reconnect Azure Storage there.",
    "secret": "Its shared access signature ends. Give the project a new one.",
}
OVER = (ProjectStatus.COMPLETED, ProjectStatus.CANCELLED)
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


def warn_of_azure(session: Session, now: datetime, public_url: str) -> int:
    """Mails to whoever connected a project to Azure, within 14 and then within 3 days of its lapse; returns how many. A
    connection that was used meanwhile lapses at another time, and is warned of anew."""
    soon = sa.select(AzureConnection, Project).join(Project, Project.id == AzureConnection.project_id)
    soon = soon.where(
        AzureConnection.expires_at > now,
        AzureConnection.expires_at <= now + timedelta(max(WARNED_DAYS)),
        AzureConnection.failure.is_(None),
        Project.status.not_in(OVER),
    )
    count = 0
    for row, project in session.execute(soon.order_by(AzureConnection.expires_at)):
        assert row.expires_at is not None
        days = min(days for days in WARNED_DAYS if row.expires_at <= now + timedelta(days))
        lines = [
            f"The Azure connection of the project “{project.name}” expires on {row.expires_at:%Y-%m-%d %H:%M} UTC.",
            ENDS[row.kind],
        ]
        subject = f"Migrate: the Azure connection of {project.name} expires"
        id_ = f"azure:{days}:{row.expires_at:%Y%m%d%H%M}:{project.id}"
        count += _tell(session, project, row, "azure.expiring", subject, lines, public_url, id_)
    return count


def azure_expired(session: Session, project: Project, row: AzureConnection, public_url: str) -> int:
    """Mail whoever connected the project that only they can help now."""
    lines = [
        f"Azure credentials expired — re-authenticate via dashboard. The project “{project.name}” waits for it.",
        "Choose Reconnect Azure Storage in the project and sign in; then create the job again or re-run it. Files that "
        "were verified are not transferred again.",
    ]
    subject = f"Migrate: {project.name} needs a new Azure sign-in"
    id_ = f"azure-expired:{project.id}:{row.version}:{row.connected_at:%Y%m%d%H%M%S}"
    return _tell(session, project, row, "azure.expired", subject, lines, public_url, id_)


def _tell(
    session: Session,
    project: Project,
    row: AzureConnection,
    name: str,
    subject: str,
    lines: list[str],
    public_url: str,
    id_: str,
) -> int:
    if not ADDRESS.match(row.connected_by):
        return 0
    body = _mail(row.connected_by, subject, lines, f"{public_url}/projects/{project.id}/azure")
    return int(outbox.put(session, project.tenant_id, "mail", name, body, id_=id_) is not None)


def _mail(to: str, subject: str, lines: list[str], link: str) -> dict[str, str]:
    text = "\n\n".join([*lines, link]) + "\n"
    shown = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    address = html.escape(link)
    return {"to": to, "subject": subject, "text": text, "html": f'{shown}<p><a href="{address}">{address}</a></p>'}
