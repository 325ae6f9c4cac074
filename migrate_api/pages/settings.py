"""The settings: Headless Agent Registration, Agent Keys and API Tokens. What is made is shown once."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from migrate_api.doors import Admin, Inside, Transaction
from migrate_api.pages.forms import Form, Typed, filled, shown_again
from migrate_api.pages.lists import At, Listed, Place, listed
from migrate_api.pages.render import confirmation, page
from migrate_api.principals import Person, Role
from migrate_api.routes.agents import NewCode, NewKey, create_code, create_key, found_key, revoke_key
from migrate_api.routes.tokens import NewToken, create_token, found_token, revoke_token
from migrate_api.tables import AgentKey, ApiToken, RegistrationCode

routes = APIRouter(tags=["pages"], include_in_schema=False)
KeyId = Annotated[str, Path(max_length=64)]
TokenId = Annotated[str, Path(max_length=64)]


@routes.get("/settings")
def settings_page(caller: Admin, session: Transaction, at: At) -> HTMLResponse:
    """Codes, keys and tokens, without themselves."""
    return _settings(caller, session, at=at)


@routes.post("/settings/codes")
def generate_code(typed: Typed, caller: Admin, session: Transaction) -> HTMLResponse:
    """Generate Code: shown this once."""
    with shown_again(typed, lambda session, form: _settings(caller, session, form), "code"):
        made = create_code(caller, session, NewCode.model_validate(filled(typed)))
    return _settings(caller, session, code=made.code)


@routes.post("/settings/keys")
def generate_key(typed: Typed, caller: Admin, session: Transaction) -> HTMLResponse:
    """Generate: shown this once."""
    with shown_again(typed, lambda session, form: _settings(caller, session, form), "key"):
        made = create_key(NewKey.model_validate(filled(typed)), caller, session)
    return _settings(caller, session, key=made.key)


@routes.post("/settings/tokens")
def generate_token(typed: Typed, caller: Admin, session: Transaction) -> HTMLResponse:
    """Generate: shown this once. A day it lasts until ends in UTC."""
    with shown_again(typed, lambda session, form: _settings(caller, session, form), "token"):
        given = filled(typed)
        if "expires_at" in given:
            given["expires_at"] = f"{given['expires_at']}T23:59:59Z"
        made = create_token(NewToken.model_validate(given), caller, session)
    return _settings(caller, session, token=made.token)


@routes.get("/settings/keys/{key_id}/revoke")
def ask_to_revoke_key(key_id: KeyId, caller: Admin, session: Transaction) -> HTMLResponse:
    """Whether it is meant."""
    key = found_key(session, caller.tenant_id, key_id)
    return confirmation(
        caller,
        f"Revoke the key of {key.name}?",
        "An agent that works with it is cut off at once, and its jobs stand still until it has another. A revoked key"
        " does not come back.",
        button="Revoke",
        back="/settings#keys",
    )


@routes.post("/settings/keys/{key_id}/revoke")
def revoke_agent_key(key_id: KeyId, caller: Admin, session: Transaction, inside: Inside) -> RedirectResponse:
    """Revoke, once more."""
    revoke_key(key_id, caller, session, inside)
    return RedirectResponse("/settings#keys", 303)


@routes.get("/settings/tokens/{token_id}/revoke")
def ask_to_revoke_token(token_id: TokenId, caller: Admin, session: Transaction) -> HTMLResponse:
    """Whether it is meant."""
    token = found_token(session, caller.tenant_id, token_id)
    return confirmation(
        caller,
        f"Revoke the API token {token.name}?",
        "Scripts that use it are refused at once. A revoked token does not come back.",
        button="Revoke",
        back="/settings#tokens",
    )


@routes.post("/settings/tokens/{token_id}/revoke")
def revoke_api_token(token_id: TokenId, caller: Admin, session: Transaction) -> RedirectResponse:
    """Revoke, once more."""
    revoke_token(token_id, caller, session)
    return RedirectResponse("/settings#tokens", 303)


def _settings(
    caller: Person, session: Session, form: Form | None = None, at: Place | None = None, **made: str
) -> HTMLResponse:
    def of(table: Any, name: str) -> Listed:
        query = sa.select(table).where(table.tenant_id == caller.tenant_id)
        return listed(session, query, table, at or Place(), "/settings", of=name)

    return page(
        "settings.html",
        status=form.status if form else 200,
        caller=caller,
        made=made,
        codes=of(RegistrationCode, "codes"),
        keys=of(AgentKey, "keys"),
        tokens=of(ApiToken, "tokens"),
        roles={role.word: role.word for role in Role if role <= caller.role},
        form=form or Form(),
    )
