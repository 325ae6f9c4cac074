"""What is still to be told to other systems, and what could not be."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from migrate_api.doors import Admin, Transaction
from migrate_api.errors import refusals
from migrate_api.paging import Cursor, Limit, Page, page
from migrate_api.tables import OutboxMessage

routes = APIRouter(prefix="/api", tags=["outbox"])


class MessageView(BaseModel):
    """A message, without its body."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    channel: str
    name: str
    created_at: datetime
    due_at: datetime
    attempts: int
    delivered_at: datetime | None
    last_error: str | None


@routes.get("/outbox", responses=refusals(400, 401, 403, 429))
def list_messages(
    caller: Admin, session: Transaction, delivered: bool = False, limit: Limit = 50, cursor: Cursor = None
) -> Page[MessageView]:
    """Messages that wait, or with `delivered` those that have arrived."""
    query = sa.select(OutboxMessage).where(OutboxMessage.tenant_id == caller.tenant_id)
    arrived = OutboxMessage.delivered_at.is_not(None) if delivered else OutboxMessage.delivered_at.is_(None)
    return page(session, query.where(arrived), OutboxMessage, limit, cursor, MessageView.model_validate)
