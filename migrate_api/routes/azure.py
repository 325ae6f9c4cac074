"""Connecting a project to Azure Storage by signing in at Microsoft. See azure/connections.py.

No route here is inside a transaction or a turn at the database while Microsoft is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from migrate_api.azure import kept
from migrate_api.azure.connections import CALLBACK, Choice
from migrate_api.doors import Inside, Services, WaitingMember, WaitingViewer
from migrate_api.errors import Refusal, invalid, refusals, refused_by
from migrate_api.protocol.spec import ACCOUNT, PREFIX, TIER, AccountName, ContainerName, Model, TenantId, Tier
from migrate_api.protocol.states import ProjectStatus
from migrate_api.tables import AzureConnection

routes = APIRouter(prefix="/api/connections/azure", tags=["azure connection"])
Id = Annotated[str, Path(max_length=64)]
LONGEST_ANSWER = 64 * 1024
Found = TypeVar("Found")


class SignIn(Model):
    """`directory`: where the account is a guest; without it, the account's own directory is meant."""

    directory: TenantId | None = None


class SignInView(BaseModel):
    """Send the person's browser to `url`."""

    url: str
    expires_at: datetime


class ConnectionView(BaseModel):
    """`kind` is microsoft or secret; `expires_at`: until when it lasts if nobody uses it. `failure`: Microsoft's own
    number for why a new sign-in is needed."""

    project_id: str
    project_status: ProjectStatus
    kind: str | None = None
    account: str | None = None
    connected_by: str | None = None
    connected_at: datetime | None = None
    used_at: datetime | None = None
    expires_at: datetime | None = None
    failure: str | None = None
    storage: dict[str, Any] | None = None


class AccountView(BaseModel):
    """A storage account that whoever signed in can see."""

    name: str
    subscription: str
    location: str
    kind: str
    endpoint: str


class ContainerView(BaseModel):
    """A container in it."""

    name: str


class ChosenStorage(Model):
    """Account and container may be typed where Azure does not list them."""

    account: AccountName = Field(validation_alias=ACCOUNT)
    container: ContainerName
    tier: Tier = Field(default="hot", validation_alias=TIER)
    prefix: str = Field(default="", max_length=1_024, validation_alias=PREFIX)


@routes.get(
    "/callback", status_code=303, response_class=RedirectResponse, responses=refusals(400, 401, 403, 404, 409, 429)
)
async def end_sign_in(
    caller: WaitingMember, inside: Inside, state: Annotated[str, Query(max_length=256)]
) -> RedirectResponse:
    """Where the person comes back to: the sign-in is theirs, or it is refused."""
    project_id = await _abroad(inside, lambda: inside.connections.finish(caller, state))
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(f"/projects/{project_id}/azure", 303, headers=headers)


@routes.post("/callback", status_code=303, response_class=RedirectResponse, responses=refusals(400, 413))
async def take_answer(request: Request, inside: Inside) -> RedirectResponse:
    """Where Microsoft has the browser post its answer. A cookie does not come along with another site's post: the
    answer is kept, and the browser comes back by itself, with its cookie."""
    body = await _bounded(request)
    answer = dict(parse_qsl(body.decode("utf-8", "replace")))
    await _step(inside, lambda session: inside.connections.receive(session, answer))
    return RedirectResponse(f"{CALLBACK}?{urlencode({'state': answer['state']})}", 303)


@routes.post("/{project_id}/sign-in", status_code=201, responses=refusals(400, 401, 403, 404, 409, 429))
async def begin_sign_in(
    project_id: Id, caller: WaitingMember, inside: Inside, asked: SignIn | None = None
) -> SignInView:
    """Connect, or reconnect, Azure Storage: the address at Microsoft where the caller signs in, good for ten minutes
    and for the caller alone."""
    directory = asked.directory if asked else None
    return SignInView(**asdict(await _abroad(inside, lambda: inside.connections.begin(caller, project_id, directory))))


@routes.get("/{project_id}", responses=refusals(400, 401, 404, 429))
async def get_connection(project_id: Id, caller: WaitingViewer, inside: Inside) -> ConnectionView:
    """How the project is connected, without any secret."""
    return await _step(inside, lambda session: _view(session, caller.tenant_id, project_id))


@routes.get("/{project_id}/accounts", responses=refusals(400, 401, 403, 404, 409, 429))
async def list_accounts(project_id: Id, caller: WaitingMember, inside: Inside) -> list[AccountView]:
    """The storage accounts to choose from."""
    await _step(inside, lambda session: kept.found_project(session, caller.tenant_id, project_id))
    found = await _abroad(inside, lambda: inside.connections.accounts(project_id))
    return [AccountView.model_validate(one, from_attributes=True) for one in found]


@routes.get("/{project_id}/containers", responses=refusals(400, 401, 403, 404, 409, 429))
async def list_containers(
    project_id: Id, caller: WaitingMember, inside: Inside, account: AccountName
) -> list[ContainerView]:
    """The containers of an account to choose from."""
    await _step(inside, lambda session: kept.found_project(session, caller.tenant_id, project_id))
    found = await _abroad(inside, lambda: inside.connections.containers(project_id, account))
    if found is None:
        raise invalid({"account": "Azure does not list it; type the container's name, or choose a listed account"})
    return [ContainerView(name=name) for name in found]


@routes.put("/{project_id}/storage", responses=refusals(400, 401, 403, 404, 409, 429))
async def choose_storage(
    project_id: Id, storage: ChosenStorage, caller: WaitingMember, inside: Inside
) -> ConnectionView:
    """Save account, container, tier and prefix, after a try whether one may write there; `auth_required` is cleared."""
    await _step(inside, lambda session: kept.found_project(session, caller.tenant_id, project_id))
    choice = Choice(**storage.model_dump())
    await _abroad(inside, lambda: inside.connections.choose(caller, project_id, choice))
    return await _step(inside, lambda session: _view(session, caller.tenant_id, project_id))


def _view(session: Session, tenant_id: str, project_id: str) -> ConnectionView:
    project = kept.found_project(session, tenant_id, project_id)
    row, storage = session.get(AzureConnection, project_id), project.storage
    view = ConnectionView(project_id=project.id, project_status=project.status, storage=storage)
    if row is None:  # none, or one by a secret from before there were rows
        return view.model_copy(update={"kind": "secret"}) if storage else view
    names = ("kind", "account", "connected_by", "connected_at", "used_at", "expires_at", "failure")
    return view.model_copy(update={name: getattr(row, name) for name in names})


async def _abroad(inside: Services, work: Callable[[], Found]) -> Found:
    """Work that asks Microsoft, a few at a time; its errors as refusals."""
    with refused_by():
        return await inside.abroad.take(work)


async def _step(inside: Services, work: Callable[[Session], Found]) -> Found:
    return await inside.in_turn(work)


async def _bounded(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_ANSWER:
            raise Refusal(413, "TOO_LARGE", "That is no answer of Microsoft's.")
    return body
