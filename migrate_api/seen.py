"""When agents were last seen, written down a few hundred at a time: a poll must not cost a transaction."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from migrate_api.database import Database
from migrate_api.protocol.messages import OFFLINE_SECONDS
from migrate_api.tables import Agent

WRITE_SECONDS = 2.0
AT_ONCE = 500
log = logging.getLogger(__name__)


def online_since(now: datetime) -> datetime:
    """Agents last seen before this moment are offline."""
    return now - timedelta(seconds=OFFLINE_SECONDS)


class Seen:
    """Signs of life since the last writing. `note` may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ids: set[str] = set()
        self._lock = threading.Lock()

    def note(self, agent_id: str) -> None:
        with self._lock:
            self._ids.add(agent_id)

    def write(self) -> None:
        """Write down who was seen; what cannot be written now is kept for the next time."""
        with self._lock:
            ids, self._ids = self._ids, set()
        found = sorted(ids)
        try:
            for start in range(0, len(found), AT_ONCE):
                with self._database.transaction() as session:
                    some = found[start : start + AT_ONCE]
                    session.execute(sa.update(Agent).where(Agent.id.in_(some)).values(last_seen_at=datetime.now(UTC)))
        except SQLAlchemyError as error:
            with self._lock:
                self._ids |= ids
            log.warning("Signs of life could not be written (%s); kept.", type(error).__name__)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Writes every few seconds while the application runs, and once at its end."""
        writer = asyncio.create_task(self._keep_writing())
        try:
            yield
        finally:
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer
            await asyncio.to_thread(self.write)

    async def _keep_writing(self) -> None:
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            await asyncio.to_thread(self.write)
