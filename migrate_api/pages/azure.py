"""Connect and Reconnect Azure Storage as a person does it: sign in at Microsoft, choose account and container, save."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from migrate_api.azure.connections import Choice
from migrate_api.azure.kept import found_project
from migrate_api.doors import Inside, Member, Services, Transaction, WaitingMember, WaitingViewer
from migrate_api.errors import refused_by
from migrate_api.pages.forms import Form, Typed, filled, shown_again, understood
from migrate_api.pages.render import confirmation, page
from migrate_api.principals import Person
from migrate_api.routes.azure import ChosenStorage
from migrate_api.routes.projects import Storage, connect_storage, disconnect_storage
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

    found = await inside.in_turn(lambda session: _look(session, caller, project_id))
    connection = found["connection"]
    offered: dict[str, Any] = {}
    if connection is not None and connection.kind == "microsoft" and not connection.failure:
        offered = await _offered(inside, project_id, account)
    return _page(caller, found, leads_to=_origin(inside.settings.microsoft_authority), account=account, **offered)


def _look(session: Session, caller: Person, project_id: str) -> dict[str, Any]:
    project = found_project(session, caller.tenant_id, project_id)
    return {"project": project, "connection": session.get(AzureConnection, project.id)}


def _page(caller: Person, found: dict[str, Any], *, form: Form | None = None, **offered: Any) -> HTMLResponse:
    """`offered`: what may be chosen, after a sign-in at Microsoft."""
    nothing: dict[str, Any] = {"accounts": [], "containers": [], "silence": "", "account": ""}
    status = form.status if form else 200
    return page("connection.html", status, caller=caller, form=form or Form(), **{**nothing, **found, **offered})


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


@routes.post("/projects/{project_id}/azure/secret")
def connect_by_secret(
    project_id: ProjectId, typed: Typed, caller: Member, session: Transaction, inside: Inside
) -> RedirectResponse:
    """The button Connect, under a SAS or a connection string."""
    found_project(session, caller.tenant_id, project_id)

    def again(session: Session, form: Form) -> HTMLResponse:
        return _page(caller, _look(session, caller, project_id), form=form)

    with shown_again(typed, again):
        connect_storage(project_id, Storage.model_validate(filled(typed)), caller, session, inside)
    return RedirectResponse(f"/projects/{project_id}", 303)


@routes.get("/projects/{project_id}/azure/disconnect")
def ask_to_disconnect(project_id: ProjectId, caller: Member, session: Transaction) -> HTMLResponse:
    """Whether it is meant."""
    project = found_project(session, caller.tenant_id, project_id)
    return confirmation(
        caller,
        f"Disconnect the Azure Storage of {project.name}?",
        "The secret, or the sign-in, is forgotten. Jobs that need the connection fail until there is another; what an"
        " agent was given before ends by itself within hours. Files in the storage are not touched.",
        button="Disconnect",
        back=f"/projects/{project.id}/azure",
    )


@routes.post("/projects/{project_id}/azure/disconnect")
def disconnect(project_id: ProjectId, caller: Member, session: Transaction, inside: Inside) -> RedirectResponse:
    """Disconnect, once more."""
    disconnect_storage(project_id, caller, session, inside)
    return RedirectResponse(f"/projects/{project_id}", 303)


async def _abroad(inside: Services, work: Callable[[], Found]) -> Found:
    with refused_by():
        return await inside.abroad.take(work)


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
