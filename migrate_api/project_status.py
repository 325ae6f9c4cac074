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
    """What the jobs of a project say, asked in one row: there may be very many."""
    asked = {"project": project.id, "tenant": project.tenant_id}
    some, left, begun = session.execute(_SAYING, asked).one()
    if some and not left:
        return ProjectStatus.COMPLETED
    return ProjectStatus.IN_PROGRESS if begun else ProjectStatus.PLANNING


def _alive(jobs: sa.FromClause) -> tuple[sa.ColumnElement[bool], ...]:
    ours = jobs.c.project_id == sa.bindparam("project"), jobs.c.tenant_id == sa.bindparam("tenant")
    return *ours, jobs.c.deleted_at.is_(None), jobs.c.status != JobStatus.CANCELLED


def _saying() -> sa.Select[bool, bool, bool]:
    """Whether there are any; any that have not completed, nor have a re-run instead; any that have started."""
    jobs = Job.__table__
    again = jobs.alias()
    repeated = sa.exists().where(*_alive(again), again.c.rerun_of == jobs.c.id)
    left = sa.exists().where(*_alive(jobs), jobs.c.status != JobStatus.COMPLETED, ~repeated)
    begun = sa.exists().where(*_alive(jobs), jobs.c.started_at.is_not(None))
    return sa.select(sa.exists().where(*_alive(jobs)), left, begun)


_SAYING = _saying()
"""Made once: making it costs more than asking."""
