"""New Client, New Project, and the settings: Headless Agent Registration and Agent Keys. Over the routes' functions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from migrate_api.doors import Admin, Member, Transaction
from migrate_api.pages.forms import Fields, understood
from migrate_api.pages.render import page
from migrate_api.principals import Person
from migrate_api.routes.agents import NewCode, NewKey, create_code, create_key
from migrate_api.routes.clients import NewClient, create_client
from migrate_api.routes.projects import NewProject, create_project
from migrate_api.tables import AgentKey, RegistrationCode

routes = APIRouter(tags=["pages"], include_in_schema=False)
SHOWN = 100
SCHEDULE = ("full_speed_from", "full_speed_until", "throttled_mbps")


@routes.post("/clients")
def new_client(fields: Fields, caller: Member, session: Transaction) -> RedirectResponse:
    """Save."""
    with understood():
        new = NewClient.model_validate(fields)
    create_client(new, caller, session)
    return RedirectResponse("/clients", 303)


@routes.post("/projects")
def new_project(fields: Fields, caller: Member, session: Transaction) -> RedirectResponse:
    """Create Project. A schedule is one window of full speed on every day, and what holds outside it."""
    start, end, throttled = (fields.pop(name, None) for name in SCHEDULE)
    schedule = {"windows": [{"start": start, "end": end}], "throttled_mbps": throttled}
    given: dict[str, Any] = {**fields, "bandwidth_schedule": schedule if start or end or throttled else None}
    with understood():
        new = NewProject.model_validate(given)
    return RedirectResponse(f"/projects/{create_project(new, caller, session).id}", 303)


@routes.get("/settings")
def settings_page(caller: Admin, session: Transaction) -> HTMLResponse:
    """Codes and keys, without themselves."""
    return _settings(caller, session)


@routes.post("/settings/codes")
def generate_code(fields: Fields, caller: Admin, session: Transaction) -> HTMLResponse:
    """Generate Code: shown this once."""
    with understood():
        new = NewCode.model_validate(fields)
    return _settings(caller, session, code=create_code(caller, session, new).code)


@routes.post("/settings/keys")
def generate_key(fields: Fields, caller: Admin, session: Transaction) -> HTMLResponse:
    """Generate: shown this once."""
    with understood():
        new = NewKey.model_validate(fields)
    return _settings(caller, session, key=create_key(new, caller, session).key)


def _settings(caller: Person, session: Session, code: str = "", key: str = "") -> HTMLResponse:
    codes = sa.select(RegistrationCode).where(RegistrationCode.tenant_id == caller.tenant_id)
    keys = sa.select(AgentKey).where(AgentKey.tenant_id == caller.tenant_id)
    return page(
        "settings.html",
        caller=caller,
        code=code,
        key=key,
        codes=session.scalars(codes.order_by(RegistrationCode.created_at.desc()).limit(SHOWN)).all(),
        keys=session.scalars(keys.order_by(AgentKey.created_at.desc()).limit(SHOWN)).all(),
    )
