"""Messages to other systems: written with the change they tell of, delivered after it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

from sqlalchemy.orm import Session

from migrate_api.tables import OutboxMessage

Channel = Literal["bus", "billing", "mail"]


def put(
    session: Session, tenant_id: str, channel: Channel, name: str, body: dict[str, Any], *, id_: str | None = None
) -> OutboxMessage | None:
    """Queue a message in the caller's transaction. With an id of its own it is queued once: None if it was before."""
    if id_ is not None and session.get(OutboxMessage, id_) is not None:
        return None
    now = datetime.now(UTC)
    message = OutboxMessage(
        id=id_ or uuid4().hex,
        tenant_id=tenant_id,
        channel=channel,
        name=name,
        body=body,
        created_at=now,
        due_at=now,
        attempts=0,
    )
    session.add(message)
    return message
