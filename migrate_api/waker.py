"""Wakes waiting command polls: ten thousand of them hold neither a thread nor a database connection each.

On PostgreSQL one connection per replica listens, and a wake travels with the transaction that made it, so that every
replica hears of it when it is committed. On SQLite there is one process, which tells itself.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

from migrate_api.database import Database, after_commit
from migrate_api.tables import QueuedCommand

CHANNEL = "migrate_agents"
RECONNECT_SECONDS = 1.0
LISTENER = "migrate_listener"
"""What the connection calls itself to the database."""
ALIVE: dict[str, Any] = {"keepalives_idle": 20, "keepalives_interval": 5, "keepalives_count": 4}
"""Seconds: who only listens does not notice by itself that the other side has vanished."""
QUIET_SECONDS = 600.0
"""A poll that follows another looks into the database after so long, whatever was or was not heard."""
log = logging.getLogger(__name__)
_ORDERED = str(sa.select(QueuedCommand.agent_id).where(QueuedCommand.acknowledged_at.is_(None)).distinct())


class Waker:
    """Bells of waiting polls, by agent. `wake` may be called from any thread; the rest belongs to the event loop."""

    def __init__(self, database: Database, heard: Callable[[str], None], hearing: Callable[[bool], None]) -> None:
        """`heard` is told of every agent that something was said about; `hearing` when listening begins, before which
        something may have been said of any, and when it ends."""
        self._database, self._heard, self._hearing = database, heard, hearing
        self.closing = False
        self._hears, self._tried = not database.postgresql, asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._bells: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._quiet: dict[str, float] = {}

    def wake(self, session: Session, agent_id: str) -> None:
        """Ring the agent's bells, on every replica, once the session's transaction is committed."""
        if self._database.postgresql:
            session.execute(sa.select(sa.func.pg_notify(CHANNEL, agent_id)))
        else:
            after_commit(session, lambda: self._ring_soon(agent_id))

    @contextmanager
    def listening(self, agent_id: str) -> Iterator[asyncio.Event]:
        """A bell that rings from now on. Look for commands after taking it, lest one comes in between."""
        bell = asyncio.Event()
        self._bells[agent_id].add(bell)
        try:
            yield bell
        finally:
            self._bells[agent_id].discard(bell)
            if not self._bells[agent_id]:
                del self._bells[agent_id]

    def is_quiet(self, agent_id: str) -> bool:
        """Whether nothing was said to the agent since somebody looked and found nothing: no need to look again. Nobody
        knows while nobody listens."""
        return self._hears and self._quiet.get(agent_id, 0.0) > time.monotonic()

    def found_nothing(self, agent_id: str, bell: asyncio.Event) -> None:
        """Remember it for a while, unless the bell rang since it was taken, which was before looking."""
        if not bell.is_set():
            self._quiet[agent_id] = time.monotonic() + QUIET_SECONDS * random.uniform(0.5, 1.0)  # not all at once

    def close(self) -> None:
        """The service is about to stop: polls that wait are answered now. May be called from a signal's handler."""
        self.closing = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ring_all)

    @property
    def waiting(self) -> int:
        """Polls that wait in this replica."""
        return sum(len(bells) for bells in self._bells.values())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listens while the application runs; before its first request, where the database lets it."""
        self._loop = asyncio.get_running_loop()
        listener = asyncio.create_task(self._listen()) if self._database.postgresql else None
        try:
            if listener is not None:
                await self._tried.wait()
            yield
        finally:
            if listener is not None:
                listener.cancel()
                with suppress(asyncio.CancelledError):
                    await listener
            self._ring_all()

    async def _listen(self) -> None:
        url = self._database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    url, autocommit=True, application_name=LISTENER, **ALIVE
                ) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    self._quiet.clear()
                    self._set_hearing(True)
                    await self._catch_up(connection)
                    async for notice in connection.notifies():
                        self._ring(notice.payload)
            except psycopg.Error as error:
                log.warning("The database does not notify (%s); trying again.", type(error).__name__)
            finally:
                self._set_hearing(False)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _catch_up(self, connection: psycopg.AsyncConnection) -> None:
        """Something may have been said while nobody listened. Only those are woken for whom orders lie there: all ten
        thousand at once would keep the service busy for a quarter of a minute. The others ask when they come again."""
        ordered = await connection.execute(_ORDERED)
        for (agent_id,) in await ordered.fetchall():
            self._ring(agent_id)

    def _set_hearing(self, hears: bool) -> None:
        self._hears = hears
        self._hearing(hears)
        self._tried.set()

    def _ring_soon(self, agent_id: str) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ring, agent_id)

    def _ring(self, agent_id: str) -> None:
        self._heard(agent_id)
        self._quiet.pop(agent_id, None)
        for bell in self._bells.get(agent_id, ()):
            bell.set()

    def _ring_all(self) -> None:
        for agent_id in list(self._bells):
            self._ring(agent_id)
