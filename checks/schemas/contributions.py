"""Contributions: FinancialTransactionDetail with its header, and the Mission contribution."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl

from checks.contracts import Contract, text, word

ROCK = Contract(
    "contributions",
    pa.DataFrameSchema(
        {
            "id": pa.Column(pl.Int64, unique=True),
            "transaction_id": pa.Column(pl.Int64),
            "fund_id": pa.Column(pl.Int64),
            "amount": pa.Column(pl.Decimal(18, 2)),
            "moment": pa.Column(pl.Datetime("us"), nullable=True),
            "type_id": pa.Column(pl.Int64, nullable=True),
            "batch_id": pa.Column(pl.Int64, nullable=True),
            "alias_id": pa.Column(pl.Int64, nullable=True),
            "is_anonymous": pa.Column(pl.Boolean, nullable=True),
            "queued_until": pa.Column(pl.Datetime("us"), nullable=True),
            "currency_id": pa.Column(pl.Int64, nullable=True),
        }
    ),
)

MISSION = Contract(
    "contributions",
    pa.DataFrameSchema(
        {
            "external_id": pa.Column(pl.String, unique=True),
            "external_transaction_id": pa.Column(pl.String),
            "external_person_id": pa.Column(pl.String, nullable=True),
            "external_fund_id": pa.Column(pl.String),
            "amount": pa.Column(pl.String, pa.Check.str_matches(r"^-?\d{1,16}\.\d\d$", error="amount_malformed")),
            "date": pa.Column(pl.String),
            "payment_method": word("payment_method_unknown", "Cash", "Check", "Card", "Online", "Other"),
            "external_batch_id": pa.Column(pl.String, nullable=True),
            "batch_name": text(0, 100, nullable=True),
            "is_anonymous": pa.Column(pl.Boolean),
            "is_refund": pa.Column(pl.Boolean),
            "external_refund_of": pa.Column(pl.String, nullable=True),
            "non_positive": pa.Column(pl.Boolean),
            "external_campus_id": pa.Column(pl.String, nullable=True),
        }
    ),
)
