"""Signing in through Hub, signing out, and who one is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import uuid4

import jwt
import sqlalchemy as sa
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session

from migrate_api.callers import COOKIE, unknown_caller
from migrate_api.credentials import hashed, new_credential
from migrate_api.database import insert_unless_there
from migrate_api.doors import Inside, Transaction, Viewer
from migrate_api.errors import Refusal, refusals
from migrate_api.protocol.spec import Model
from migrate_api.settings import ApiSettings
from migrate_api.tables import SignInToken, Tenant, User, UserSession

routes = APIRouter(prefix="/api", tags=["signing in"])
TOKEN_SECONDS, CLOCK_SECONDS = 60, 5
SESSION_HOURS = 8


class Claims(Model):
    """What Hub says of a user; other claims are ignored."""

    model_config = ConfigDict(extra="ignore")

    sub: str = Field(min_length=1, max_length=255)
    email: str = Field(min_length=3, max_length=320)
    tenant_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    tenant_slug: str = Field(pattern=r"^[A-Za-z0-9-]{1,255}$")
    role: str = Field(pattern="^(owner|admin|member|viewer)$")
    jti: str = Field(min_length=8, max_length=255)
    iat: int
    exp: int


class Me(BaseModel):
    """The caller."""

    kind: str
    name: str
    role: str
    tenant_id: str


@routes.get("/auth/hub-sso", status_code=303, response_class=RedirectResponse, responses=refusals(400, 401))
def hub_sso(token: Annotated[str, Query(max_length=4_096)], session: Transaction, inside: Inside) -> RedirectResponse:
    """Where Hub sends a user with a token that lives a minute and works once."""
    claims = _claims(token, inside.settings)
    _use_up(session, claims)
    user = _user(session, claims)
    now = datetime.now(UTC)
    cookie, digest = new_credential("mas")
    ends = now + timedelta(hours=SESSION_HOURS)
    session.add(UserSession(hash=digest, tenant_id=user.tenant_id, user_id=user.id, created_at=now, expires_at=ends))
    answer = RedirectResponse("/", 303, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    secure = inside.settings.public_url.startswith("https:")
    age = SESSION_HOURS * 3600
    answer.set_cookie(COOKIE, cookie, max_age=age, httponly=True, secure=secure, samesite="lax", path="/")
    return answer


def _claims(token: str, settings: ApiSettings) -> Claims:
    """Raises Refusal 401 for a token that Hub has not made for us just now."""
    secret = settings.portal_sso_secret.get_secret_value()
    if not secret:
        raise unknown_caller("Signing in through Hub is not set up (PORTAL_SSO_SECRET).")
    try:
        said: dict[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            audience=settings.sso_audience,
            issuer=settings.sso_issuer,
            leeway=CLOCK_SECONDS,
            options={"require": ["iss", "aud", "sub", "iat", "exp", "jti"]},
        )
        claims = Claims.model_validate(said)
    except (jwt.InvalidTokenError, ValidationError) as error:
        raise unknown_caller("Hub's sign-in token is not valid.") from error
    age = datetime.now(UTC).timestamp() - claims.iat
    if not -CLOCK_SECONDS <= age <= TOKEN_SECONDS + CLOCK_SECONDS:
        raise unknown_caller("Hub's sign-in token is too old: open Migrate from the Hub Bar again.")
    return claims


def _use_up(session: Session, claims: Claims) -> None:
    if session.get(SignInToken, claims.jti) is not None:
        raise unknown_caller("Hub's sign-in token was used already: open Migrate from the Hub Bar again.")
    # Kept until no clock can take it for fresh any more.
    ends = datetime.now(UTC) + timedelta(seconds=TOKEN_SECONDS + 2 * CLOCK_SECONDS + 60)
    session.add(SignInToken(jti=claims.jti, tenant_id=claims.tenant_id, expires_at=ends))
    try:
        session.flush()
    except sa.exc.IntegrityError as error:
        raise unknown_caller("Hub's sign-in token was used already.") from error


def _user(session: Session, claims: Claims) -> User:
    """The user as Hub describes them now. Hub's organisation is ours, under Hub's id. The first people of it may come
    at once."""
    now = datetime.now(UTC)
    insert_unless_there(session, Tenant, id=claims.tenant_id, slug=claims.tenant_slug, created_at=now)
    if session.get(Tenant, claims.tenant_id) is None:
        raise Refusal(401, "UNAUTHORIZED", "Another organisation has this name.", remedy="Contact support.")
    known = {"tenant_id": claims.tenant_id, "subject": claims.sub}
    as_told = {"email": claims.email, "role": claims.role, "signed_in_at": now}
    insert_unless_there(session, User, id=uuid4().hex, created_at=now, **known, **as_told)
    user = session.scalars(sa.select(User).filter_by(**known)).one()
    user.email, user.role, user.signed_in_at = claims.email, claims.role, now
    session.flush()
    return user


@routes.post("/auth/sign-out", status_code=204, responses=refusals(401, 403, 429))
def sign_out(request: Request, caller: Viewer, session: Transaction) -> Response:
    """End this browser's session. An API token stays as it is."""
    cookie = request.cookies.get(COOKIE)
    if cookie:
        session.execute(sa.delete(UserSession).where(UserSession.hash == hashed(cookie)))
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, path="/")
    return answer


@routes.get("/me", responses=refusals(401, 429))
def me(caller: Viewer) -> Me:
    """Who is calling."""
    return Me(kind=caller.kind, name=caller.name, role=caller.role.word, tenant_id=caller.tenant_id)
