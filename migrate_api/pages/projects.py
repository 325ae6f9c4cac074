"""Projects as people look at them, add them, change them and cancel them."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from migrate_api.azure.kept import found_project
from migrate_api.doors import Admin, Inside, Member, Transaction, Viewer
from migrate_api.job_views import view
from migrate_api.pages.forms import Form, Typed, shown_again
from migrate_api.pages.lists import At, Chosen, Place, listed, names_of, offered
from migrate_api.pages.project_form import PLACES, asked, in_order, rows_shown, shown
from migrate_api.pages.render import confirmation, page
from migrate_api.principals import Person
from migrate_api.protocol.spec import DAYS
from migrate_api.protocol.states import ProjectStatus, ProjectType
from migrate_api.roll_ups import of_project
from migrate_api.routes.projects import NewProject, ProjectChange, change_project, create_project, delete_project
from migrate_api.tables import Agent, AzureConnection, Client, Job, Project

routes = APIRouter(tags=["pages"], include_in_schema=False)
ProjectId = Annotated[str, Path(max_length=64)]
LABELS = {
    ProjectType.FILE_MIGRATION: "File Migration",
    ProjectType.MAILBOX_MIGRATION: "Mailbox Migration",
    ProjectType.ARCHIVE: "Archive",
    ProjectType.FULL_MIGRATION: "Full Migration",
    ProjectType.ROCKRMS_IMPORT: "RockRMS Import",
}
"""As the guide calls them."""


@routes.get("/projects")
def projects_page(
    caller: Viewer,
    session: Transaction,
    at: At,
    client_id: Chosen = "",
    status: Chosen = "",
    type: Chosen = "",
    name: Chosen = "",
) -> HTMLResponse:
    """The engagements, the newest first, filtered. What is left empty, or is no such word, filters nothing."""
    known = {
        "client_id": client_id,
        "status": status if status in set(ProjectStatus) else "",
        "type": type if type in set(ProjectType) else "",
        "name": name,
    }
    return _projects(caller, session, at, known)


def _projects(
    caller: Person, session: Session, at: Place, chosen: dict[str, str], form: Form | None = None
) -> HTMLResponse:
    query = sa.select(Project).where(Project.tenant_id == caller.tenant_id)
    for column in (Project.client_id, Project.status, Project.type):
        query = query.where(column == chosen[column.key]) if chosen.get(column.key) else query
    query = query.where(Project.name.icontains(chosen["name"], autoescape=True)) if chosen.get("name") else query
    found = listed(session, query, Project, at, "/projects", chosen)
    of_clients = session, Client, caller.tenant_id, chosen.get("client_id", "")
    return page(
        "projects.html",
        status=form.status if form else 200,
        caller=caller,
        projects=found,
        names=names_of(session, Client, {one.client_id for one in found.rows}),
        clients=offered(*of_clients),
        takers=offered(*of_clients, Client.status == "active"),
        types={kind.value: label for kind, label in LABELS.items()},
        statuses={one.value: one.replace("_", " ") for one in ProjectStatus},
        rows=rows_shown(form.typed if form else {}),
        days=DAYS,
        chosen=chosen,
        form=form or Form(),
    )


@routes.post("/projects")
def new_project(typed: Typed, caller: Member, session: Transaction) -> RedirectResponse:
    """Create Project."""
    with shown_again(in_order(typed), lambda session, form: _projects(caller, session, Place(), {}, form)):
        given = {name: value for name, value in asked(in_order(typed)).items() if value != ""}
        who = {name: typed[name] for name in ("client_id", "type") if typed.get(name)}
        made = create_project(NewProject.model_validate({**given, **who}), caller, session)
    return RedirectResponse(f"/projects/{made.id}", 303)


@routes.get("/projects/{project_id}")
def project_page(project_id: ProjectId, caller: Viewer, session: Transaction, at: At) -> HTMLResponse:
    """One engagement: status, estimated cost, storage, schedule, jobs."""
    return _project(caller, session, project_id, at)


def _project(
    caller: Person, session: Session, project_id: str, at: Place | None = None, form: Form | None = None
) -> HTMLResponse:
    project = found_project(session, caller.tenant_id, project_id)
    query = sa.select(Job).where(Job.project_id == project.id, Job.deleted_at.is_(None))
    found = listed(session, query, Job, at or Place(), f"/projects/{project.id}")
    return page(
        "project.html",
        status=form.status if form else 200,
        caller=caller,
        project=project,
        client=session.get_one(Client, project.client_id),
        connection=session.get(AzureConnection, project.id),
        usage=of_project(session, project),
        jobs=found,
        shown=[view(job) for job in found.rows],
        names=names_of(session, Agent, {job.agent_id for job in found.rows}),
        form=form or Form(),
    )


@routes.get("/projects/{project_id}/edit")
def edit_page(project_id: ProjectId, caller: Member, session: Transaction) -> HTMLResponse:
    """Its particulars, to be changed."""
    return _edit(caller, session, project_id, Form())


def _edit(caller: Person, session: Session, project_id: str, form: Form) -> HTMLResponse:
    project = found_project(session, caller.tenant_id, project_id)
    was = shown(project)
    return page(
        "edit_project.html",
        status=form.status,
        caller=caller,
        project=project,
        was=was,
        rows=rows_shown(form.typed if form.refusal else was),
        days=DAYS,
        places=PLACES,
        form=form,
    )


@routes.post("/projects/{project_id}/edit")
def edit(project_id: ProjectId, typed: Typed, caller: Member, session: Transaction) -> RedirectResponse:
    """Save."""
    found_project(session, caller.tenant_id, project_id)
    fields = in_order(typed)
    with shown_again(fields, lambda session, form: _edit(caller, session, project_id, form)):
        change_project(project_id, ProjectChange.model_validate(asked(fields)), caller, session)
    return RedirectResponse(f"/projects/{project_id}", 303)


@routes.get("/projects/{project_id}/cancel")
def ask_to_cancel(project_id: ProjectId, caller: Member, session: Transaction) -> HTMLResponse:
    """Whether it is meant."""
    project = found_project(session, caller.tenant_id, project_id)
    return confirmation(
        caller,
        f"Cancel the project {project.name}?",
        "It takes no new jobs then. What was moved stays, and it can be taken back.",
        button="Cancel the project",
        back=f"/projects/{project.id}",
    )


@routes.post("/projects/{project_id}/cancel")
def cancel(project_id: ProjectId, caller: Member, session: Transaction) -> RedirectResponse:
    """Cancel, once more."""
    return _set(caller, session, project_id, ProjectChange(status="cancelled"))


@routes.post("/projects/{project_id}/take-back")
def take_back(project_id: ProjectId, caller: Member, session: Transaction) -> RedirectResponse:
    """Go on with a cancelled project."""
    return _set(caller, session, project_id, ProjectChange(status="in_progress"))


def _set(caller: Person, session: Session, project_id: str, change: ProjectChange) -> RedirectResponse:
    with shown_again({}, lambda session, form: _project(caller, session, project_id, form=form)):
        change_project(project_id, change, caller, session)
    return RedirectResponse(f"/projects/{project_id}", 303)


@routes.get("/projects/{project_id}/delete")
def ask_to_delete(project_id: ProjectId, caller: Admin, session: Transaction) -> HTMLResponse:
    """Whether it is meant."""
    project = found_project(session, caller.tenant_id, project_id)
    return confirmation(
        caller,
        f"Delete the project {project.name}?",
        "A project that never had a job is removed for good, with its Azure connection. One that had any is cancelled"
        " instead.",
        button="Delete",
        back=f"/projects/{project.id}",
    )


@routes.post("/projects/{project_id}/delete")
def delete(project_id: ProjectId, caller: Admin, session: Transaction, inside: Inside) -> RedirectResponse:
    """Delete, once more."""
    with shown_again({}, lambda session, form: _project(caller, session, project_id, form=form)):
        delete_project(project_id, caller, session, inside)
    return RedirectResponse("/projects", 303)
