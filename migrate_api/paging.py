"""Lists, a page at a time: the newest first, going on after the last row of the page before."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import sqlalchemy as sa
from fastapi import Query
from pydantic import BaseModel
from sqlalchemy.orm import Session

from migrate_api.errors import invalid

Limit = Annotated[int, Query(ge=1, le=200, description="rows of a page")]
Cursor = Annotated[str | None, Query(max_length=256, description="`next` of the page before")]
View = TypeVar("View", bound=BaseModel)


class Page(BaseModel, Generic[View]):
    """`next` is the cursor of the following page, or null on the last."""

    items: list[View]
    next: str | None


def page(
    session: Session, query: sa.Select[Any], table: Any, limit: int, cursor: str | None, view: Callable[[Any], View]
) -> Page[View]:
    """Rows of the query in order of `created_at` and `id`, the newest first. Raises Refusal 400 for a bad cursor."""
    if cursor is not None:
        query = query.where(sa.tuple_(table.created_at, table.id) < sa.tuple_(*_bound(table, *_decoded(cursor))))
    newest = query.order_by(table.created_at.desc(), table.id.desc()).limit(limit + 1)
    rows = session.scalars(newest).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(items=[view(row) for row in rows[:limit]], next=_encoded(last.created_at, last.id) if last else None)


def _bound(table: Any, moment: datetime, id_: str) -> tuple[Any, Any]:
    return sa.bindparam(None, moment, type_=table.created_at.type), sa.bindparam(None, id_, type_=table.id.type)


def _encoded(moment: datetime, id_: str) -> str:
    return base64.urlsafe_b64encode(f"{moment.isoformat()} {id_}".encode()).decode()


def _decoded(cursor: str) -> tuple[datetime, str]:
    try:
        moment, id_ = base64.urlsafe_b64decode(cursor.encode()).decode().split(" ")
        found = datetime.fromisoformat(moment)
        if found.tzinfo is None or "\x00" in id_:
            raise ValueError
    except (ValueError, binascii.Error) as error:
        raise invalid({"cursor": "take it from `next` of the page before"}) from error
    return found, id_
