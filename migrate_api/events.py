"""What the Bus is told: `entity.action`, with ids and counts, never people or secrets."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from migrate_api import outbox
from migrate_api.protocol.states import FINAL
from migrate_api.tables import Agent, Job, Project


def job_created(session: Session, job: Job) -> None:
    outbox.put(session, job.tenant_id, "bus", "job.created", _job(job))


def job_moved(session: Session, job: Job) -> None:
    """`job.completed`, `job.failed` and `job.cancelled`; `job.started` when it begins to scan."""
    if job.status in FINAL:
        outbox.put(session, job.tenant_id, "bus", f"job.{job.status}", _job(job))
    elif job.status == "scanning" and job.paused_in is None and job.files_total is None:
        outbox.put(session, job.tenant_id, "bus", "job.started", _job(job), id_=f"job.started:{job.id}")


def project_asks(session: Session, project: Project) -> None:
    """`project.auth_required`: somebody has to sign in at Microsoft again."""
    body = {"project_id": project.id, "client_id": project.client_id}
    outbox.put(session, project.tenant_id, "bus", "project.auth_required", body)


def agent_registered(session: Session, agent: Agent) -> None:
    body = {"agent_id": agent.id, "name": agent.name}
    outbox.put(session, agent.tenant_id, "bus", "agent.registered", body)


def _job(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "client_id": job.client_id,
        "project_id": job.project_id,
        "agent_id": job.agent_id,
        "type": job.type.value,
        "status": job.status.value,
        "error_code": job.error_code,
        "completed": job.files_completed,
        "unchanged": job.files_unchanged,
        "skipped": job.files_skipped,
        "failed": job.files_failed,
        "bytes": job.bytes_completed,
    }
