"""People: the Person row with its phones, and the Mission member."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl

from checks.contracts import Contract, text, word

PHONES = pl.List(
    pl.Struct(
        {
            "phone_id": pl.Int64,
            "country_code": pl.String,
            "number": pl.String,
            "extension": pl.String,
            "type_id": pl.Int64,
            "unlisted": pl.Boolean,
        }
    )
)

ROCK = Contract(
    "people",
    pa.DataFrameSchema(
        {
            "id": pa.Column(pl.Int64, unique=True),
            "first": pa.Column(pl.String, nullable=True),
            "nick": pa.Column(pl.String, nullable=True),
            "last": pa.Column(pl.String, nullable=True),
            "address": pa.Column(pl.String, nullable=True),
            "email_active": pa.Column(pl.Boolean),
            "birth_year": pa.Column(pl.Int64, nullable=True),
            "birth_month": pa.Column(pl.Int64, nullable=True),
            "birth_day": pa.Column(pl.Int64, nullable=True),
            "gender_code": pa.Column(pl.Int64, pa.Check.isin([0, 1, 2], error="unknown_gender")),
            "deceased": pa.Column(pl.Boolean),
            "status_id": pa.Column(pl.Int64, nullable=True),
            "reason_id": pa.Column(pl.Int64, nullable=True),
            "connection_id": pa.Column(pl.Int64, nullable=True),
            "phones": pa.Column(PHONES, nullable=True),
        }
    ),
)

MISSION = Contract(
    "people",
    pa.DataFrameSchema(
        {
            "external_id": pa.Column(pl.String, unique=True),
            "first_name": text(1, 100, nullable=True),
            "last_name": text(1, 100, nullable=True),
            "preferred_name": text(1, 100, nullable=True),
            "record_type": word("record_type_unknown", "person", "business"),
            "email": pa.Column(
                pl.String,
                [
                    pa.Check.str_matches(r"^[^@\s]+@[^@\s]+\.[^@\s]+$", error="invalid_email"),
                    pa.Check.str_length(1, 254, error="text_length"),
                ],
                nullable=True,
            ),
            "phone": pa.Column(
                pl.String,
                [
                    pa.Check.str_contains("[0-9]", error="phone_malformed"),
                    pa.Check.str_length(1, 50, error="text_length"),
                ],
                nullable=True,
            ),
            "birth_date": pa.Column(pl.String, nullable=True),
            "gender": word("unknown_gender", "Male", "Female", nullable=True),
            "status": word("status_unknown", "Active", "Inactive", "Visitor", "Deceased"),
            "connection_status": text(1, 250, nullable=True),
            "external_family_id": pa.Column(pl.String, nullable=True),
            "external_campus_id": pa.Column(pl.String, nullable=True),
        }
    ),
)
