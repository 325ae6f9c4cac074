"""Reports of finished jobs, as JSON and as CSV."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Path
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from migrate_api.doors import Transaction, Viewer
from migrate_api.errors import conflict, not_found, refusals
from migrate_api.paging import Cursor, Limit, Page, page
from migrate_api.protocol.states import FINAL
from migrate_api.reports import Report, as_csv, report
from migrate_api.tables import Job, JobItem

routes = APIRouter(prefix="/api", tags=["reports"])
JobId = Annotated[str, Path(max_length=64)]


def _finished(session: Session, tenant_id: str, job_id: str) -> Job:
    job = session.get(Job, job_id)
    if job is None or job.tenant_id != tenant_id or job.deleted_at is not None:
        raise not_found("report")
    if job.finished_at is None:
        raise conflict("REPORT_NOT_READY", f"The job is {job.status}.", "Wait until it is completed or failed.")
    return job


@routes.get("/reports", responses=refusals(400, 401, 429))
def list_reports(
    caller: Viewer,
    session: Transaction,
    client_id: str | None = None,
    project_id: str | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Report]:
    """Reports of all finished jobs, the newest job first."""
    query = sa.select(Job).where(Job.tenant_id == caller.tenant_id, Job.status.in_(FINAL), Job.deleted_at.is_(None))
    query = query.where(Job.client_id == client_id) if client_id is not None else query
    query = query.where(Job.project_id == project_id) if project_id is not None else query
    return page(session, query, Job, limit, cursor, report)


@routes.get("/jobs/{job_id}/report", responses=refusals(400, 401, 404, 409, 429))
def get_report_of_job(job_id: JobId, caller: Viewer, session: Transaction) -> Report:
    """The same as /api/reports/{job_id}."""
    return get_report(job_id, caller, session)


@routes.get("/reports/{job_id}", responses=refusals(400, 401, 404, 409, 429))
def get_report(job_id: JobId, caller: Viewer, session: Transaction) -> Report:
    """A finished job's figures."""
    return report(_finished(session, caller.tenant_id, job_id))


_CSV: dict[str, Any] = {
    "response_class": StreamingResponse,
    "responses": {**refusals(400, 401, 404, 409, 429), 200: {"content": {"text/csv": {}}, "description": "The report"}},
}


@routes.get("/jobs/{job_id}/report.csv", **_CSV)
def export_report_of_job(job_id: JobId, caller: Viewer, session: Transaction) -> StreamingResponse:
    """The same as /api/reports/{job_id}/export.csv."""
    return export_report(job_id, caller, session)


@routes.get("/reports/{job_id}/export.csv", **_CSV)
def export_report(job_id: JobId, caller: Viewer, session: Transaction) -> StreamingResponse:
    """The same figures, and every item that failed, for the client's files."""
    job = _finished(session, caller.tenant_id, job_id)
    query = sa.select(JobItem).where(JobItem.job_id == job.id, JobItem.tenant_id == job.tenant_id)
    items = session.scalars(query.order_by(JobItem.entity, JobItem.key)).all()
    lines = list(as_csv(report(job), items))
    headers = {"Content-Disposition": f'attachment; filename="migrate-report-{job.id}.csv"'}
    return StreamingResponse(iter(lines), media_type="text/csv; charset=utf-8", headers=headers)
