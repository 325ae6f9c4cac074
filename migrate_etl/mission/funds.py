"""Funds: the prelude of contributions. All of them, parents first, so that a missing fund cannot fail a gift."""

from __future__ import annotations

import hashlib
from collections import deque

import polars as pl

from migrate_etl import fields
from migrate_etl.mission.api import FUNDS_PATH, BatchAnswer, MissionApi
from migrate_etl.mission.encode import encode
from migrate_etl.mission.receipts import ReceiptsBook

WIRE = (
    "external_id",
    "name",
    "description",
    "is_active",
    "is_tax_deductible",
    "external_parent_id",
    "external_campus_id",
)
BATCH = 500


def map_funds(accounts: pl.DataFrame) -> pl.DataFrame:
    """FinancialAccount rows (Lookups.funds) as Mission funds, parents first; a cycle of parents is cut."""
    parents = dict(accounts.select("id", "parent_id").iter_rows())
    depth = {id: _depth(id, parents) for id in parents}
    order = pl.DataFrame({"id": list(depth), "depth": list(depth.values())}, schema={"id": pl.Int64, "depth": pl.Int64})
    frame = accounts.join(order, on="id", how="left").sort("depth", "id")
    in_cycle = pl.col("depth") >= len(parents)
    return frame.select(
        "id",
        fields.reference("fund", "id").alias("external_id"),
        pl.coalesce(fields.text("public_name"), fields.text("name"), pl.lit("Fund")).alias("name"),
        fields.text("description").alias("description"),
        "is_active",
        "is_tax_deductible",
        pl.when(~in_cycle).then(fields.reference("fund", "parent_id")).alias("external_parent_id"),
        fields.reference("campus", "campus_id").alias("external_campus_id"),
    )


def _depth(fund_id: int, parents: dict[int, int | None]) -> int:
    """Steps to the top; the number of funds for one whose road to the top is a circle."""
    steps, at = 0, parents[fund_id]
    while at is not None and steps < len(parents):
        steps, at = steps + 1, parents.get(at)
    return steps


def send_funds(api: MissionApi, receipts: ReceiptsBook, job_id: str, accounts: pl.DataFrame, *, resend: bool) -> int:
    """Send the funds Mission does not have in this form yet; returns how many.

    A batch refused as a whole is halved until the fund at fault stands alone. A fund Mission refuses is left to the
    gifts that name it: each of them then fails with FUND_NOT_FOUND.
    """
    encoded = encode(map_funds(accounts), WIRE)
    known = receipts.lookup("funds", encoded.ids).to_list()
    fresh = [n for n, print in enumerate(encoded.fingerprints) if resend or known[n] != print]
    waiting = deque(fresh[start : start + BATCH] for start in range(0, len(fresh), BATCH))
    while waiting:
        chosen = waiting.popleft()
        lines = [encoded.lines[n] for n in chosen]
        key = hashlib.sha256(b"\n".join([job_id.encode(), b"funds", *lines])).hexdigest()
        answer = api.send(FUNDS_PATH, key, api.payload(key, lines), len(lines))
        if isinstance(answer, BatchAnswer):
            taken = [n for n in chosen if f"rock:fund:{encoded.ids[n]}" not in answer.errors]
            if taken:
                prints = [encoded.fingerprints[n] for n in taken]
                receipts.accepted("funds", key, [encoded.ids[n] for n in taken], prints)
        elif len(chosen) > 1:
            half = len(chosen) // 2
            waiting.extendleft((chosen[half:], chosen[:half]))
    return len(fresh)
