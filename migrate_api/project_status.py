"""What a project's status follows from.

`planning`: no job has started. `in_progress`: one has, and not all have completed (a failed job leaves it here, to be
repeated). `completed`: all jobs that were not cancelled or deleted have completed, or have a re-run that has; at
least one. `cancelled` is set by the operator, and taken back by them. `auth_required` stays until Azure is reconnected.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from migrate_api.protocol.states import JobStatus, ProjectStatus
from migrate_api.tables import Job, Project

KEPT = (ProjectStatus.CANCELLED, ProjectStatus.AUTH_REQUIRED)


def refresh_project(session: Session, project_id: str) -> None:
    """Set the project's status to what its jobs say."""
    project = session.get_one(Project, project_id)
    if project.status not in KEPT:
        project.status = follows(session, project)


def follows(session: Session, project: Project) -> ProjectStatus:
    """What the jobs of a project say."""
    ours = (Job.project_id == project.id, Job.tenant_id == project.tenant_id)
    alive = (*ours, Job.deleted_at.is_(None), Job.status != JobStatus.CANCELLED)
    jobs = session.execute(sa.select(Job.id, Job.status, Job.rerun_of, Job.started_at).where(*alive)).all()
    repeated = {job.rerun_of for job in jobs if job.rerun_of}
    counting = [job for job in jobs if job.id not in repeated]
    if counting and all(job.status is JobStatus.COMPLETED for job in counting):
        return ProjectStatus.COMPLETED
    started = any(job.started_at is not None for job in jobs)
    return ProjectStatus.IN_PROGRESS if started else ProjectStatus.PLANNING
