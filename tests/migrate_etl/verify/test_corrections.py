"""Corrections as the receipts book keeps them."""

from __future__ import annotations

import json

import polars as pl

from migrate_etl.verify.corrections import corrections_frame


def test_a_correction_is_read_from_the_wire_record() -> None:
    wire = {
        "external_fund_id": "rock:fund:2", "external_person_id": None, "external_batch_id": "rock:batch:3",
        "external_campus_id": None, "external_transaction_id": "rock:transaction:9", "payment_method": "Cash",
        "amount": "12.05", "date": "2024-03-10T02:30:00-05:00",
    }  # fmt: skip
    book = pl.DataFrame({"id": [5], "corrected": [json.dumps(wire)]})
    row = corrections_frame(book).row(0, named=True)
    assert (row["cents"], row["fund_id"], str(row["day"]), row["person_id"]) == (1205, 2, "2024-03-10", None)
