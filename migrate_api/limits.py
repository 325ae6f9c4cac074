"""How many requests a tenant's people and each agent may make in a minute, and the headers that tell them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from migrate_api.database import Database
from migrate_api.errors import Refusal
from migrate_api.tables import RateWindow

WINDOW = 60


@dataclass(frozen=True, slots=True)
class Rate:
    """Where a caller stands in its minute."""

    limit: int
    used: int
    reset: int
    """Unix time at which the minute ends."""

    @property
    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - self.used)),
            "X-RateLimit-Reset": str(self.reset),
        }

    def require(self, now: float) -> None:
        """Raises Refusal 429."""
        if self.used > self.limit:
            wait = max(1, int(self.reset - now + 0.999))
            raise Refusal(
                429,
                "RATE_LIMIT_EXCEEDED",
                f"More than {self.limit} requests in a minute.",
                remedy=f"Wait {wait} seconds.",
                details={"limit": self.limit, "window": "1m", "retryAfter": wait},
                headers={"Retry-After": str(wait), **self.headers},
            )


class Windows:
    """Requests per caller and minute in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._counts: Counter[str] = Counter()

    def add(self, caller: str, minute: int) -> int:
        with self._lock:
            if minute != self._minute:
                self._minute, self._counts = minute, Counter()
            self._counts[caller] += 1
            return self._counts[caller]


class Limits:
    """Tenants share their limit over all replicas on PostgreSQL; an agent, or an address that has no name yet, has one
    in each."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock
        self._own, self._tenants = Windows(), Windows()

    def tenant(self, session: Session, tenant_id: str, limit: int) -> Rate:
        """Count a request of a tenant's person."""
        minute = int(self._clock() // WINDOW)
        shared = self._database.postgresql
        used = self._shared(session, tenant_id, minute) if shared else self._tenants.add(tenant_id, minute)
        return Rate(limit, used, (minute + 1) * WINDOW)

    def caller(self, name: str, limit: int) -> Rate:
        """Count a request of an agent or an address."""
        minute = int(self._clock() // WINDOW)
        return Rate(limit, self._own.add(name, minute), (minute + 1) * WINDOW)

    def require(self, rate: Rate) -> Rate:
        rate.require(self._clock())
        return rate

    def _shared(self, session: Session, tenant_id: str, minute: int) -> int:
        """In a transaction of its own: a refused request counts too."""
        counted = self._database.alone(session, _COUNT, {"tenant_id": tenant_id, "minute": minute})
        assert counted is not None  # an insert or an update: one row either way
        return int(counted[0])

    def forget_old(self) -> None:
        """Remove minutes that are over."""
        minute = int(self._clock() // WINDOW)
        with self._database.transaction() as session:
            session.execute(sa.delete(RateWindow).where(RateWindow.minute < minute))


def _count() -> sa.Executable:
    row = insert(RateWindow).values(requests=1)
    row = row.on_conflict_do_update(index_elements=["tenant_id", "minute"], set_={"requests": RateWindow.requests + 1})
    return row.returning(RateWindow.requests)


_COUNT = _count()
"""Made once: making it costs more than asking."""


class RateHeaders:
    """Puts the caller's rate, which a route left in `request.state.rate`, on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def with_headers(message: Message) -> None:
            rate = state.get("rate")
            if message["type"] == "http.response.start" and rate is not None:
                headers = MutableHeaders(scope=message)
                for name, value in rate.headers.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, with_headers)
