"""Whether the service can do its work. Asked by agents, load balancers and people with curl."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Literal

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from migrate_api import chores
from migrate_api.database import MIGRATIONS
from migrate_api.delivery import set_up
from migrate_api.doors import Inside, Services
from migrate_api.tables import OutboxMessage

routes = APIRouter(prefix="/api", tags=["health"])
LATE = timedelta(hours=1)
_HEAD = ScriptDirectory(str(MIGRATIONS)).get_current_head()


class Health(BaseModel):
    """`failing` when the service cannot work; `late` things are worth a look, the service works."""

    status: Literal["ok", "failing"]
    version: str
    checks: dict[str, Literal["ok", "late", "failing"]]
    time: datetime


@routes.get("/health", responses={503: {"model": Health, "description": "The service cannot work now."}})
def health(inside: Inside, response: Response) -> Health:
    """The database answers and has this release's tables; what is to be delivered is delivered; the timers run."""
    checks: dict[str, Literal["ok", "late", "failing"]] = {}
    try:
        checks = _checks(inside)
    except SQLAlchemyError:
        checks["database"] = "failing"
    failing = "failing" in checks.values()
    response.status_code = 503 if failing else 200
    return Health(
        status="failing" if failing else "ok", version=version("migrate"), checks=checks, time=datetime.now(UTC)
    )


def _checks(inside: Services) -> dict[str, Literal["ok", "late", "failing"]]:
    now = datetime.now(UTC)
    with inside.database.transaction() as session:
        current = MigrationContext.configure(session.connection()).get_current_revision()
        oldest = session.scalar(
            sa.select(sa.func.min(OutboxMessage.due_at)).where(
                OutboxMessage.delivered_at.is_(None), OutboxMessage.channel.in_(set_up(inside.settings))
            )
        )
        stopped = chores.late(inside, session, now)
    late = oldest is not None and oldest < now - LATE
    return {
        "database": "ok",
        "tables": "ok" if current == _HEAD else "failing",
        "outbox": "late" if late else "ok",
        "timers": "late" if stopped else "ok",
    }
