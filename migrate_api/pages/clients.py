"""Clients as people look at them, add them, change them and archive them."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from migrate_api.doors import Admin, Member, Transaction, Viewer
from migrate_api.pages.forms import Form, Typed, filled, shown_again
from migrate_api.pages.lists import At, Chosen, Place, listed
from migrate_api.pages.render import confirmation, page
from migrate_api.principals import Person
from migrate_api.roll_ups import of_client, of_clients
from migrate_api.routes.clients import (
    ClientChange,
    NewClient,
    change_client,
    create_client,
    delete_client,
    found_client,
)
from migrate_api.tables import Client, Project

routes = APIRouter(tags=["pages"], include_in_schema=False)
ClientId = Annotated[str, Path(max_length=64)]
STATUSES = ("active", "archived")


@routes.get("/clients")
def clients_page(caller: Viewer, session: Transaction, at: At, status: Chosen = "", name: Chosen = "") -> HTMLResponse:
    """The customers, the newest first, and what was done for each."""
    return _clients(caller, session, at, {"status": status, "name": name})


def _clients(
    caller: Person, session: Session, at: Place, chosen: dict[str, str], form: Form | None = None
) -> HTMLResponse:
    query = sa.select(Client).where(Client.tenant_id == caller.tenant_id)
    query = query.where(Client.status == chosen["status"]) if chosen["status"] else query
    query = query.where(Client.name.icontains(chosen["name"], autoescape=True)) if chosen["name"] else query
    found = listed(session, query, Client, at, "/clients", chosen)
    return page(
        "clients.html",
        status=form.status if form else 200,
        caller=caller,
        clients=found,
        usage=of_clients(session, caller.tenant_id, [one.id for one in found.rows]),
        statuses=STATUSES,
        chosen=chosen,
        form=form or Form(),
    )


@routes.post("/clients")
def new_client(typed: Typed, caller: Member, session: Transaction) -> RedirectResponse:
    """Save."""

    def again(session: Session, form: Form) -> HTMLResponse:
        return _clients(caller, session, Place(), {"status": "", "name": ""}, form)

    with shown_again(typed, again):
        made = create_client(NewClient.model_validate(filled(typed)), caller, session)
    return RedirectResponse(f"/clients/{made.id}", 303)


@routes.get("/clients/{client_id}")
def client_page(client_id: ClientId, caller: Viewer, session: Transaction, at: At) -> HTMLResponse:
    """One customer: particulars, what was done, its projects."""
    return _client(caller, session, client_id, at)


def _client(
    caller: Person, session: Session, client_id: str, at: Place | None = None, form: Form | None = None
) -> HTMLResponse:
    client = found_client(session, caller.tenant_id, client_id)
    projects = sa.select(Project).where(Project.client_id == client.id, Project.tenant_id == caller.tenant_id)
    return page(
        "client.html",
        status=form.status if form else 200,
        caller=caller,
        client=client,
        usage=of_client(session, client),
        projects=listed(session, projects, Project, at or Place(), f"/clients/{client.id}"),
        form=form or Form(),
    )


@routes.post("/clients/{client_id}")
def change(client_id: ClientId, typed: Typed, caller: Member, session: Transaction) -> RedirectResponse:
    """Save, Archive and Make active again: each sends what it changes."""
    found_client(session, caller.tenant_id, client_id)
    with shown_again(typed, lambda session, form: _client(caller, session, client_id, form=form)):
        change_client(client_id, ClientChange.model_validate(typed), caller, session)
    return RedirectResponse(f"/clients/{client_id}", 303)


@routes.get("/clients/{client_id}/delete")
def ask_to_delete(client_id: ClientId, caller: Admin, session: Transaction) -> HTMLResponse:
    """Whether it is meant."""
    client = found_client(session, caller.tenant_id, client_id)
    return confirmation(
        caller,
        f"Delete the client {client.name}?",
        "A client that has no projects is removed for good. One that has any is archived instead.",
        button="Delete",
        back=f"/clients/{client.id}",
    )


@routes.post("/clients/{client_id}/delete")
def delete(client_id: ClientId, caller: Admin, session: Transaction) -> RedirectResponse:
    """Delete, once more."""
    with shown_again({}, lambda session, form: _client(caller, session, client_id, form=form)):
        delete_client(client_id, caller, session)
    return RedirectResponse("/clients", 303)
