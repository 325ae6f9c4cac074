"""Reports as people look for them."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from migrate_api.doors import Transaction, Viewer
from migrate_api.pages.jobs import ended
from migrate_api.pages.lists import At, Chosen, listed, offered
from migrate_api.pages.render import page
from migrate_api.reports import report
from migrate_api.tables import Client, Job, Project

routes = APIRouter(tags=["pages"], include_in_schema=False)


@routes.get("/reports")
def reports_page(
    caller: Viewer, session: Transaction, at: At, client_id: Chosen = "", project_id: Chosen = ""
) -> HTMLResponse:
    """What ended last, with its figures and its CSV."""
    query = ended(caller.tenant_id)
    query = query.where(Job.client_id == client_id) if client_id else query
    query = query.where(Job.project_id == project_id) if project_id else query
    chosen = {"client_id": client_id, "project_id": project_id}
    found = listed(session, query, Job, at, "/reports", chosen, by="finished_at")
    return page(
        "reports.html",
        caller=caller,
        reports=found,
        shown=[report(job) for job in found.rows],
        clients=offered(session, Client, caller.tenant_id, client_id),
        projects=offered(session, Project, caller.tenant_id, project_id),
        chosen=chosen,
    )
