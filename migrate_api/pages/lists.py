"""Lists on pages: so many rows, and the ways to those that are newer and older. The cursors are the API's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

import sqlalchemy as sa
from fastapi import Depends, Query
from sqlalchemy.orm import Session

from migrate_api.paging import stretch

SHOWN = 50
OFFERED = 500
"""Entries of a list to choose from."""
Mark = Annotated[str, Query(max_length=256)]
Chosen = Annotated[str, Query(max_length=255)]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a list somebody is. `of` names the list, where a page has several."""

    older: str = ""
    newer: str = ""
    of: str = ""


def _place(older: Mark = "", newer: Mark = "", of: Mark = "") -> Place:
    return Place(older, newer, of)


At = Annotated[Place, Depends(_place)]


@dataclass(frozen=True, slots=True)
class Listed:
    """Rows, and links; an empty one leads nowhere."""

    rows: list[Any]
    newest: str
    newer: str
    older: str


def listed(
    session: Session,
    query: sa.Select[Any],
    table: Any,
    at: Place,
    path: str,
    kept: Mapping[str, str] | None = None,
    *,
    of: str = "",
    by: str = "created_at",
) -> Listed:
    """A page of the query's rows, the newest first. `kept`: filters that the links go on with. `of`: this list's name
    on a page with several; the others stay at their beginning."""
    here = at if at.of == of else Place()
    found = stretch(session, query, table, SHOWN, after=here.older or None, before=here.newer or None, by=by)
    wanted = {name: value for name, value in {**(kept or {}), "of": of}.items() if value}

    def link(**mark: str) -> str:
        asked = urlencode({**wanted, **mark})
        return f"{path}?{asked}{'#' if of else ''}{of}" if asked else path

    away = bool(here.older or found.newer)
    return Listed(
        found.rows,
        newest=link() if away else "",
        newer=link(newer=found.newer) if found.newer else "",
        older=link(older=found.older) if found.older else "",
    )


def names_of(session: Session, table: Any, ids: set[str]) -> dict[str, str]:
    """What those rows are called."""
    rows = session.execute(sa.select(table.id, table.name).where(table.id.in_(ids)))
    return {row.id: row.name for row in rows}


def offered(
    session: Session, table: Any, tenant_id: str, chosen: str = "", *only: sa.ColumnElement[bool]
) -> dict[str, str]:
    """Names to choose from, by id; of very many the first, and the chosen one in any case."""
    mine = sa.select(table.id, table.name).where(table.tenant_id == tenant_id, *only)
    found = {row.id: row.name for row in session.execute(mine.order_by(table.name).limit(OFFERED))}
    if chosen and chosen not in found:
        found |= {row.id: row.name for row in session.execute(mine.where(table.id == chosen))}
    return found
