"""What the stages of an import tell: progress while they run, and what they did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from migrate_etl.dataset import Dataset
from migrate_etl.spec import EntityName

StageName = Literal["scan", "extract", "map", "load", "verify", "report"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a stage: rows handled so far out of those known (0 when not known)."""

    stage: StageName
    entity: EntityName | None
    partition: str | None
    rows: int
    total: int


Listener = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class StageResult:
    """What one stage did for one entity and partition. `facts` holds counts and sums, amounts as text."""

    stage: StageName
    entity: EntityName
    partition: str | None
    rows: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    dataset: Dataset | None = None

    def preview(self, rows: int = 5) -> pl.DataFrame:
        """The first rows of the dataset; holds people's data, so never publish it whole."""
        return self.dataset.head(rows) if self.dataset else pl.DataFrame()
