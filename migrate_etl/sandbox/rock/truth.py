"""Truth: what an import of a sample database must come to, and how it is written down. `counting.py` finds it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

ENTITIES = ("people", "families", "groups", "contributions", "attendance", "prayer_requests")


@dataclass(slots=True)
class Sum:
    """How many details, and what they add up to."""

    count: int = 0
    amount: Decimal = Decimal(0)

    def add(self, count: int, amount: Decimal) -> None:
        self.count, self.amount = self.count + count, self.amount + amount


@dataclass(slots=True)
class Truth:
    """Rows per entity and money in decimals, for one campus and date filter.

    Every row of an entity's table is discovered; it is loaded, or skipped under the first rule that applies.
    """

    discovered: dict[str, int] = field(default_factory=dict)
    loaded: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, Counter[str]] = field(default_factory=dict)
    pulled_in: int = 0
    """Of the people loaded, those outside the campus filter whom a record in scope names."""
    all_time: Decimal = Decimal(0)
    """Every detail of type Contribution."""
    by_rule: dict[str, Decimal] = field(default_factory=dict)
    """Skip rule -> money left out; `transaction_type` is no part of `all_time`."""
    cells: dict[tuple[int, int, int], Decimal] = field(default_factory=dict)
    """What is loaded, by (account id, year, month)."""
    cell_counts: dict[tuple[int, int, int], int] = field(default_factory=dict)
    """How many details that is."""
    refunds: Sum = field(default_factory=Sum)
    """Loaded details of transactions with a refund row."""
    non_positive: Sum = field(default_factory=Sum)
    """Loaded details of zero or less, refunds among them."""
    without_donor: Sum = field(default_factory=Sum)
    """Loaded details whose donor is nobody, nobody known, or a record that is not migrated."""
    other_types: dict[str, Sum] = field(default_factory=dict)
    """GUID of the transaction type -> details that are no contributions."""
    planted: dict[str, list[int]] = field(default_factory=dict)
    """`<table>: <kind of dirt>` -> ids of the rows that have it."""

    @property
    def in_scope(self) -> Decimal:
        return sum(self.cells.values(), Decimal(0))

    def to_json(self) -> str:
        """Amounts as text with two decimals."""
        document = {
            "entities": {
                name: {
                    "discovered": self.discovered[name],
                    "done": self.loaded[name],
                    "skipped": dict(sorted(self.skipped[name].items())),
                }
                for name in ENTITIES
            },
            "pulled_in": self.pulled_in,
            "contributions": {
                "all_time": _text(self.all_time),
                "in_scope": _text(self.in_scope),
                "by_rule": {rule: _text(amount) for rule, amount in sorted(self.by_rule.items())},
                "refunds": _sum(self.refunds),
                "non_positive": _sum(self.non_positive),
                "without_donor": _sum(self.without_donor),
                "other_types": {guid: _sum(sum_) for guid, sum_ in sorted(self.other_types.items())},
                "cells": [
                    {"fund": key[0], "year": key[1], "month": key[2], **_sum(Sum(self.cell_counts[key], amount))}
                    for key, amount in sorted(self.cells.items())
                ],
            },
            "planted": self.planted,
        }
        return json.dumps(document, indent=1)

    @classmethod
    def read(cls, path: Path) -> Truth:
        """The truth written beside a database."""
        document = json.loads(path.read_text())
        entities, money = document["entities"], document["contributions"]
        return cls(
            discovered={name: entry["discovered"] for name, entry in entities.items()},
            loaded={name: entry["done"] for name, entry in entities.items()},
            skipped={name: Counter(entry["skipped"]) for name, entry in entities.items()},
            pulled_in=document["pulled_in"],
            all_time=Decimal(money["all_time"]),
            by_rule={rule: Decimal(amount) for rule, amount in money["by_rule"].items()},
            cells={_key(cell): Decimal(cell["sum"]) for cell in money["cells"]},
            cell_counts={_key(cell): cell["count"] for cell in money["cells"]},
            refunds=_read(money["refunds"]),
            non_positive=_read(money["non_positive"]),
            without_donor=_read(money["without_donor"]),
            other_types={guid: _read(entry) for guid, entry in money["other_types"].items()},
            planted=document["planted"],
        )


def _text(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _sum(sum_: Sum) -> dict[str, Any]:
    return {"count": sum_.count, "sum": _text(sum_.amount)}


def _read(entry: dict[str, Any]) -> Sum:
    return Sum(entry["count"], Decimal(entry["sum"]))


def _key(cell: dict[str, Any]) -> tuple[int, int, int]:
    return cell["fund"], cell["year"], cell["month"]
