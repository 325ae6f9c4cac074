"""Groups: the Group row with its members, and the Mission group."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl

from checks.contracts import Contract, text

MEMBERS = pl.List(
    pl.Struct({"member_id": pl.Int64, "person_id": pl.Int64, "role_id": pl.Int64, "archived": pl.Boolean})
)

ROCK = Contract(
    "groups",
    pa.DataFrameSchema(
        {
            "id": pa.Column(pl.Int64, unique=True),
            "group_name": pa.Column(pl.String, nullable=True),
            "about": pa.Column(pl.String, nullable=True),
            "campus_id": pa.Column(pl.Int64, nullable=True),
            "members": pa.Column(MEMBERS, nullable=True),
        }
    ),
)

MISSION = Contract(
    "groups",
    pa.DataFrameSchema(
        {
            "external_id": pa.Column(pl.String, unique=True),
            "name": text(1, 100),
            "description": text(0, 65535, nullable=True),
            "group_type": text(1, 100),
            "external_parent_id": pa.Column(pl.String, nullable=True),
            "members": pa.Column(pl.List(pl.Struct({"external_person_id": pl.String, "role": pl.String}))),
            "external_campus_id": pa.Column(pl.String, nullable=True),
        }
    ),
)
