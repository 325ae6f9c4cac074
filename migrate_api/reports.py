"""What a finished job came to: figures, and the same figures as CSV. Pure but for reading the job's rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from pydantic import BaseModel, PlainSerializer

from migrate_api.billing import cost, gigabytes
from migrate_api.protocol.states import JobStatus, JobType
from migrate_api.tables import Job, JobItem

BOM = "\ufeff"
RISKY = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""First characters that a spreadsheet takes for a formula, blanks and line breaks before them or not."""


class Report(BaseModel):
    """`discovered = completed + unchanged + skipped + failed (+ pending)`. Success rate: (completed + unchanged) over
    (completed + unchanged + failed), in percent, null where there was nothing."""

    job_id: str
    name: str
    type: JobType
    status: JobStatus
    error_code: str | None
    error_message: str | None
    error_remedy: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime
    duration_seconds: float | None
    discovered: int
    completed: int
    unchanged: int
    skipped: int
    failed: int
    pending: int
    bytes_transferred: int
    gb_transferred: Annotated[Decimal, PlainSerializer(lambda exact: f"{exact:f}", return_type=str)]
    mailboxes_completed: int
    success_rate: Decimal | None
    estimated_cost_usd: Decimal
    entities: dict[str, Any]
    result: dict[str, Any] | None
    """Of an import: quality score, financial match, and where on the agent's machine report and evidence are."""
    runs: list[str]


def report(job: Job) -> Report:
    """The figures of a finished job."""
    assert job.finished_at is not None
    settled = job.files_completed + job.files_unchanged + job.files_skipped + job.files_failed
    discovered = max(job.files_total or 0, settled)
    return Report(
        job_id=job.id,
        name=job.name,
        type=job.type,
        status=job.status,
        error_code=job.error_code,
        error_message=job.error_message,
        error_remedy=job.error_remedy,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        duration_seconds=(job.finished_at - job.started_at).total_seconds() if job.started_at else None,
        discovered=discovered,
        completed=job.files_completed,
        unchanged=job.files_unchanged,
        skipped=job.files_skipped,
        failed=job.files_failed,
        pending=discovered - settled,
        bytes_transferred=job.bytes_completed,
        gb_transferred=Decimal(gigabytes(job.bytes_completed)),
        mailboxes_completed=job.mailboxes_completed,
        success_rate=_rate(job.files_completed + job.files_unchanged, job.files_failed),
        estimated_cost_usd=cost(job.bytes_completed, job.mailboxes_completed),
        entities=job.entities,
        result=job.result,
        runs=job.runs,
    )


def _rate(good: int, bad: int) -> Decimal | None:
    if not good + bad:
        return None
    return (Decimal(100) * good / (good + bad)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def as_csv(found: Report, items: Sequence[JobItem]) -> Iterator[str]:
    """The report as CSV lines: the figures, then the entities, then every item that failed. RFC 4180, for Excel too."""
    yield BOM
    figures = found.model_dump(mode="json", exclude={"entities", "result", "runs"})
    yield _line(["figure", "value"])
    for name, value in figures.items():
        yield _line([name, value])
    for name, value in (found.result or {}).items():
        if name not in figures and not isinstance(value, dict | list):
            yield _line([name, value])
    if found.entities:
        yield _line([])
        yield _line(["entity", "discovered", "imported", "skipped", "errored"])
        for name, counts in found.entities.items():
            yield _line([name, *(counts[part] for part in ("discovered", "imported", "skipped", "errored"))])
    yield _line([])
    yield _line(["failed item", "entity", "code", "message", "remedy"])
    for item in items:
        yield _line([item.key, item.entity, item.code, item.message, item.remedy])


def _line(cells: Sequence[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([_safe(cell) for cell in cells])
    return out.getvalue()


def _safe(cell: Any) -> Any:
    """Text that a spreadsheet would calculate is put behind an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip().startswith(RISKY) else cell
