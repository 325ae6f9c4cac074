"""Corrections made by hand, as the comparison needs them: what Mission was told instead of what Rock has."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from migrate_etl.verify.money import whole

_REFERENCES = {
    "fund_id": "external_fund_id",
    "person_id": "external_person_id",
    "batch_id": "external_batch_id",
    "campus_id": "external_campus_id",
    "transaction_id": "external_transaction_id",
}

SCHEMA = pl.Schema({
    "id": pl.Int64(), "cents": pl.Int64(), "fund_id": pl.Int64(), "day": pl.Date(), "person_id": pl.Int64(),
    "batch_id": pl.Int64(), "campus_id": pl.Int64(), "method": pl.String(), "transaction_id": pl.Int64(),
})  # fmt: skip
"""The compared fields (compare.COMPARED) of each corrected contribution, all of them as corrected."""


def corrections_frame(book: pl.DataFrame) -> pl.DataFrame:
    """The receipts book's corrections of contributions (`id`, `corrected`: the wire record as JSON) as SCHEMA."""
    rows = [{"id": rock_id, **_compared(json.loads(text))} for rock_id, text in book.select("id", "corrected").rows()]
    return pl.DataFrame(rows, schema=SCHEMA)


def _compared(record: Mapping[str, Any]) -> dict[str, Any]:
    day = record.get("date")
    return {
        "cents": whole(Decimal(record["amount"])),
        "day": date.fromisoformat(day[:10]) if day else None,
        "method": record.get("payment_method"),
        **{name: _rock_id(record.get(field)) for name, field in _REFERENCES.items()},
    }


def _rock_id(reference: str | None) -> int | None:
    found = re.fullmatch(r"rock:[a-z_]+:([1-9][0-9]{0,9})", reference or "")
    return int(found[1]) if found else None
