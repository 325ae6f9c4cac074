"""What an agent is given when it takes up a job: the token, the specification and the secrets for it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from migrate_api.dispatch import Dispatch, require_storage
from migrate_api.errors import Refusal, conflict
from migrate_api.principals import AgentCaller
from migrate_api.protocol.messages import Assignment, Counted
from migrate_api.protocol.spec import BandwidthSchedule
from migrate_api.protocol.states import FINAL
from migrate_api.tables import Agent, Event, Job, Project
from migrate_api.vault import Vault


def assignment(dispatch: Dispatch, vault: Vault, job: Job, caller: AgentCaller) -> Assignment | Refusal:
    """Lease the job. A job that cannot be done as things are fails here, with the documented code and remedy; the
    refusal (409 JOB_FINISHED) is then returned, not raised, so that the failure is committed."""
    session = dispatch.session
    project = session.get_one(Project, job.project_id)
    if job.status not in FINAL:
        _require_possible(dispatch, job, project)
    if job.status in FINAL:
        return _finished(job)
    token = dispatch.lease(job, caller)
    sealed = vault.open(session, job.tenant_id, f"job:{job.id}")
    return Assignment(
        job_id=job.id,
        name=job.name,
        type=job.type,
        status=job.status,
        paused_in=job.paused_in,
        stop="pause" if job.wanted == "pause" else None,
        token=token,
        started_on=job.created_at.astimezone(ZoneInfo(_zone(job, project))).date(),
        spec=sealed if sealed is not None else job.spec,
        time_zone=project.time_zone,
        bandwidth=BandwidthSchedule.model_validate(project.bandwidth_schedule) if project.bandwidth_schedule else None,
        counted=Counted(
            completed=job.files_completed,
            unchanged=job.files_unchanged,
            skipped=job.files_skipped,
            failed=job.files_failed,
            bytes_completed=job.bytes_completed,
        ),
        retry_of=job.retry_of,
        earlier_hosts=_earlier_hosts(session, job),
    )


def _earlier_hosts(session: Session, job: Job) -> tuple[str, ...]:
    told = sa.select(Event.details).where(Event.job_id == job.id, Event.name == "reassigned")
    agents = {details["before"] for details in session.scalars(told)}
    known = sa.select(Agent.hostname).where(Agent.id.in_(agents), Agent.tenant_id == job.tenant_id)
    return tuple(sorted(set(session.scalars(known)))) if agents else ()


def _zone(job: Job, project: Project) -> str:
    return str(job.spec.get("source", {}).get("time_zone") or project.time_zone)


def _require_possible(dispatch: Dispatch, job: Job, project: Project) -> None:
    if (job.spec.get("destination") or {}).get("type") == "azure_blob":
        try:
            require_storage(project)
        except Refusal as refusal:
            remedy = str(refusal.details.get("remedy", ""))
            dispatch.fail(job, "service", refusal.code, refusal.message, remedy)


def _finished(job: Job) -> Refusal:
    return conflict("JOB_FINISHED", f"The job is {job.status}.", "Stop working on it.", status=job.status.value)
