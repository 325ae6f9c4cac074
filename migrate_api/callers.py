"""Who is calling: an API token, a signed-in browser, an agent's key. Nobody else is let in."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from migrate_api.credentials import hashed, well_formed
from migrate_api.database import Database
from migrate_api.errors import Refusal
from migrate_api.limits import Limits
from migrate_api.principals import AgentCaller, Person, Role
from migrate_api.protocol.messages import OLDEST_SPOKEN
from migrate_api.settings import ApiSettings
from migrate_api.tables import Agent, AgentKey, ApiToken, User, UserSession

COOKIE = "migrate_session"
REMEMBERED_SECONDS = 600.0
"""What changes is heard of at once (waker.py); this is for what was said and, against all reason, not heard."""
SAFE = ("GET", "HEAD", "OPTIONS")
HELLO = "/api/agent/hello"


_BY_KEY = (
    sa.select(AgentKey.id, AgentKey.agent_id, AgentKey.tenant_id, Agent.name, Agent.instance)
    .join(Agent, Agent.id == AgentKey.agent_id)
    .where(AgentKey.hash == sa.bindparam("hash"), AgentKey.revoked_at.is_(None))
)


@dataclass(frozen=True, slots=True)
class _Remembered:
    caller: AgentCaller
    until: float


class Callers:
    """Recognises callers and counts their requests. Raises Refusal: 401, 403, 409 SUPERSEDED, 426, 429."""

    def __init__(self, database: Database, settings: ApiSettings) -> None:
        self.limits = Limits(database)
        self._database, self._settings = database, settings
        self._known: dict[str, _Remembered] = {}
        self._known_as: dict[str, set[str]] = {}  # by agent: looking all over takes too long with ten thousand
        self._forgotten = 0
        self._hears = not database.postgresql
        self._lock = threading.Lock()

    def person(self, session: Session, request: HTTPConnection) -> Person:
        """The user or API token of a request; their tenant's limit is counted."""
        given = _bearer(request)
        if given is not None:
            found = _token(session, given)
        else:
            found = _signed_in(session, request.cookies.get(COOKIE))
            self._require_own_page(request)
        rate = self.limits.tenant(session, found.tenant_id, self._settings.requests_per_minute)
        request.state.rate = rate
        self.limits.require(rate)
        return found

    def agent(self, session: Session, request: HTTPConnection) -> AgentCaller:
        """The agent of a request."""
        _require_spoken(request)
        key = _bearer(request)
        if key is None or not well_formed(key, "mak"):
            raise unknown_caller("An agent's key is needed.")
        begun = self._forgotten
        row = self._database.alone(session, _BY_KEY, {"hash": hashed(key)})
        if row is None:
            raise unknown_caller("The agent's key is not valid or was revoked.")
        instance = request.headers.get("x-agent-instance", "")[:64] or None
        if row.instance not in (None, instance) and request.scope["path"] != HELLO:
            raise _superseded()
        caller = AgentCaller(row.agent_id, row.tenant_id, row.name, row.id, instance)
        self._remember(_memory(key, instance), caller, begun)
        return self._counted(request, caller)

    def remembered(self, request: HTTPConnection) -> AgentCaller | None:
        """The agent of a request, if its key was looked up a moment ago: without asking the database."""
        _require_spoken(request)
        key = _bearer(request)
        if key is None or request.scope["path"] == HELLO:
            return None
        found = self._known.get(_memory(key, request.headers.get("x-agent-instance", "")[:64] or None))
        if found is None or found.until < time.monotonic():
            return None
        return self._counted(request, found.caller)

    def forget_agent(self, agent_id: str) -> None:
        """Something about the agent has changed: look its key up again."""
        with self._lock:
            self._forgotten += 1
            for memory in self._known_as.pop(agent_id, ()):
                del self._known[memory]

    def forget_all(self, hears: bool) -> None:
        """Something may have changed about any. `hears`: whether changes are heard of from now on; nobody is remembered
        while they are not."""
        with self._lock:
            self._hears, self._forgotten = hears, self._forgotten + 1
            self._known, self._known_as = {}, {}

    def _remember(self, memory: str, caller: AgentCaller, begun: int) -> None:
        """Unless something was forgotten since the looking up had begun: it may have been this."""
        until = time.monotonic() + REMEMBERED_SECONDS * random.uniform(0.5, 1.0)  # not all are looked up again at once
        with self._lock:
            if self._hears and begun == self._forgotten:
                self._known[memory] = _Remembered(caller, until)
                self._known_as.setdefault(caller.id, set()).add(memory)

    def _counted(self, request: HTTPConnection, caller: AgentCaller) -> AgentCaller:
        rate = self.limits.caller(f"agent {caller.id}", self._settings.agent_requests_per_minute)
        request.state.rate = rate
        self.limits.require(rate)
        return caller

    def _require_own_page(self, request: HTTPConnection) -> None:
        """A browser sends its cookie along for other people's pages too: those may not change anything."""
        if request.scope.get("method") in SAFE:
            return
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        own = urlsplit(self._settings.public_url)
        if site == "same-origin" or (site is None and origin == f"{own.scheme}://{own.netloc}"):
            return
        raise Refusal(403, "FORBIDDEN", "The request comes from another site's page.", remedy="Use Migrate's own page.")


def _memory(key: str, instance: str | None) -> str:
    return f"{hashed(key)} {instance or ''}"


def _bearer(request: HTTPConnection) -> str | None:
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else None


def _token(session: Session, token: str) -> Person:
    now = datetime.now(UTC)
    row = None
    if well_formed(token, "mat"):
        row = session.scalar(sa.select(ApiToken).where(ApiToken.hash == hashed(token)))
    if row is None or row.revoked_at is not None:
        raise unknown_caller("The API token is not valid or was revoked.")
    if row.expires_at is not None and row.expires_at <= now:
        raise unknown_caller("The API token has expired.")
    return Person("token", row.id, row.tenant_id, Role.named(row.role), row.name, row.created_by)


def _signed_in(session: Session, cookie: str | None) -> Person:
    row = None
    if cookie is not None and well_formed(cookie, "mas"):
        query = sa.select(User, UserSession).join(UserSession, UserSession.user_id == User.id)
        row = session.execute(query.where(UserSession.hash == hashed(cookie))).first()
    if row is None or row[1].expires_at <= datetime.now(UTC):
        raise unknown_caller("Nobody is signed in.")
    user = row[0]
    return Person("user", user.id, user.tenant_id, Role.named(user.role), user.email, user.email)


def _require_spoken(request: HTTPConnection) -> None:
    said = request.headers.get("x-migrate-protocol", str(OLDEST_SPOKEN))
    if not said.isascii() or not said.isdigit() or int(said[:9]) < OLDEST_SPOKEN:
        raise Refusal(
            426,
            "UPGRADE_REQUIRED",
            f"This server speaks protocol {OLDEST_SPOKEN} and newer.",
            remedy="Install the newest migrate-agent; its jobs go on where they stopped.",
        )


def unknown_caller(message: str) -> Refusal:
    """401."""
    return Refusal(
        401,
        "UNAUTHORIZED",
        message,
        remedy="Sign in through Hub, or send a valid key or token as `Authorization: Bearer …`.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _superseded() -> Refusal:
    return Refusal(
        409,
        "SUPERSEDED",
        "A newer process works under this agent's key.",
        remedy="Stop this one. If it runs on another machine, register that machine with a code of its own.",
    )
