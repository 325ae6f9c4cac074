"""The orders on a job's page: those that its state allows and no others; what the API refuses is said there."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.migrate_api.site import RECOUNT, Site

pytestmark = pytest.mark.parametrize("kind", ["sqlite"])
ORDERS = ("Pause", "Resume", "Cancel", "Reassign", "Re-run", "Retry failed items", "Delete", "Export CSV")
ALIVE = {"Pause", "Cancel", "Reassign"}
HELD = {"Resume", "Cancel", "Reassign"}
ENDED = {"Re-run", "Delete", "Export CSV"}
OVER_FAILURES = {**RECOUNT, "completed": 9, "failed": 1}


def in_state(site: Site, state: str) -> dict[str, Any]:
    """A job in a state, and its agent."""
    agent = site.agent()
    if state in ("created", "paused before it began"):
        job = site.job(agent)
        if state != "created":
            site.post(f"/api/jobs/{job['id']}/pause")
        return {**job, "agent": agent}
    job, token = site.running(agent)
    if state in ("pause asked", "paused", "resume asked"):
        site.post(f"/api/jobs/{job['id']}/pause")
    if state in ("paused", "resume asked"):
        site.report(agent, job, token, 4, status="paused")
    if state == "resume asked":
        site.post(f"/api/jobs/{job['id']}/resume")
    if state == "completed":
        site.report(agent, job, token, 4, status="completed", recount=RECOUNT)
    if state == "failed items":
        error = {"code": "ITEMS_FAILED", "message": "One failed.", "remedy": "Look at it."}
        site.report(agent, job, token, 4, status="failed", error=error, recount=OVER_FAILURES)
    if state == "cancelled":
        site.post(f"/api/jobs/{job['id']}/cancel")
    return {**job, "agent": agent}


def offered(page: str) -> set[str]:
    found = re.findall(r'<(?:button|a class="button)[^>]*>([^<]+)</', page)
    return set(ORDERS) & set(found)


@pytest.mark.parametrize(
    ("state", "orders"),
    [
        ("created", ALIVE),
        ("paused before it began", HELD),
        ("running", ALIVE),
        ("pause asked", HELD),
        ("paused", HELD),
        ("resume asked", ALIVE),
        ("completed", ENDED),
        ("failed items", ENDED | {"Retry failed items"}),
        ("cancelled", ENDED),
    ],
)
def test_a_page_offers_what_the_state_allows(site: Site, state: str, orders: set[str]) -> None:
    job = in_state(site, state)
    assert offered(site.text(f"/jobs/{job['id']}", role="owner")) == orders
    assert offered(site.text(f"/jobs/{job['id']}", role="member")) == orders - {"Delete"}
    assert offered(site.text(f"/jobs/{job['id']}", role="viewer")) == orders & {"Export CSV"}


@pytest.mark.parametrize(
    ("state", "order", "said"),
    [
        ("completed", "pause", "A job that is completed cannot become paused."),
        ("completed", "cancel", "A job that is completed cannot become cancelled."),
        ("running", "resume", "only a paused job can be resumed"),
        ("running", "rerun", "only a finished job is repeated"),
        ("running", "delete", "Cancel it first."),
        ("completed", "retry-failed", "No item of this job failed."),
        ("cancelled", "reassign", "Re-run it as a new job."),
    ],
)
def test_an_order_that_comes_too_late_is_refused_on_the_page(site: Site, state: str, order: str, said: str) -> None:
    """The page may be older than the job."""
    job = in_state(site, state)
    form = {"agent_id": site.agent("other")["id"]} if order == "reassign" else {}
    answer = site.submit(f"/jobs/{job['id']}/{order}", **form)
    assert answer.status_code == 409
    assert said in answer.text
    assert job["name"] in answer.text
    assert 'http-equiv="refresh"' not in answer.text


def test_cancel_asks_before_and_keeps_the_reason(site: Site) -> None:
    job = in_state(site, "running")
    assert "Cancel the job" in site.text(f"/jobs/{job['id']}/cancel", role="member")
    assert site.get(f"/api/jobs/{job['id']}")["status"] == "running"
    site.submit(f"/jobs/{job['id']}/cancel", why="the client's wish")
    assert site.get(f"/api/jobs/{job['id']}/history")[-1]["why"] == "the client's wish"
    assert "the client&#39;s wish" in site.text(f"/jobs/{job['id']}", role="viewer")


def test_an_order_that_nobody_knows_is_not_found(site: Site) -> None:
    assert site.submit(f"/jobs/{in_state(site, 'running')['id']}/explode").status_code == 404


def test_failed_items_are_retried_by_a_button(site: Site) -> None:
    job = in_state(site, "failed items")
    made = site.submit(f"/jobs/{job['id']}/retry-failed").headers["location"]
    assert site.get(f"/api{made}")["retry_of"] == job["id"]
    assert f'failed items of <a href="/jobs/{job["id"]}">' in site.text(made, role="viewer")


def test_a_job_is_run_again_by_another_agent_with_another_password(site: Site) -> None:
    job, other = in_state(site, "completed"), site.agent("other")
    page = site.text(f"/jobs/{job['id']}/rerun", role="member")
    assert f'<option value="{other["id"]}">other' in page
    form = {"name": "Second run", "agent_id": other["id"], "connection_string": "Server=t;Database=Rock"}
    place = site.submit(f"/jobs/{job['id']}/rerun", **form).headers["location"]
    made = site.get(f"/api{place}")
    assert (made["name"], made["agent_id"], made["rerun_of"]) == ("Second run", other["id"], job["id"])


def test_a_job_is_given_to_another_agent(site: Site) -> None:
    job, other = in_state(site, "running"), site.agent("other")
    page = site.text(f"/jobs/{job['id']}/reassign", role="member")
    assert (other["id"] in page, f'value="{job["agent_id"]}"' in page) == (True, False)
    assert site.submit(f"/jobs/{job['id']}/reassign", agent_id=other["id"]).status_code == 303
    assert site.get(f"/api/jobs/{job['id']}")["agent_id"] == other["id"]


def test_a_job_shows_what_it_was_asked_for_and_its_log(site: Site) -> None:
    job = in_state(site, "running")
    page = site.text(f"/jobs/{job['id']}", role="viewer")
    assert "<th>source mission org slug</th><td>grace</td>" in page
    assert "hush" not in page
    piece = {"token": 1, "number": 1, "text": "12 people < 13\n"}
    site.post(f"/api/agent/jobs/{job['id']}/log", piece, key=job["agent"]["key"])
    assert "12 people &lt; 13" in site.text(f"/jobs/{job['id']}/log", role="viewer")
