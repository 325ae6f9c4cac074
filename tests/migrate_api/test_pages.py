"""What a person sees and presses on the web pages: the guide's words and figures, and the same rules as over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from migrate_api.pages.routes import PAGES
from tests.migrate_api.site import RECOUNT, ROCK, Site

pytestmark = pytest.mark.parametrize("kind", ["sqlite"])


def press(site: Site, path: str, role: str = "owner") -> tuple[int, str]:
    """A button: the status, and where it leads to."""
    answer = site.submit(path, role)
    return answer.status_code, answer.headers.get("location", "")


def moving(site: Site) -> tuple[dict[str, str], dict[str, Any], int]:
    """A running job that has something of everything."""
    agent = site.agent()
    job, token = site.running(agent)
    totals = {"items": 10, "bytes": 9_000_000}
    done = {
        "files_completed": 4,
        "files_skipped": 2,
        "files_unchanged": 1,
        "files_failed": 1,
        "bytes_completed": 3_000_000,
    }
    site.report(agent, job, token, 4, totals=totals, bytes_per_second=250_000, bytes_left=5_000_000, **done)
    return agent, job, token


@pytest.mark.parametrize(
    "seen",
    ["9.0 MB", "3.0 MB", "2.0 Mbps", "20 s", 'value="4000000" max="9000000"', "Pause", "Cancel"],
)
def test_a_running_job_shows_what_the_guide_promises(site: Site, seen: str) -> None:
    _, job, _ = moving(site)
    assert seen in site.text(f"/jobs/{job['id']}", role="member")


def test_a_finished_job_has_its_csv_and_can_be_deleted(site: Site) -> None:
    agent, job, token = moving(site)
    assert "Export CSV" not in site.text(f"/jobs/{job['id']}", role="owner")
    site.report(agent, job, token, 5, status="completed", recount=RECOUNT)
    assert f"/api/reports/{job['id']}/export.csv" in site.text(f"/jobs/{job['id']}", role="owner")
    assert "Delete" not in site.text(f"/jobs/{job['id']}", role="member")
    assert press(site, f"/jobs/{job['id']}/delete", role="member")[0] == 403
    assert press(site, f"/jobs/{job['id']}/delete") == (303, "/jobs")
    assert site.call("GET", f"/api/jobs/{job['id']}")[0] == 404


def test_a_running_job_cannot_be_deleted(site: Site) -> None:
    _, job, _ = moving(site)
    assert press(site, f"/jobs/{job['id']}/delete")[0] == 409


def test_a_failed_job_is_run_again_by_a_button(site: Site) -> None:
    _, job, _ = moving(site)
    press(site, f"/jobs/{job['id']}/cancel")
    status, place = press(site, f"/jobs/{job['id']}/rerun")
    assert status == 303
    assert site.get(f"/api{place}")["rerun_of"] == job["id"]


def test_jobs_are_filtered_by_status_and_client(site: Site) -> None:
    _, job, _ = moving(site)
    shown = f"/jobs/{job['id']}"
    for filters, found in (
        ("", True),
        ("?status=running&agent_id=&client_id=", True),
        ("?status=failed", False),
        (f"?client_id={job['client_id']}&project_id={job['project_id']}&agent_id={job['agent_id']}", True),
        ("?client_id=another", False),
    ):
        assert (shown in site.text(f"/jobs{filters}", role="viewer")) is found, filters


def test_a_project_shows_cost_and_the_way_to_azure(site: Site) -> None:
    project = site.project("file_migration", psa_ticket_id="T-9")
    page = site.text(f"/projects/{project['id']}", role="member")
    for seen in ("Grace Church", "PSA ticket T-9", "Estimated Cost", "$ 0.00", "Connect Azure Storage"):
        assert seen in page
    assert "Project has no Azure connection" in page


def test_clients_and_reports_are_listed(site: Site) -> None:
    agent, job, token = moving(site)
    site.report(agent, job, token, 5, status="completed", recount=RECOUNT)
    assert "Grace Church" in site.text("/clients", role="viewer")
    assert f"/projects/{job['project_id']}" in site.text("/projects", role="viewer")
    assert "100.00 %" in site.text("/reports", role="viewer")


def test_every_page_asks_who_is_there_and_shows_nothing_of_others(site: Site) -> None:
    agent, job, _ = moving(site)
    token = site.post("/api/tokens", {"name": "t", "role": "viewer"})
    ids = {name: job[name] for name in ("client_id", "project_id", "agent_id")}
    ids |= {"job_id": job["id"], "order": "pause", "key_id": agent["key_id"], "token_id": token["id"]}
    test = site.post(f"/api/agents/{agent['id']}/connection-tests", {"connection_string": "Server=x"})
    ids["test_id"] = test["id"]
    site.tokens["stranger"] = site.organisation("other")["owner"]
    for route in (route for pages in PAGES for route in pages.routes):
        path, (method,) = route.path.format(**ids), route.methods  # type: ignore[attr-defined]
        assert site.call(method, path, role=None)[0] == 401, path
        status, _ = site.call(method, path, role="stranger")
        assert status == 404 if path != route.path else status in (200, 400), path  # type: ignore[attr-defined]
        assert job["name"] + "</a>" not in site.text(path, role="stranger")


def test_a_client_and_a_project_are_made_by_their_forms(site: Site) -> None:
    assert site.submit("/clients", name="Acme Corp", contact_email="", psa_company_id="7").status_code == 303
    (client,) = site.get("/api/clients")["items"]
    schedule = {"window_0_start": "18:00", "window_0_end": "06:00", "window_0_fri": "on", "throttled_mbps": "20"}
    made = site.submit("/projects", client_id=client["id"], type="archive", name="Old files", time_zone="", **schedule)
    page = site.text(made.headers["location"], role="viewer")
    assert "Full speed 18:00–06:00 (fri)" in page
    assert "at most 20.0 Mbps" in page


def test_a_form_that_is_wrong_says_which_field(site: Site) -> None:
    answer = site.submit("/clients", name="Acme", contact_email="nobody")
    assert (answer.status_code, "contact_email: give an address" in answer.text) == (400, True)
    assert site.submit("/clients", "viewer", name="Acme").status_code == 403


def test_a_code_is_generated_and_shown_once(site: Site) -> None:
    shown = site.submit("/settings/codes", label="srv1").text
    code = shown.split("migrate-agent --register ")[1][:8]
    host = {"hostname": "srv1", "platform": "Linux", "version": "1"}
    assert site.post("/api/agents/register", {"code": code, "host": host}, role=None)["name"] == "srv1"
    assert code not in site.text("/settings", role="owner")
    assert "mak_" in site.submit("/settings/keys", name="srv2").text
    assert site.submit("/settings/codes", "member").status_code == 403


def test_a_job_is_made_by_its_form(site: Site) -> None:
    """Patterns as the guide writes them; a box that is not ticked is off; only agents that are online are offered."""
    agent, offline = site.agent("srv1"), site.agent("elsewhere", hello=False)
    project = site.project("file_migration")
    storage = {"account": "files", "container": "files", "secret": "SharedAccessSignature=sig"}
    site.call("PUT", f"/api/projects/{project['id']}/storage", storage)
    page = site.text(f"/projects/{project['id']}/jobs/new", role="member")
    assert agent["id"] in page
    assert offline["id"] not in page
    form = {"name": "Users", "agent_id": agent["id"], "type": "migrate_files", "path": "/data", "concurrency": "6"}
    answer = site.submit(f"/projects/{project['id']}/jobs", include_patterns="*.docx, *.pdf", **form)
    spec = site.get(f"/api{answer.headers['location']}")["spec"]
    assert spec["filters"]["include_patterns"] == ["*.docx", "*.pdf"]
    assert (spec["transfer"]["concurrency"], spec["transfer"]["verify_integrity"]) == (6, False)


def test_a_comma_in_braces_does_not_end_a_pattern(site: Site) -> None:
    project, agent = site.project("file_migration"), site.agent()
    site.call(
        "PUT", f"/api/projects/{project['id']}/storage", {"account": "files", "container": "files", "secret": "sig=x"}
    )
    form = {"name": "Users", "agent_id": agent["id"], "type": "migrate_files", "path": "/data"}
    answer = site.submit(f"/projects/{project['id']}/jobs", include_patterns="*.{docx,{pdf,odt}}, {a,b,a}c", **form)
    spec = site.get(f"/api{answer.headers['location']}")["spec"]
    assert spec["filters"]["include_patterns"] == ["*.{docx,{pdf,odt}}", "{a,b,a}c"]


def test_a_jobs_own_destination_is_taken_and_the_rest_is_the_projects(site: Site) -> None:
    project, agent = site.project("file_migration"), site.agent()
    storage = {"account": "files", "container": "files", "prefix": "a", "tier": "cool", "secret": "sig=x"}
    site.call("PUT", f"/api/projects/{project['id']}/storage", storage)
    form = {"name": "Users", "agent_id": agent["id"], "type": "migrate_files", "path": "/data", "destination_tier": ""}
    answer = site.submit(f"/projects/{project['id']}/jobs", destination_prefix="b", destination_container="", **form)
    found = site.get(f"/api{answer.headers['location']}")["spec"]["destination"]
    assert (found["account"], found["container"], found["prefix"], found["tier"]) == ("files", "files", "b", "cool")


def test_an_import_is_made_by_its_form(site: Site) -> None:
    project, agent = site.project(), site.agent()
    form = {**ROCK, "name": "Grace", "agent_id": agent["id"], "type": "rockrms_import", "people": "on"}
    answer = site.submit(f"/projects/{project['id']}/jobs", campus_ids="1, 2", time_zone="", **form)
    source = site.get(f"/api{answer.headers['location']}")["spec"]["source"]
    assert (source["entities"], source["campus_ids"], source["time_zone"]) == (["people"], [1, 2], "UTC")
    assert source["connection_string"] is None
