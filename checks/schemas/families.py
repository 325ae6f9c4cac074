"""Families: the Group row with members and locations, and the Mission family."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl

from checks.contracts import Contract, text

MEMBERS = pl.List(
    pl.Struct(
        {
            "member_id": pl.Int64,
            "person_id": pl.Int64,
            "role_id": pl.Int64,
            "archived": pl.Boolean,
            "gender_code": pl.Int64,
            "birth_year": pl.Int64,
            "birth_month": pl.Int64,
            "birth_day": pl.Int64,
            "marital_id": pl.Int64,
        }
    )
)
LOCATIONS = pl.List(
    pl.Struct(
        {
            "link_id": pl.Int64,
            "type_id": pl.Int64,
            "mailing": pl.Boolean,
            "mapped": pl.Boolean,
            "street1": pl.String,
            "street2": pl.String,
            "city": pl.String,
            "state": pl.String,
            "postal_code": pl.String,
            "country": pl.String,
        }
    )
)
ADDRESS = pl.Struct(dict.fromkeys(("street1", "street2", "city", "state", "postal_code", "country"), pl.String))

ROCK = Contract(
    "families",
    pa.DataFrameSchema(
        {
            "id": pa.Column(pl.Int64, unique=True),
            "family_name": pa.Column(pl.String, nullable=True),
            "is_active": pa.Column(pl.Boolean),
            "campus_id": pa.Column(pl.Int64, nullable=True),
            "members": pa.Column(MEMBERS, nullable=True),
            "locations": pa.Column(LOCATIONS, nullable=True),
        }
    ),
)

MISSION = Contract(
    "families",
    pa.DataFrameSchema(
        {
            "external_id": pa.Column(pl.String, unique=True),
            "name": text(1, 100),
            "is_active": pa.Column(pl.Boolean),
            "address": pa.Column(ADDRESS, nullable=True),
            "members": pa.Column(pl.List(pl.Struct({"external_person_id": pl.String, "role": pl.String}))),
            "external_campus_id": pa.Column(pl.String, nullable=True),
        }
    ),
)
