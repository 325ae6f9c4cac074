"""Attendance: the Attendance row with its occurrence, and the Mission attendance."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl

from checks.contracts import Contract

ROCK = Contract(
    "attendance",
    pa.DataFrameSchema(
        {
            "id": pa.Column(pl.Int64, unique=True),
            "occurrence_id": pa.Column(pl.Int64),
            "alias_id": pa.Column(pl.Int64, nullable=True),
            "own_campus_id": pa.Column(pl.Int64, nullable=True),
            "started": pa.Column(pl.Datetime("us")),
            "did_attend": pa.Column(pl.Boolean, nullable=True),
            "group_id": pa.Column(pl.Int64, nullable=True),
            "day": pa.Column(pl.Date),
            "did_not_occur": pa.Column(pl.Boolean, nullable=True),
        }
    ),
)

MISSION = Contract(
    "attendance",
    pa.DataFrameSchema(
        {
            "external_id": pa.Column(pl.String, unique=True),
            "external_person_id": pa.Column(pl.String),
            "external_group_id": pa.Column(pl.String, nullable=True),
            "external_occurrence_id": pa.Column(pl.String),
            "date": pa.Column(pl.String),
            "attended_at": pa.Column(pl.String),
            "external_campus_id": pa.Column(pl.String, nullable=True),
        }
    ),
)
