"""New Job: files of the agent's machine, or a Rock database. Cloud sources are asked for over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse, RedirectResponse

from migrate_api.azure.kept import found_project
from migrate_api.creation import create
from migrate_api.dispatch import Dispatch, now
from migrate_api.doors import Inside, Member, Transaction
from migrate_api.job_views import JobRequest
from migrate_api.pages.forms import Fields, understood
from migrate_api.pages.render import page
from migrate_api.protocol.states import JOB_TYPES, JobType
from migrate_api.seen import online_since
from migrate_api.tables import Agent
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
SWITCHES = ("verify_integrity", "delete_after_upload")
OFFERED = frozenset({JobType.MIGRATE_FILES, JobType.ARCHIVE, JobType.SYNC, JobType.ROCKRMS_IMPORT})


@routes.get("/projects/{project_id}/jobs/new")
def new_job_page(project_id: ProjectId, caller: Member, session: Transaction) -> HTMLResponse:
    """Only online agents are shown."""
    project = found_project(session, caller.tenant_id, project_id)
    online = sa.select(Agent).where(Agent.tenant_id == caller.tenant_id, Agent.last_seen_at >= online_since(now()))
    types = sorted(JOB_TYPES[project.type] & OFFERED)
    agents = session.scalars(online.order_by(Agent.name)).all()
    return page("new_job.html", caller=caller, project=project, types=types, agents=agents, entities=ENTITY_NAMES)


@routes.post("/projects/{project_id}/jobs")
def new_job(
    project_id: ProjectId, fields: Fields, caller: Member, session: Transaction, inside: Inside
) -> RedirectResponse:
    """Create Job."""
    found_project(session, caller.tenant_id, project_id)
    with understood():
        asked = JobRequest.model_validate(_asked(project_id, fields))
    made = create(Dispatch(session, inside.waker), inside.vault, caller, asked)
    return RedirectResponse(f"/jobs/{made.id}", 303)


def _asked(project_id: str, fields: dict[str, str]) -> dict[str, Any]:
    patterns = {name: _listed(fields.get(name, "")) for name in ("include_patterns", "exclude_patterns")}
    switches = {name: name in fields for name in SWITCHES}
    return {
        "name": fields.get("name"),
        "project_id": project_id,
        "agent_id": fields.get("agent_id"),
        "type": fields.get("type"),
        "source": _source(fields),
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


def _given(fields: dict[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: fields[name] for name in names if name in fields}


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
