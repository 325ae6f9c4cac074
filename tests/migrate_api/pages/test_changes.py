"""Clients and projects changed in pages: by the API's rules, and nothing typed is lost where one of them says no."""

from __future__ import annotations

from typing import Any

import pytest

from tests.migrate_api.site import ROCK, Site

pytestmark = pytest.mark.parametrize("kind", ["sqlite"])
PLAIN = {"name": "Grace", "contact_name": "Ada", "contact_email": "ada@example.org", "psa_company_id": "7"}
EDIT = {"name": "P", "description": "", "psa_ticket_id": "", "psa_project_id": "", "time_zone": "UTC"}
EVENINGS = {"window_0_start": "18:00", "window_0_end": "06:00", "window_0_mon": "on", "window_0_tue": "on"}


def test_a_client_is_changed_in_all_its_particulars(site: Site) -> None:
    client = site.post("/api/clients", {"name": "Grce"})
    assert site.submit(f"/clients/{client['id']}", **PLAIN).headers["location"] == f"/clients/{client['id']}"
    found = site.get(f"/api/clients/{client['id']}")
    assert {name: found[name] for name in PLAIN} == PLAIN


def test_what_is_emptied_is_taken_away(site: Site) -> None:
    client = site.post("/api/clients", PLAIN)
    site.submit(f"/clients/{client['id']}", **{**PLAIN, "contact_name": "", "contact_email": ""})
    found = site.get(f"/api/clients/{client['id']}")
    assert (found["contact_name"], found["contact_email"], found["psa_company_id"]) == (None, None, "7")


def test_what_is_wrong_stands_beside_what_was_typed(site: Site) -> None:
    client = site.post("/api/clients", PLAIN)
    answer = site.submit(f"/clients/{client['id']}", **{**PLAIN, "name": "New <name>", "contact_email": "nobody"})
    assert answer.status_code == 400
    assert 'value="New &lt;name&gt;"' in answer.text
    assert '<span class="wrong">give an address such as ada@example.org</span>' in answer.text
    assert site.get(f"/api/clients/{client['id']}")["name"] == "Grace"


def test_a_client_is_archived_and_comes_back(site: Site) -> None:
    client = site.post("/api/clients", PLAIN)
    for status, button in (("archived", "Make active again"), ("active", "Archive")):
        site.submit(f"/clients/{client['id']}", status=status)
        page = site.text(f"/clients/{client['id']}", role="member")
        assert button in page
    assert site.get(f"/api/clients/{client['id']}")["psa_company_id"] == "7"


def test_a_client_with_projects_is_not_deleted_and_the_page_says_what_to_do(site: Site) -> None:
    project = site.project()
    answer = site.submit(f"/clients/{project['client_id']}/delete")
    assert (answer.status_code, "The client has projects." in answer.text) == (409, True)
    empty = site.post("/api/clients", PLAIN)
    assert site.submit(f"/clients/{empty['id']}/delete").headers["location"] == "/clients"
    assert site.call("GET", f"/api/clients/{empty['id']}")[0] == 404


def test_an_archived_client_gets_no_project_and_the_form_says_so(site: Site) -> None:
    client = site.post("/api/clients", PLAIN)
    site.submit(f"/clients/{client['id']}", status="archived")
    answer = site.submit("/projects", client_id=client["id"], type="archive", name="Old files")
    assert (answer.status_code, "The client is archived." in answer.text) == (409, True)
    assert 'value="Old files"' in answer.text


def edited(site: Site, project: dict[str, Any], **form: str) -> dict[str, Any]:
    answer = site.submit(f"/projects/{project['id']}/edit", **{**EDIT, **form})
    assert answer.status_code == 303, answer.text
    found: dict[str, Any] = site.get(f"/api/projects/{project['id']}")
    return found


def test_a_project_is_changed_in_its_particulars(site: Site) -> None:
    form = {"name": "Q", "description": "Two\r\nlines", "psa_ticket_id": "T-1", "time_zone": "America/Chicago"}
    found = edited(site, site.project("archive", psa_project_id="9"), **form)
    assert {name: found[name] for name in form} == form
    assert found["psa_project_id"] is None


def test_a_schedule_of_several_windows_is_kept_by_saving_what_is_shown(site: Site) -> None:
    days = [{"start": "18:00:00", "end": "06:00:00", "days": ["mon", "tue"]}]
    weekend = [{"start": "00:00:00", "end": "23:59:00", "days": ["sat"]}]
    project = site.project("archive", bandwidth_schedule={"windows": days, "throttled_mbps": 20})
    sat = {"window_2_start": "00:00", "window_2_end": "23:59", "window_2_sat": "on"}
    found = edited(site, project, **EVENINGS, **sat, throttled_mbps="20")
    assert found["bandwidth_schedule"]["windows"] == days + weekend
    assert edited(site, project, throttled_mbps="")["bandwidth_schedule"] is None


