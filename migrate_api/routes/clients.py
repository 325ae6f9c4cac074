"""Clients: the customers of an organisation, and what was done for each."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import uuid4

import sqlalchemy as sa
from fastapi import APIRouter, Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from migrate_api.doors import Admin, Member, Transaction, Viewer
from migrate_api.errors import conflict, not_found, refusals
from migrate_api.paging import Cursor, Limit, Page, page
from migrate_api.protocol.spec import Model, Name, Number, Optionally
from migrate_api.roll_ups import RollUp, of_client
from migrate_api.tables import Client, Project

routes = APIRouter(prefix="/api", tags=["clients"])
Id = Annotated[str, Path(max_length=64)]
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError("give an address such as ada@example.org")
    return text


Email = Annotated[Annotated[str, Field(max_length=320), AfterValidator(_address)] | None, Optionally]
Contact = Annotated[Annotated[str, Field(max_length=255)] | None, Optionally]


class NewClient(Model):
    """A customer."""

    name: Name
    contact_name: Contact = None
    contact_email: Email = None
    psa_company_id: Number = None


class ClientChange(Model):
    """What is to be changed; what is left out stays."""

    name: Name | None = None
    contact_name: Contact = None
    contact_email: Email = None
    psa_company_id: Number = None
    status: Literal["active", "archived"] | None = None


class ClientView(BaseModel):
    """A customer."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    contact_name: str | None
    contact_email: str | None
    psa_company_id: str | None
    status: str
    created_at: datetime


class ClientDetail(ClientView):
    """A customer, and what was done for it over all its projects."""

    usage: RollUp


def found_client(session: Session, tenant_id: str, client_id: str) -> Client:
    """Raises Refusal 404."""
    client = session.get(Client, client_id)
    if client is None or client.tenant_id != tenant_id:
        raise not_found("client")
    return client


@routes.post("/clients", status_code=201, responses=refusals(400, 401, 403, 429))
def create_client(new: NewClient, caller: Member, session: Transaction) -> ClientView:
    """Add a customer; it is `active`."""
    client = Client(
        id=uuid4().hex, tenant_id=caller.tenant_id, status="active", created_at=datetime.now(UTC), **new.model_dump()
    )
    session.add(client)
    session.flush()
    return ClientView.model_validate(client)


@routes.get("/clients", responses=refusals(400, 401, 429))
def list_clients(
    caller: Viewer,
    session: Transaction,
    status: Literal["active", "archived"] | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ClientView]:
    """The organisation's customers."""
    query = sa.select(Client).where(Client.tenant_id == caller.tenant_id)
    query = query.where(Client.status == status) if status else query
    return page(session, query, Client, limit, cursor, ClientView.model_validate)


@routes.get("/clients/{client_id}", responses=refusals(400, 401, 404, 429))
def get_client(client_id: Id, caller: Viewer, session: Transaction) -> ClientDetail:
    """One customer with what was done for it."""
    client = found_client(session, caller.tenant_id, client_id)
    return ClientDetail(**ClientView.model_validate(client).model_dump(), usage=of_client(session, client))


@routes.patch("/clients/{client_id}", responses=refusals(400, 401, 403, 404, 429))
def change_client(client_id: Id, change: ClientChange, caller: Member, session: Transaction) -> ClientView:
    """Change a customer's particulars, or archive it."""
    client = found_client(session, caller.tenant_id, client_id)
    for name, value in change.model_dump(exclude_unset=True).items():
        if value is not None or name not in ("name", "status"):
            setattr(client, name, value)
    session.flush()
    return ClientView.model_validate(client)


@routes.delete("/clients/{client_id}", status_code=204, responses=refusals(400, 401, 403, 404, 409, 429))
def delete_client(client_id: Id, caller: Admin, session: Transaction) -> None:
    """Remove a customer that has no projects; one that has is archived instead."""
    client = found_client(session, caller.tenant_id, client_id)
    if session.scalar(sa.select(Project.id).where(Project.client_id == client.id).limit(1)):
        raise conflict("CLIENT_HAS_PROJECTS", "The client has projects.", "Archive it: PATCH with status archived.")
    session.delete(client)
