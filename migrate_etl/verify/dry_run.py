"""Findings added up: which rules rows fall under, what is at stake, who mends it, and how long a load would take.

The same before anything is sent (the dry run) and in the report afterwards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from checks.rules import RULES
from migrate_etl.dataset import Dataset
from migrate_etl.spec import ENTITY_NAMES, EntityName
from migrate_etl.verify.money import cents, decimal
from migrate_etl.verify.score import Dimension, dimension_of

REQUESTS_A_MINUTE = 100
"""Mission's documented limit per tenant."""

SAMPLE = 10


@dataclass(frozen=True, slots=True)
class FindingSummary:
    """All findings of one rule on one entity. `amount` is the money at stake; `ids` are the first Rock ids."""

    entity: EntityName
    rule: str
    title: str
    remedy: str
    owner: str
    severity: str
    count: int
    amount: Decimal
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """Every rule's summary, gravest first, and per entity the rows that fail each dimension of quality."""

    summaries: tuple[FindingSummary, ...]
    failing: Mapping[EntityName, Mapping[Dimension, int]]


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a load would do: records and requests per entity, the hours that Mission's limit implies, the findings."""

    to_load: Mapping[EntityName, int]
    requests: int
    hours: Decimal
    findings: Findings


def dry_run(to_load: Mapping[EntityName, int], batch_size: int, findings: Findings) -> DryRun:
    """`to_load`: mapped rows per entity that no rule skips."""
    requests = sum(-(-rows // batch_size) for rows in to_load.values())
    hours = (Decimal(requests) / (REQUESTS_A_MINUTE * 60)).quantize(Decimal("0.01"))
    return DryRun(to_load, requests, hours, findings)


def add_up(datasets: Mapping[EntityName, Sequence[Dataset]]) -> Findings:
    """Add up findings datasets (checks.contracts.FINDING_COLUMNS); a row has all its findings in one chunk."""
    summaries: list[FindingSummary] = []
    failing: dict[EntityName, Mapping[Dimension, int]] = {}
    for entity in ENTITY_NAMES:
        rules, rows = _Rules(), defaultdict[Dimension, int](int)
        for dataset in datasets.get(entity, ()):
            for chunk in dataset.chunks(["rule", "id", "amount"]):
                rules.add(chunk)
                for dimension, ids in _by_dimension(chunk):
                    rows[dimension] += ids
        summaries += rules.summaries(entity)
        failing[entity] = dict(rows)
    return Findings(tuple(sorted(summaries, key=_gravity)), failing)


def _gravity(finding: FindingSummary) -> tuple[int, Decimal, int, str]:
    order = {"error": 0, "warning": 1}.get(finding.severity, 2)
    return order, -abs(finding.amount), -finding.count, finding.rule


def _by_dimension(chunk: pl.DataFrame) -> list[tuple[Dimension, int]]:
    names: dict[str, Dimension] = {}
    for rule in chunk["rule"].unique().to_list():
        if (dimension := dimension_of(rule)) is not None:
            names[rule] = dimension
    failing = chunk.filter(pl.col("rule").is_in(list(names)))
    found = []
    for dimension in sorted(set(names.values())):
        own = [rule for rule, its in names.items() if its == dimension]
        found.append((dimension, failing.filter(pl.col("rule").is_in(own))["id"].n_unique()))
    return found


class _Rules:
    """Counts, money and first ids by rule."""

    def __init__(self) -> None:
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._cents: defaultdict[str, int] = defaultdict(int)
        self._ids: defaultdict[str, list[int]] = defaultdict(list)

    def add(self, chunk: pl.DataFrame) -> None:
        ids = pl.col("id").unique(maintain_order=True).head(SAMPLE)
        grouped = chunk.group_by("rule").agg(pl.len(), cents("amount").sum().alias("cents"), ids)
        for rule, count, stake, ids in grouped.iter_rows():
            self._counts[rule] += count
            self._cents[rule] += stake
            known = self._ids[rule]
            known.extend([one for one in ids if one not in known][: SAMPLE - len(known)])

    def summaries(self, entity: EntityName) -> list[FindingSummary]:
        return [self._summary(entity, rule, count) for rule, count in self._counts.items()]

    def _summary(self, entity: EntityName, rule: str, count: int) -> FindingSummary:
        words, money, ids = RULES[rule], decimal(self._cents[rule]), tuple(self._ids[rule])
        return FindingSummary(entity, rule, words.title, words.remedy, words.owner, words.severity, count, money, ids)
