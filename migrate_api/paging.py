"""Lists, a page at a time: the newest first, going on after the last row of the page before."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
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
Row = TypeVar("Row")


class Page(BaseModel, Generic[View]):
    """`next` is the cursor of the following page, or null on the last."""

    items: list[View]
    next: str | None


@dataclass(frozen=True, slots=True)
class Stretch(Generic[Row]):
    """Rows that follow each other, the newest first, and where to go on: cursors, or None where there is nothing."""

    rows: list[Row]
    newer: str | None
    older: str | None


def page(
    session: Session, query: sa.Select[Any], table: Any, limit: int, cursor: str | None, view: Callable[[Any], View]
) -> Page[View]:
    """Rows of the query in order of `created_at` and `id`, the newest first. Raises Refusal 400 for a bad cursor."""
    found = stretch(session, query, table, limit, after=cursor)
    return Page(items=[view(row) for row in found.rows], next=found.older)


def stretch(
    session: Session,
    query: sa.Select[Any],
    table: Any,
    limit: int,
    *,
    after: str | None = None,
    before: str | None = None,
    by: str = "created_at",
) -> Stretch[Any]:
    """Rows in order of a moment and `id`: those after a cursor, or the last before one. Where fewer are left before it
    than a page holds, the first page is meant. Raises Refusal 400 for a bad cursor."""
    key = getattr(table, by), table.id
    if before is not None:
        closest = query.where(sa.tuple_(*key) > _bound(key, before)).order_by(*key).limit(limit + 1)
        rows = list(session.scalars(closest))
        if len(rows) > limit:
            rows = rows[limit - 1 :: -1]
            return Stretch(rows, newer=_mark(rows[0], by), older=_mark(rows[-1], by))
    elif after is not None:
        query = query.where(sa.tuple_(*key) < _bound(key, after))
    rows = list(session.scalars(query.order_by(*(column.desc() for column in key)).limit(limit + 1)))
    kept = rows[:limit]
    newer = _mark(kept[0], by) if kept and after is not None else None
    return Stretch(kept, newer, _mark(kept[-1], by) if len(rows) > limit else None)


def _bound(key: tuple[Any, Any], cursor: str) -> sa.Tuple:
    moment, id_ = _decoded(cursor)
    return sa.tuple_(sa.bindparam(None, moment, type_=key[0].type), sa.bindparam(None, id_, type_=key[1].type))


def _mark(row: Any, by: str) -> str:
    return _encoded(getattr(row, by), row.id)


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
