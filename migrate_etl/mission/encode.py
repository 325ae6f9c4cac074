"""Mapped records -> JSON lines and fingerprints, column by column: an object a field would cost ten times as much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import xxhash

from migrate_etl.mission.api import PLACEHOLDER_NAME

REQUIRED_NAMES = ("first_name", "last_name")


@dataclass(frozen=True, slots=True)
class Encoded:
    """Records ready to send, in one order: Rock ids, one JSON object each, and its 16-byte fingerprint (XXH3-128)."""

    ids: pl.Series
    lines: list[bytes]
    fingerprints: pl.Series


def encode(records: pl.DataFrame, wire: Sequence[str]) -> Encoded:
    """Encode the wire columns of `records` (which also has `id`) in contract order.

    An empty first or last name becomes the placeholder here, because Mission requires both; our frames keep null.
    """
    required = [pl.col(name).fill_null(PLACEHOLDER_NAME) for name in REQUIRED_NAMES if name in wire]
    fields = records.with_columns(required).select(wire)
    encoded = fields.select(pl.struct(pl.all()).struct.json_encode().cast(pl.Binary).alias("line"))["line"].to_list()
    prints = pl.Series("fingerprint", fingerprints(encoded), dtype=pl.Binary)
    return Encoded(records["id"], encoded, prints)


def fingerprints(lines: Sequence[bytes]) -> list[bytes]:
    """What the receipts book remembers of records: equal lines, and only those, have equal fingerprints."""
    return list(map(xxhash.xxh3_128_digest, lines))
