"""Connect and Reconnect Azure Storage as a person does it: sign in at Microsoft, choose account and container, save."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, RedirectResponse

from migrate_api.azure.connections import Choice
from migrate_api.azure.kept import found_project
from migrate_api.doors import Inside, Services, WaitingMember, WaitingViewer
from migrate_api.errors import refused_by
from migrate_api.pages.forms import Typed, filled, understood
from migrate_api.pages.render import page
from migrate_api.routes.azure import ChosenStorage
from migrate_api.tables import AzureConnection
from migrate_transfer.core.errors import MigrateError

routes = APIRouter(tags=["pages"], include_in_schema=False)
ProjectId = Annotated[str, Path(max_length=64)]
Found = TypeVar("Found")


@routes.get("/projects/{project_id}/azure")
async def connection_page(
    project_id: ProjectId, caller: WaitingViewer, inside: Inside, account: Annotated[str, Query(max_length=24)] = ""
) -> HTMLResponse:
    """How the project is connected now, and the next step; where a sign-in at Microsoft ends."""

    def look(session: Any) -> dict[str, Any]:
        project = found_project(session, caller.tenant_id, project_id)
        return {"project": project, "connection": session.get(AzureConnection, project.id)}

    found = await inside.in_turn(look)
    connection = found["connection"]
    offered: dict[str, Any] = {"accounts": [], "containers": [], "silence": ""}
    if connection is not None and connection.kind == "microsoft" and not connection.failure:
        offered = await _offered(inside, project_id, account)
    return page(
        "connection.html",
        caller=caller,
        account=account,
        leads_to=_origin(inside.settings.microsoft_authority),
        **found,
        **offered,
    )


async def _offered(inside: Services, project_id: str, account: str) -> dict[str, Any]:
    """What may be chosen. Where Azure lists nothing, names are typed."""
    try:
        accounts = await inside.abroad.take(lambda: inside.connections.accounts(project_id))
        containers = await inside.abroad.take(
            lambda: inside.connections.containers(project_id, account) if account else []
        )
    except MigrateError as error:
        return {"accounts": [], "containers": [], "silence": error.message}
    return {"accounts": [one.name for one in accounts], "containers": containers or [], "silence": ""}


@routes.post("/projects/{project_id}/azure/sign-in")
async def sign_in(project_id: ProjectId, caller: WaitingMember, inside: Inside) -> RedirectResponse:
    """The button Connect or Reconnect Azure Storage: on to Microsoft."""
    begun = await _abroad(inside, lambda: inside.connections.begin(caller, project_id, None))
    return RedirectResponse(begun.url, 303)


@routes.post("/projects/{project_id}/azure/storage")
async def save(project_id: ProjectId, typed: Typed, caller: WaitingMember, inside: Inside) -> RedirectResponse:
    """The button Save, under the account and container that were chosen."""
    await inside.in_turn(lambda session: found_project(session, caller.tenant_id, project_id))
    with understood():
        chosen = ChosenStorage.model_validate(filled(typed))
    choice = Choice(**chosen.model_dump())
    await _abroad(inside, lambda: inside.connections.choose(caller, project_id, choice))
    return RedirectResponse(f"/projects/{project_id}", 303)


async def _abroad(inside: Services, work: Callable[[], Found]) -> Found:
    with refused_by():
        return await inside.abroad.take(work)


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
