"""One job as people watch it, and the orders. What is refused is said on the page that asked for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from migrate_api import history
from migrate_api.dispatch import Dispatch
from migrate_api.doors import Admin, Inside, Member, Transaction, Viewer
from migrate_api.errors import Refusal
from migrate_api.job_views import view
from migrate_api.pages.forms import Form, Typed, shown_again
from migrate_api.pages.lists import Mark
from migrate_api.pages.render import confirmation, page
from migrate_api.principals import Person
from migrate_api.routes.jobs import Reason, delete_job, found_job, get_log, list_failed_items
from migrate_api.tables import Agent, Client, Project

routes = APIRouter(tags=["pages"], include_in_schema=False)
JobId = Annotated[str, Path(max_length=64)]
ITEMS = 100


@routes.get("/jobs/{job_id}")
def job_page(job_id: JobId, caller: Viewer, session: Transaction, failed_after: Mark = "") -> HTMLResponse:
    """One job: progress, counts, what failed and why, and its history."""
    return _job(caller, session, job_id, failed_after)


def _job(
    caller: Person, session: Session, job_id: str, failed_after: str = "", form: Form | None = None
) -> HTMLResponse:
    job = found_job(session, caller.tenant_id, job_id)
    return page(
        "job.html",
        status=form.status if form else 200,
        caller=caller,
        job=view(job),
        agent=session.get_one(Agent, job.agent_id),
        client=session.get_one(Client, job.client_id),
        project=session.get_one(Project, job.project_id),
        items=list_failed_items(job_id, caller, session, ITEMS, failed_after or None),
        failed_after=failed_after,
        history=history.lines(session, job.id),
        asked_for=list(_flat(job.spec)),
        form=form or Form(),
    )


def _flat(spec: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """What was asked for, a line for each setting. What was not given is left out, secrets among it."""
    for name, value in spec.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name} ")
        elif isinstance(value, bool):
            yield f"{before}{name}", "on" if value else "off"
        elif value not in (None, "", []):
            yield f"{before}{name}", ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@routes.get("/jobs/{job_id}/log")
def log_page(
    job_id: JobId, caller: Viewer, session: Transaction, after: Annotated[int, Query(ge=0, le=2**53)] = 0
) -> HTMLResponse:
    """The job's log as its agent sent it."""
    job = found_job(session, caller.tenant_id, job_id)
    pieces = get_log(job_id, caller, session, after)
    return page("log.html", caller=caller, job=job, pieces=pieces, after=after, full=ITEMS)


@routes.get("/jobs/{job_id}/cancel")
def ask_to_cancel(job_id: JobId, caller: Member, session: Transaction) -> HTMLResponse:
    """Whether it is meant."""
    job = found_job(session, caller.tenant_id, job_id)
    return confirmation(
        caller,
        f"Cancel the job {job.name}?",
        "It stops at once and for good. What was moved stays at the destination. A cancelled job is not taken up again;"
        " it can be re-run as a new one.",
        button="Cancel the job",
        back=f"/jobs/{job.id}",
        why=True,
    )


@routes.get("/jobs/{job_id}/delete")
def ask_to_delete(job_id: JobId, caller: Admin, session: Transaction) -> HTMLResponse:
    """Whether it is meant."""
    job = found_job(session, caller.tenant_id, job_id)
    return confirmation(
        caller,
        f"Delete the job {job.name}?",
        "It is out of sight then, with its report. What was moved is not touched.",
        button="Delete",
        back=f"/jobs/{job.id}",
    )


@routes.post("/jobs/{job_id}/delete")
def delete(job_id: JobId, caller: Admin, session: Transaction, inside: Inside) -> RedirectResponse:
    """Delete, once more: out of sight, nothing moved is touched."""
    with shown_again({}, lambda session, form: _job(caller, session, job_id, form=form)):
        delete_job(job_id, caller, session, inside)
    return RedirectResponse("/jobs", 303)


@routes.post("/jobs/{job_id}/{order}")
def order(
    job_id: JobId, order: str, typed: Typed, caller: Member, session: Transaction, inside: Inside
) -> RedirectResponse:
    """A button of the job's page: pause, resume or cancel."""
    dispatch = Dispatch(session, inside.waker)
    job = dispatch.held(caller.tenant_id, job_id)
    with shown_again(typed, lambda session, form: _job(caller, session, job_id, form=form)):
        if order == "pause":
            dispatch.pause(job, caller)
        elif order == "resume":
            dispatch.resume(job, caller)
        elif order == "cancel":
            dispatch.cancel(job, caller, Reason.model_validate(typed).why)
        else:
            raise Refusal(404, "NOT_FOUND", "There is no such order.")
    return RedirectResponse(f"/jobs/{job_id}", 303)
