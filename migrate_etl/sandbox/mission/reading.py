"""Reading the books: totals, pages of records, and a digest of all content. Each call reads from the file as it is."""

from __future__ import annotations

import hashlib
import sqlite3
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from migrate_etl.sandbox.mission.answers import invalid
from migrate_etl.sandbox.mission.shapes import SHAPES

LARGEST_PAGE = 5_000
AMOUNT = (
    "iif(amount_cents < 0, '-', '') || printf('%d.%02d', abs(amount_cents) / 100, abs(amount_cents) % 100) AS amount"
)
CONTRIBUTION_COLUMNS = (
    "external_id",
    "external_transaction_id",
    "external_person_id",
    "external_fund_id",
    "external_batch_id",
    "external_campus_id",
    "payment_method",
    "date",
    "amount",
    "batch_id",
)


def _open(database: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=30))


def totals(database: Path, organization: str) -> dict[str, Any]:
    """Counts of every kind and sums of gifts by fund and month, from one consistent view."""
    with _open(database) as connection:
        connection.execute("BEGIN")
        entities = {
            entity: {"count": _one(connection, f"SELECT count(*) FROM {entity} WHERE +organization = ?", organization)}
            for entity in SHAPES
        }
        cells = connection.execute(
            "SELECT external_fund_id, CAST(substr(date, 1, 4) AS INTEGER), CAST(substr(date, 6, 2) AS INTEGER), "
            # In two parts, each far from the end of 64 bits; SQLite's sum() of the whole could overflow.
            "count(*), sum(amount_cents / 1000000), sum(amount_cents % 1000000) "
            "FROM contributions WHERE +organization = ? GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            (organization,),
        ).fetchall()
    sums = [high * 1_000_000 + low for *_, high, low in cells]
    months = [
        {"external_fund_id": fund, "year": year, "month": month, "count": count, "sum": money(cents)}
        for (fund, year, month, count, _, _), cents in zip(cells, sums, strict=True)
    ]
    gifts = {"count": entities["contributions"]["count"], "sum": money(sum(sums)), "by_fund_month": months}
    return {"organization": organization, "entities": entities, "contributions": gifts}


def records(database: Path, organization: str, entity: str, after: str | None, limit: int) -> dict[str, Any]:
    """One page in the order of `position`. Raises Refusal for a cursor that is not from this list."""
    position = 0 if after is None else _position(after, f"{organization}/{entity}/")
    names = CONTRIBUTION_COLUMNS if entity == "contributions" else ("external_id", "batch_id")
    selected = ", ".join(AMOUNT if name == "amount" else name for name in names)
    with _open(database) as connection:
        rows = connection.execute(
            f"SELECT {selected}, position FROM {entity} WHERE +organization = ? AND position > ? "
            "ORDER BY position LIMIT ?",
            (organization, position, limit + 1),
        ).fetchall()
    page = [dict(zip(names, row, strict=False)) for row in rows[:limit]]
    following = _cursor(organization, entity, rows[limit - 1][-1]) if len(rows) > limit else None
    return {"entity": entity, "records": page, "next": following}


def money(cents: int) -> str:
    """Whole cents as the wire writes them."""
    whole, part = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{part:02d}"


def books_dump(database: Path) -> Iterator[str]:
    """Every record's content, a JSON line each, by kind, organisation and external id; no position, no batch_id."""
    with _open(database) as connection:
        connection.execute("BEGIN")
        for shape in SHAPES.values():
            names = ("organization", *shape.columns)
            rows = connection.execute(
                f"SELECT {', '.join(names)} FROM {shape.entity} ORDER BY organization, external_id"
            )
            yield from (orjson.dumps([shape.entity, dict(zip(names, row, strict=True))]).decode() for row in rows)


def books_digest(database: Path) -> str:
    """SHA-256 of `books_dump`: equal books, and only those, have equal digests."""
    digest = hashlib.sha256()
    for line in books_dump(database):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _one(connection: sqlite3.Connection, statement: str, organization: str) -> int:
    return int(connection.execute(statement, (organization,)).fetchone()[0])


def _cursor(organization: str, entity: str, position: int) -> str:
    return urlsafe_b64encode(f"{organization}/{entity}/{position}".encode()).decode()


def _position(cursor: str, scope: str) -> int:
    try:
        plain = urlsafe_b64decode(cursor.encode()).decode("ascii")
    except ValueError:
        plain = ""
    position = plain.removeprefix(scope)
    if position == plain or not position.isdecimal() or len(position) > 18:
        raise invalid({"after": "a cursor from this organisation's list of this entity expected"})
    return int(position)
