"""Projects: engagements for a client, with their storage connection and bandwidth schedule."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import uuid4

import sqlalchemy as sa
from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from migrate_api.azure import kept
from migrate_api.doors import Admin, Inside, Member, Transaction, Viewer
from migrate_api.errors import conflict, invalid, not_found, refusals
from migrate_api.paging import Cursor, Limit, Page, page
from migrate_api.project_status import follows
from migrate_api.protocol.spec import (
    ACCOUNT,
    PREFIX,
    TIER,
    AccountName,
    BandwidthSchedule,
    ContainerName,
    Destination,
    Model,
    Name,
    Number,
    Secret,
    Tier,
    also,
)
from migrate_api.protocol.states import FINAL, ProjectStatus, ProjectType
from migrate_api.roll_ups import RollUp, of_project
from migrate_api.tables import Client, Job, Project
from migrate_api.words import require_place, require_prefix
from migrate_etl.spec import TimeZone

routes = APIRouter(prefix="/api", tags=["projects"])
Id = Annotated[str, Path(max_length=64)]


class Storage(Model):
    """An Azure Blob container; `secret` is a SAS or a connection string, kept sealed and never shown."""

    account: AccountName = Field(validation_alias=ACCOUNT)
    container: ContainerName
    tier: Tier = Field(default="hot", validation_alias=TIER)
    prefix: str = Field(default="", max_length=1_024, validation_alias=PREFIX)
    endpoint: Annotated[str, Field(pattern=r"^https?://[^\s/@?#]+(/[^\s?#]*)?$", max_length=1_024)] | None = Field(
        default=None, description="address of the account's blobs; by default https://<account>.blob.core.windows.net"
    )
    secret: Secret


class NewProject(Model):
    """An engagement for a client."""

    client_id: str = Field(max_length=64)
    type: ProjectType = Field(validation_alias=also("type", "project_type"))
    name: Name
    description: str | None = Field(default=None, max_length=10_000)
    psa_ticket_id: Number = None
    psa_project_id: Number = None
    time_zone: TimeZone = "UTC"
    default_destination: Destination | None = None
    bandwidth_schedule: BandwidthSchedule | None = None


class ProjectChange(Model):
    """What is to be changed; what is left out stays. `status`: cancelled, or in_progress to take that back."""

    name: Name | None = None
    description: str | None = Field(default=None, max_length=10_000)
    psa_ticket_id: Number = None
    psa_project_id: Number = None
    time_zone: TimeZone | None = None
    default_destination: Destination | None = None
    bandwidth_schedule: BandwidthSchedule | None = None
    status: Literal["cancelled", "in_progress"] | None = None


class ProjectView(BaseModel):
    """An engagement. `storage` is without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    client_id: str
    type: ProjectType
    status: ProjectStatus
    name: str
    description: str | None
    psa_ticket_id: str | None
    psa_project_id: str | None
    time_zone: str
    storage: dict[str, Any] | None
    default_destination: dict[str, Any] | None
    bandwidth_schedule: dict[str, Any] | None
    created_at: datetime


class ProjectDetail(ProjectView):
    """An engagement and what was done in it."""

    usage: RollUp


def _project(session: Session, tenant_id: str, project_id: str) -> Project:
    project = session.get(Project, project_id)
    if project is None or project.tenant_id != tenant_id:
        raise not_found("project")
    return project


@routes.post("/projects", status_code=201, responses=refusals(400, 401, 403, 409, 429))
def create_project(new: NewProject, caller: Member, session: Transaction) -> ProjectView:
    """Begin an engagement; it is `planning` until a job starts."""
    require_place(new.default_destination, "default_destination")
    client = session.get(Client, new.client_id)
    if client is None or client.tenant_id != caller.tenant_id:
        raise invalid({"client_id": "there is no such client; list the clients that you can see"})
    if client.status != "active":
        raise conflict("CLIENT_ARCHIVED", "The client is archived.", "Make it active first.")
    project = Project(
        id=uuid4().hex,
        tenant_id=caller.tenant_id,
        status=ProjectStatus.PLANNING,
        created_at=datetime.now(UTC),
        **{**new.model_dump(), **_documents(new)},
    )
    session.add(project)
    session.flush()
    return ProjectView.model_validate(project)


