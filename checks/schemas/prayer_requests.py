"""Prayer requests: the PrayerRequest row, and the Mission prayer request."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl

from checks.contracts import Contract, text, word

ROCK = Contract(
    "prayer_requests",
    pa.DataFrameSchema(
        {
            "id": pa.Column(pl.Int64, unique=True),
            "words": pa.Column(pl.String),
            "alias_id": pa.Column(pl.Int64, nullable=True),
            "entered": pa.Column(pl.Datetime("us")),
            "expires": pa.Column(pl.Date, nullable=True),
            "public": pa.Column(pl.Boolean, nullable=True),
            "active": pa.Column(pl.Boolean, nullable=True),
            "approved": pa.Column(pl.Boolean, nullable=True),
            "prayers": pa.Column(pl.Int64, nullable=True),
            "own_campus_id": pa.Column(pl.Int64, nullable=True),
        }
    ),
)

MISSION = Contract(
    "prayer_requests",
    pa.DataFrameSchema(
        {
            "external_id": pa.Column(pl.String, unique=True),
            "text": text(1, 65535),
            "visibility": word("visibility_unknown", "public", "private"),
            "is_approved": pa.Column(pl.Boolean),
            "prayer_count": pa.Column(pl.Int64, pa.Check.in_range(0, 2_147_483_647, error="count_out_of_range")),
            "external_person_id": pa.Column(pl.String, nullable=True),
            "entered_at": pa.Column(pl.String),
            "expires_on": pa.Column(pl.String, nullable=True),
            "external_campus_id": pa.Column(pl.String, nullable=True),
        }
    ),
)
