"""Clients, projects and reports as people look at them."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse

from migrate_api.azure.kept import found_project
from migrate_api.doors import Transaction, Viewer
from migrate_api.job_views import view
from migrate_api.pages.render import page
from migrate_api.protocol.states import FINAL, ProjectType
from migrate_api.reports import report
from migrate_api.roll_ups import of_client, of_project
from migrate_api.tables import Agent, AzureConnection, Client, Job, Project

routes = APIRouter(tags=["pages"], include_in_schema=False)
ProjectId = Annotated[str, Path(max_length=64)]
SHOWN = 100
LABELS = {
    ProjectType.FILE_MIGRATION: "File Migration",
    ProjectType.MAILBOX_MIGRATION: "Mailbox Migration",
    ProjectType.ARCHIVE: "Archive",
    ProjectType.FULL_MIGRATION: "Full Migration",
    ProjectType.ROCKRMS_IMPORT: "RockRMS Import",
}
"""As the guide calls them."""


@routes.get("/clients")
def clients_page(caller: Viewer, session: Transaction) -> HTMLResponse:
    """The customers, and what was done for each."""
    query = sa.select(Client).where(Client.tenant_id == caller.tenant_id).order_by(Client.name).limit(SHOWN)
    found = session.scalars(query).all()
    return page("clients.html", caller=caller, clients=[(one, of_client(session, one)) for one in found])


@routes.get("/projects")
def projects_page(caller: Viewer, session: Transaction) -> HTMLResponse:
    """The engagements, the newest first."""
    query = sa.select(Project, Client).join(Client, Client.id == Project.client_id)
    query = query.where(Project.tenant_id == caller.tenant_id).order_by(Project.created_at.desc()).limit(SHOWN)
    clients = sa.select(Client).where(Client.tenant_id == caller.tenant_id, Client.status == "active")
    return page(
        "projects.html",
        caller=caller,
        projects=[tuple(row) for row in session.execute(query)],
        clients=session.scalars(clients.order_by(Client.name)).all(),
        types=LABELS,
    )


@routes.get("/projects/{project_id}")
def project_page(project_id: ProjectId, caller: Viewer, session: Transaction) -> HTMLResponse:
    """One engagement: status, estimated cost, storage, schedule, jobs."""
    project = found_project(session, caller.tenant_id, project_id)
    query = sa.select(Job).where(Job.project_id == project.id, Job.deleted_at.is_(None))
    jobs = session.scalars(query.order_by(Job.created_at.desc()).limit(SHOWN)).all()
    agents = sa.select(Agent.id, Agent.name).where(Agent.id.in_({job.agent_id for job in jobs}))
    return page(
        "project.html",
        caller=caller,
        project=project,
        client=session.get_one(Client, project.client_id),
        connection=session.get(AzureConnection, project.id),
        usage=of_project(session, project),
        jobs=[view(job) for job in jobs],
        names={row.id: row.name for row in session.execute(agents)},
    )


@routes.get("/reports")
def reports_page(caller: Viewer, session: Transaction) -> HTMLResponse:
    """What ended last, with its figures and its CSV."""
    query = sa.select(Job).where(Job.tenant_id == caller.tenant_id, Job.status.in_(FINAL), Job.deleted_at.is_(None))
    found = session.scalars(query.order_by(Job.finished_at.desc()).limit(SHOWN))
    return page("reports.html", caller=caller, reports=[report(job) for job in found])
