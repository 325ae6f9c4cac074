"""API tokens of scripts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import uuid4

import sqlalchemy as sa
from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from migrate_api.credentials import new_credential
from migrate_api.doors import Admin, Transaction
from migrate_api.errors import Refusal, invalid, not_found, refusals
from migrate_api.paging import Cursor, Limit, Page, page
from migrate_api.principals import Role
from migrate_api.protocol.spec import Model
from migrate_api.tables import ApiToken

routes = APIRouter(prefix="/api", tags=["API tokens"])
RoleName = Literal["viewer", "member", "admin", "owner"]


class NewToken(Model):
    """A token to make; its role is at most the maker's."""

    name: str = Field(min_length=1, max_length=255)
    role: RoleName = "member"
    expires_at: AwareDatetime | None = None


class TokenView(BaseModel):
    """A token, without itself."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    role: str
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class MadeToken(TokenView):
    """A token just made: `token` is shown this once."""

    token: str


@routes.post("/tokens", status_code=201, responses=refusals(400, 401, 403, 429))
def create_token(new: NewToken, caller: Admin, session: Transaction) -> MadeToken:
    """Make a token."""
    now = datetime.now(UTC)
    if Role.named(new.role) > caller.role:
        raise Refusal(403, "FORBIDDEN", f"You are {caller.role.word}: a token cannot be more.", remedy="Ask an owner.")
    if new.expires_at is not None and new.expires_at <= now:
        raise invalid({"expires_at": "is past"})
    token, digest = new_credential("mat")
    row = ApiToken(
        id=uuid4().hex,
        tenant_id=caller.tenant_id,
        hash=digest,
        created_by=caller.email,
        created_at=now,
        **new.model_dump(),
    )
    session.add(row)
    session.flush()
    return MadeToken(**TokenView.model_validate(row).model_dump(), token=token)


@routes.get("/tokens", responses=refusals(400, 401, 403, 429))
def list_tokens(caller: Admin, session: Transaction, limit: Limit = 50, cursor: Cursor = None) -> Page[TokenView]:
    """All tokens, revoked ones too."""
    query = sa.select(ApiToken).where(ApiToken.tenant_id == caller.tenant_id)
    return page(session, query, ApiToken, limit, cursor, TokenView.model_validate)


@routes.delete("/tokens/{token_id}", status_code=204, responses=refusals(400, 401, 403, 404, 429))
def revoke_token(token_id: Annotated[str, Path(max_length=64)], caller: Admin, session: Transaction) -> None:
    """End a token at once."""
    row = found_token(session, caller.tenant_id, token_id)
    row.revoked_at = row.revoked_at or datetime.now(UTC)


def found_token(session: Session, tenant_id: str, token_id: str) -> ApiToken:
    """Raises Refusal 404."""
    row = session.get(ApiToken, token_id)
    if row is None or row.tenant_id != tenant_id:
        raise not_found("token")
    return row
