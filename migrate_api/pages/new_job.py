"""New Job: files of the agent's machine, or a Rock database. Cloud sources are asked for over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from migrate_api.azure.kept import found_project
from migrate_api.creation import create
from migrate_api.dispatch import Dispatch
from migrate_api.doors import Inside, Member, Transaction
from migrate_api.job_views import JobRequest
from migrate_api.pages.again import agents_online
from migrate_api.pages.forms import Form, Typed, filled, shown_again
from migrate_api.pages.render import page
from migrate_api.principals import Person
from migrate_api.protocol.states import JOB_TYPES, JobType
from migrate_etl.spec import ENTITY_NAMES

routes = APIRouter(tags=["pages"], include_in_schema=False)
ProjectId = Annotated[str, Path(max_length=64)]
ROCK = (
    "connection_string",
    "mission_org_slug",
    "mission_api_url",
    "mission_integration_key",
    "date_range_start",
    "time_zone",
)
NUMBERS = ("concurrency", "chunk_size_mb", "bandwidth_limit_mbps")
PLACE = ("container", "prefix", "tier")
SWITCHES = ("verify_integrity", "delete_after_upload")
OFFERED = frozenset({JobType.MIGRATE_FILES, JobType.ARCHIVE, JobType.SYNC, JobType.ROCKRMS_IMPORT})


@routes.get("/projects/{project_id}/jobs/new")
def new_job_page(project_id: ProjectId, caller: Member, session: Transaction) -> HTMLResponse:
    """Only online agents are shown."""
    return _page(caller, session, project_id, Form())


def _page(caller: Person, session: Session, project_id: str, form: Form) -> HTMLResponse:
    project = found_project(session, caller.tenant_id, project_id)
    return page(
        "new_job.html",
        status=form.status,
        caller=caller,
        project=project,
        types={kind.value: kind.value for kind in sorted(JOB_TYPES[project.type] & OFFERED)},
        agents=agents_online(session, caller.tenant_id),
        entities=ENTITY_NAMES,
        form=form,
    )


@routes.post("/projects/{project_id}/jobs")
def new_job(
    project_id: ProjectId, typed: Typed, caller: Member, session: Transaction, inside: Inside
) -> RedirectResponse:
    """Create Job."""
    found_project(session, caller.tenant_id, project_id)
    with shown_again(typed, lambda session, form: _page(caller, session, project_id, form)):
        asked = JobRequest.model_validate(_asked(project_id, filled(typed)))
        made = create(Dispatch(session, inside.waker), inside.vault, caller, asked)
    return RedirectResponse(f"/jobs/{made.id}", 303)


def _asked(project_id: str, fields: dict[str, str]) -> dict[str, Any]:
    patterns = {name: _patterns(fields.get(name, "")) for name in ("include_patterns", "exclude_patterns")}
    switches = {name: name in fields for name in SWITCHES}
    return {
        "name": fields.get("name"),
        "project_id": project_id,
        "agent_id": fields.get("agent_id"),
        "type": fields.get("type"),
        "source": _source(fields),
        **_destination(fields),
        "filters": {**_given(fields, ("older_than",)), **patterns},
        "transfer": {**_given(fields, NUMBERS), **switches},
    }


def _source(fields: dict[str, str]) -> dict[str, Any]:
    if fields.get("type") != JobType.ROCKRMS_IMPORT:
        return {"type": "local", "path": fields.get("path", "")}
    entities = [name for name in ENTITY_NAMES if name in fields]
    return {
        "type": "rockrms",
        "entities": entities,
        "campus_ids": _listed(fields.get("campus_ids", "")),
        **_given(fields, ROCK),
    }


def _destination(fields: dict[str, str]) -> dict[str, Any]:
    """What is said of it; the rest, or all, is as the project says."""
    said = {name: fields[f"destination_{name}"] for name in PLACE if f"destination_{name}" in fields}
    return {"destination": {"type": "azure_blob", **said}} if said else {}


def _given(fields: dict[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: fields[name] for name in names if name in fields}


def _patterns(text: str) -> list[str]:
    """Between commas, but for those in braces: they are the pattern's own."""
    parts, depth = [""], 0
    for letter in text:
        depth = max(0, depth + (letter == "{") - (letter == "}"))
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [bare for part in parts if (bare := part.strip())]


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