def test_the_windows_are_shown_as_they_are(site: Site) -> None:
    window = {"start": "18:00", "end": "06:00", "days": ["fri"]}
    project = site.project("archive", bandwidth_schedule={"windows": [window], "throttled_mbps": 2.5})
    page = site.text(f"/projects/{project['id']}/edit", role="member")
    for shown in ('name="window_0_start" value="18:00"', 'name="window_0_fri" checked', 'value="2.5"'):
        assert shown in page
    assert 'name="window_0_mon" checked' not in page


def test_a_row_that_was_left_empty_does_not_shift_what_is_wrong(site: Site) -> None:
    project = site.project("archive")
    form = {"window_1_start": "18:00", "window_1_end": "", "window_1_mon": "on", "throttled_mbps": "20"}
    answer = site.submit(f"/projects/{project['id']}/edit", **{**EDIT, **form})
    row = answer.text.split('name="window_0_end"')[1].split('name="window_0_mon"')[0]
    assert (answer.status_code, "is required" in row) == (400, True)
    assert 'name="window_0_start" value="18:00"' in answer.text


@pytest.mark.parametrize(
    ("form", "kept"),
    [
        ({"destination": "azure_blob", "destination_container": "archive", "destination_tier": "cool"}, "cool"),
        ({"destination": "onedrive", "destination_tenant_id": "contoso.com", "destination_tier": "cool"}, None),
    ],
)
def test_a_default_destination_has_the_fields_of_its_kind(site: Site, form: dict[str, str], kept: str | None) -> None:
    found = edited(site, site.project("file_migration"), **form)["default_destination"]
    assert (found["type"], found.get("tier")) == (form["destination"], kept)


def test_a_destination_is_taken_away_again(site: Site) -> None:
    project = site.project("file_migration", default_destination={"type": "azure_blob", "container": "archive"})
    assert 'value="archive"' in site.text(f"/projects/{project['id']}/edit", role="member")
    assert edited(site, project, destination="")["default_destination"] is None


def test_a_project_with_an_unfinished_job_is_not_cancelled_and_its_page_says_why(site: Site) -> None:
    project = site.project()
    job = site.job(site.agent(), project)
    answer = site.submit(f"/projects/{project['id']}/cancel")
    assert (answer.status_code, "Cancel them first." in answer.text) == (409, True)
    site.post(f"/api/jobs/{job['id']}/cancel")
    site.submit(f"/projects/{project['id']}/cancel")
    assert site.get(f"/api/projects/{project['id']}")["status"] == "cancelled"


def test_a_cancellation_is_taken_back(site: Site) -> None:
    project = site.project()
    site.submit(f"/projects/{project['id']}/cancel")
    assert "New Job" not in site.text(f"/projects/{project['id']}", role="member")
    site.submit(f"/projects/{project['id']}/take-back")
    assert site.get(f"/api/projects/{project['id']}")["status"] == "planning"


def test_a_project_that_never_had_a_job_is_deleted(site: Site) -> None:
    project = site.project()
    assert site.submit(f"/projects/{project['id']}/delete").headers["location"] == "/projects"
    assert site.call("GET", f"/api/projects/{project['id']}")[0] == 404


def test_a_job_that_is_refused_keeps_what_was_typed_but_no_secret(site: Site) -> None:
    project, agent = site.project(), site.agent()
    form = {**ROCK, "name": "First run", "agent_id": agent["id"], "type": "rockrms_import", "people": "on"}
    answer = site.submit(f"/projects/{project['id']}/jobs", **{**form, "mission_org_slug": "No Slug"}, concurrency="99")
    assert answer.status_code == 400
    for kept in ('value="First run"', 'value="No Slug"', 'value="99"', 'name="people" checked'):
        assert kept in answer.text
    for gone in ('name="families" checked', "hush"):
        assert gone not in answer.text


def test_a_missing_connection_is_said_where_the_destination_stands(site: Site) -> None:
    project, agent = site.project("file_migration"), site.agent()
    form = {"name": "Users", "agent_id": agent["id"], "type": "migrate_files", "path": "/data"}
    answer = site.submit(f"/projects/{project['id']}/jobs", **form)
    assert answer.status_code == 409
    assert '<p class="wrong">Project has no Azure connection Go to the project' in answer.text


def test_words_that_an_agent_would_refuse_are_said_beside_their_fields(site: Site) -> None:
    project, agent = site.project("file_migration"), site.agent()
    storage = {"account": "files", "container": "files", "secret": "sig=x"}
    site.call("PUT", f"/api/projects/{project['id']}/storage", storage)
    form = {"name": "Users", "agent_id": agent["id"], "type": "migrate_files", "path": "/data"}
    for field, text, said in (
        ("destination_prefix", "a//b", "cannot be a prefix. No part of it may be empty"),
        ("include_patterns", "{1..1000000}", "their braces written out. Write fewer"),
    ):
        answer = site.submit(f"/projects/{project['id']}/jobs", **form, **{field: text})
        label = answer.text.split(f'name="{field}"')[1].split("</label>")[0]
        assert (answer.status_code, said in label) == (400, True)
