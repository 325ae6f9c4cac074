"""What the report is made of: plain values, handed over by the job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from migrate_etl.spec import EntityName, RecordKind
from migrate_etl.verify.dry_run import Findings
from migrate_etl.verify.presence import Presence
from migrate_etl.verify.reconcile import Verification
from migrate_etl.verify.score import EntityCounts, Score


@dataclass(frozen=True, slots=True)
class DeadLetterLine:
    """A failed record: what Mission said and what to do; never the record's content."""

    entity: RecordKind
    external_id: str
    code: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What ran. Times are ISO 8601 text; `versions` maps program to version; `campuses` are the ids asked for."""

    job_id: str
    organization: str
    mission_url: str
    started_at: str
    finished_at: str
    time_zone: str
    entities: Sequence[EntityName]
    campuses: Sequence[int] = ()
    date_range_start: date | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    missing_columns: Sequence[tuple[str, str, str | None]] = ()
    """(table, column, first release with it) that this Rock database lacks."""


@dataclass(frozen=True, slots=True)
class ReportData:
    """All that the report says.

    `verification` and `fund_counts` are None for a job without contributions. `rock_rows`: rows per entity that Rock
    counts itself, where asked. `dead_letters` may be the first of `dead_letter_count`. `funds` and `campus_names`:
    names of ids (they are no people). `names`: `giving_id`, `name`, only when people's names were asked for. `digest`:
    the evidence's `contents_digest`, which the page prints and the figures cannot.
    """

    run: RunFacts
    counts: Mapping[EntityName, EntityCounts]
    verification: Verification | None
    presences: Mapping[EntityName, Presence]
    findings: Findings
    score: Score
    fund_counts: EntityCounts | None = None
    dead_letters: Sequence[DeadLetterLine] = ()
    dead_letter_count: int = 0
    funds: Mapping[int, str] = field(default_factory=dict)
    campus_names: Mapping[int, str] = field(default_factory=dict)
    payment_types: Mapping[str, str] = field(default_factory=dict)
    """Rock's words for the transaction types (GUID in small letters) that are no giving."""
    rock_rows: Mapping[EntityName, int] = field(default_factory=dict)
    names: pl.DataFrame | None = None
    digest: str | None = None

    @property
    def failed(self) -> int:
        """Records that failed, refused funds among them."""
        return sum(found.failed for found in (*self.counts.values(), *([self.fund_counts] if self.fund_counts else [])))