def _documents(said: NewProject | ProjectChange) -> dict[str, Any]:
    """The parts kept as JSON."""
    parts = {"default_destination": said.default_destination, "bandwidth_schedule": said.bandwidth_schedule}
    return {name: part.model_dump(mode="json") if part is not None else None for name, part in parts.items()}


@routes.get("/projects", responses=refusals(400, 401, 429))
def list_projects(
    caller: Viewer,
    session: Transaction,
    client_id: str | None = None,
    status: ProjectStatus | None = None,
    type: ProjectType | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ProjectView]:
    """The organisation's engagements."""
    query = sa.select(Project).where(Project.tenant_id == caller.tenant_id)
    query = query.where(Project.client_id == client_id) if client_id is not None else query
    query = query.where(Project.status == status) if status else query
    query = query.where(Project.type == type) if type else query
    return page(session, query, Project, limit, cursor, ProjectView.model_validate)


@routes.get("/projects/{project_id}", responses=refusals(400, 401, 404, 429))
def get_project(project_id: Id, caller: Viewer, session: Transaction) -> ProjectDetail:
    """One engagement with its estimated cost."""
    project = _project(session, caller.tenant_id, project_id)
    return ProjectDetail(**ProjectView.model_validate(project).model_dump(), usage=of_project(session, project))


@routes.patch("/projects/{project_id}", responses=refusals(400, 401, 403, 404, 409, 429))
def change_project(project_id: Id, change: ProjectChange, caller: Member, session: Transaction) -> ProjectView:
    """Change an engagement. A cancelled one takes no new jobs."""
    require_place(change.default_destination, "default_destination")
    project = _project(session, caller.tenant_id, project_id)
    given = change.model_dump(exclude_unset=True)
    for name in given:
        value = _documents(change).get(name, given[name])
        if name != "status" and (value is not None or name not in ("name", "time_zone")):
            setattr(project, name, value)
    if change.status == "cancelled":
        _require_idle(session, project, "cancelled")
        project.status = ProjectStatus.CANCELLED
    elif change.status == "in_progress" and project.status is ProjectStatus.CANCELLED:
        project.status = follows(session, project)
    session.flush()
    return ProjectView.model_validate(project)


def _require_idle(session: Session, project: Project, what: str) -> None:
    working = sa.select(Job.id).where(Job.project_id == project.id, Job.status.not_in(FINAL), Job.deleted_at.is_(None))
    if session.scalar(working.limit(1)):
        raise conflict("PROJECT_HAS_JOBS", f"A project with unfinished jobs cannot be {what}.", "Cancel them first.")


@routes.delete("/projects/{project_id}", status_code=204, responses=refusals(400, 401, 403, 404, 409, 429))
def delete_project(project_id: Id, caller: Admin, session: Transaction, inside: Inside) -> None:
    """Remove an engagement that never had a job; one that had is cancelled instead."""
    project = kept.found_project(session, caller.tenant_id, project_id, locked=True)
    if session.scalar(sa.select(Job.id).where(Job.project_id == project.id).limit(1)):
        raise conflict("PROJECT_HAS_JOBS", "The project has had jobs.", "Cancel it: PATCH with status cancelled.")
    kept.forget(session, inside.vault, project)
    session.delete(project)


@routes.put("/projects/{project_id}/storage", responses=refusals(400, 401, 403, 404, 429))
def connect_storage(
    project_id: Id, storage: Storage, caller: Member, session: Transaction, inside: Inside
) -> ProjectView:
    """Connect, or reconnect, the project's Azure Storage by a SAS or a connection string; `auth_required` becomes
    `in_progress`. For signing in at Microsoft instead see /api/connections/azure."""
    require_prefix(storage.prefix, "prefix")
    project = kept.found_project(session, caller.tenant_id, project_id, locked=True)
    said, secret = storage.model_dump(mode="json", exclude={"secret"}), storage.secret.get_secret_value()
    kept.connect_by_secret(session, inside.vault, project, said, secret, caller)
    return ProjectView.model_validate(project)


@routes.delete("/projects/{project_id}/storage", status_code=204, responses=refusals(400, 401, 403, 404, 429))
def disconnect_storage(project_id: Id, caller: Member, session: Transaction, inside: Inside) -> None:
    """Forget the connection with its secret or tokens; jobs that need one then fail with NO_AZURE_CONNECTION. What an
    agent was given before ends by itself within hours."""
    kept.forget(session, inside.vault, kept.found_project(session, caller.tenant_id, project_id, locked=True))
