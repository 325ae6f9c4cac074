"""The report as JSON values: every figure of the page, for programs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from migrate_etl.verify.cube import roll_up
from migrate_etl.verify.reconcile import Verification
from migrate_etl.verify.report_data import ReportData
from migrate_etl.verify.score import FORMULA, shown

FUND_OUTCOMES = ("discovered", "done", "unchanged", "failed", "pending")
ROWS = 1_000
"""Rows of a list in the JSON; all of them are in the tables."""


def figures(data: ReportData) -> dict[str, Any]:
    """The JSON report. Amounts are text with two decimals; percentages are marked for `numbers`."""
    verification = data.verification
    return {
        "quality_score": percentage(data.score.overall),
        "financial_match": None if verification is None else verification.financial_match,
        "scope_match": None if verification is None else verification.scope_match,
        "unexplained": "0.00" if verification is None else amount(verification.unexplained),
        "unexplained_records": 0 if verification is None else verification.unexplained_records,
        "entities": {name: _entity(data, name) for name in data.counts},
        "funds": None if data.fund_counts is None else {key: getattr(data.fund_counts, key) for key in FUND_OUTCOMES},
        "score": {"formula": FORMULA, "caps": list(data.score.caps)},
        "money": None if verification is None else _money(verification, data),
        "findings": [
            {**asdict(finding), "amount": amount(finding.amount), "ids": list(finding.ids)}
            for finding in data.findings.summaries
        ],
        "dead_letters": {"count": data.dead_letter_count, "first": [asdict(letter) for letter in data.dead_letters]},
        "run": {key: _plain(value) for key, value in asdict(data.run).items()},
    }


def percentage(value: Decimal | None) -> str | None:
    """A percentage, marked so that `numbers` makes it a JSON number with its two decimals, exactly."""
    return None if value is None else f"\0{shown(value):.2f}"


def numbers(body: str) -> str:
    """JSON has exact decimals, Python's json module has not: take the quotes off what `percentage` marked."""
    return re.sub(r'"\\u0000(-?[0-9]+\.[0-9]{2})"', r"\1", body)


def amount(value: Decimal) -> str:
    return f"{value:.2f}"


def _entity(data: ReportData, name: Any) -> dict[str, Any]:
    counts, scored = data.counts[name], data.score.entities.get(name)
    seen = data.presences.get(name)
    return {
        **{key: _plain(value) for key, value in asdict(counts).items()},
        "score": percentage(scored.score) if scored else None,
        "dimensions": {key: percentage(value) for key, value in scored.dimensions.items()} if scored else {},
        "rows_in_rock_now": data.rock_rows.get(name),
        "in_mission": None if seen is None else {key: _plain(value) for key, value in asdict(seen).items()},
    }


def _money(found: Verification, data: ReportData) -> dict[str, Any]:
    years = roll_up(found.cube.months, ["fund_id", "year"])
    return {
        "grade": found.grade,
        "rock": _sum(found.rock.count, found.rock.amount),
        "mission": _sum(found.mission.count, found.mission.amount),
        "difference": amount(found.difference),
        "scope": _sum(found.scope.count, found.scope.amount),
        "refunds": _sum(found.refunds.count, found.refunds.amount),
        "non_positive": _sum(found.non_positive.count, found.non_positive.amount),
        "other_transaction_types": {
            kind: {"name": data.payment_types.get(kind.lower()), **_sum(sums.count, sums.amount)}
            for kind, sums in found.other_types
        },
        "variance": [
            {
                "line": line.name,
                "title": line.title,
                "count": line.count,
                "amount": amount(line.amount),
                "effect": amount(line.effect),
                "sentence": line.sentence,
                "ids": list(line.ids),
            }
            for line in found.lines
        ],
        "kinds": dict(found.kinds),
        "exceptions": rows(found.exceptions.head(ROWS)),
        "funds": {str(key): name for key, name in data.funds.items()},
        "fund_years": rows(years.head(ROWS)),
        "statements_changed": found.statements.rows,
        "statements": rows(found.statements.head(ROWS)),
    }


def _sum(count: int, value: Decimal) -> dict[str, Any]:
    return {"count": count, "amount": amount(value)}


def rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows as JSON values."""
    return [{key: _plain(value) for key, value in row.items()} for row in frame.iter_rows(named=True)]


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return amount(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value
