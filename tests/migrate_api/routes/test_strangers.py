"""What people send who have only the guide: its words are understood, and of what is not the field and why are told."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.migrate_api.site import HOST, PLAIN, RECOUNT, ROCK, Site

STORAGE = {"secret": "BlobEndpoint=https://files.blob.core.windows.net;SharedAccessSignature=sig", "container": "files"}


def fields(site: Site, method: str, path: str, body: Any) -> dict[str, str]:
    """Of a refusal: what it says about which field."""
    status, said = site.call(method, path, body)
    assert (status, said["code"]) == (400, "VALIDATION_ERROR"), said
    found: dict[str, str] = said["details"]["fields"]
    return found


def post(site: Site, content: bytes, **headers: str) -> dict[str, str]:
    credential = {"Authorization": f"Bearer {site.tokens['owner']}"}
    answer = httpx.post(f"{site.url}/api/clients", content=content, headers={**credential, **headers}, verify=PLAIN)
    assert answer.status_code == 400
    found: dict[str, str] = answer.json()["details"]["fields"]
    return found


def wanted(site: Site, **changes: Any) -> dict[str, Any]:
    """A job to ask for, from local files to the project's container."""
    project = site.project("file_migration")
    site.call("PUT", f"/api/projects/{project['id']}/storage", {"account": "files", **STORAGE})
    job = {"name": "J", "project_id": project["id"], "agent_id": site.agent()["id"], "type": "migrate_files"}
    return {**job, "source": {"type": "local", "path": "/data"}, **changes}


def test_a_slash_at_the_end_changes_nothing(site: Site) -> None:
    made = site.post("/api/clients/", {"name": "Acme"})
    assert site.get("/api/clients/")["items"] == [made]


def test_a_name_of_blanks_is_none(site: Site) -> None:
    assert fields(site, "POST", "/api/clients", {"name": "  "}) == {"name": "must not be empty"}


def test_a_name_is_one_line(site: Site) -> None:
    assert fields(site, "POST", "/api/clients", {"name": "a\x1b[2Jb"}) == {
        "name": "must be one line, without control characters"
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"source": {"type": "local", "path": "/a\0b"}}, "source.path"),
        ({"filters": {"exclude_patterns": ["*.tmp", "a\0"]}}, "filters.exclude_patterns"),
        ({"destination": {"type": "azure_blob", "prefix": "a\0b"}}, "destination.prefix"),
        ({"source": {**ROCK, "connection_string": "Server=s\0"}, "type": "rockrms_import"}, "source.connection_string"),
    ],
)
def test_a_nul_is_refused_where_it_stands(site: Site, change: dict[str, Any], field: str) -> None:
    assert fields(site, "POST", "/api/jobs", wanted(site, **change)) == {field: "must not hold a NUL character"}


def test_a_nul_in_a_description_is_refused(site: Site) -> None:
    path = f"/api/projects/{site.project()['id']}"
    assert fields(site, "PATCH", path, {"description": "two\nlines\0"}) == {
        "description": "must not hold a NUL character"
    }


@pytest.mark.parametrize("path", ["/api/jobs/a%00b", "/api/jobs?client_id=a%00b"])
def test_a_nul_in_an_address_is_refused(site: Site, path: str) -> None:
    assert [*fields(site, "GET", path, None)] == ["address"]


def test_what_an_agent_tells_is_kept_without_nuls(site: Site) -> None:
    """Refused, it could never say how its job ended."""
    job, token = site.running(agent := site.agent())
    item = {"key": "a\0", "code": "REJECTED", "message": "a name of \0"}
    said = {"status": "failed", "error": {"code": "X1", "message": "\0"}, "recount": RECOUNT, "result": {"a": ["\0"]}}
    site.report(agent, job, token, 4, failed_items=[item], **said)
    assert site.get(f"/api/jobs/{job['id']}")["result"] == {"a": ["\ufffd"]}
    assert [one["key"] for one in site.get(f"/api/jobs/{job['id']}/items")["items"]] == ["a\ufffd"]


def test_what_a_form_leaves_empty_is_not_given(site: Site) -> None:
    made = site.post("/api/clients", {"name": " Acme ", "contact_email": "", "contact_name": "", "psa_company_id": 42})
    assert (made["name"], made["contact_email"], made["contact_name"]) == ("Acme", None, None)
    assert made["psa_company_id"] == "42"


def test_an_address_that_is_none_is_told_with_an_example(site: Site) -> None:
    found = fields(site, "POST", "/api/clients", {"name": "Acme", "contact_email": "ada"})
    assert found == {"contact_email": "give an address such as ada@example.org"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"source": {"type": "local"}}, "source.path"),
        ({"source": {"type": "s3"}}, "source.type"),
        ({"source": {"path": "/data"}}, "source.type"),
        ({"destination": {"type": "azure_blob", "tier": "warm"}}, "destination.tier"),
        ({"filters": {"include_patterns": "*.docx"}}, "filters.include_patterns"),
        ({"transfer": {"chunk_size": 8}}, "transfer.chunk_size"),
        ({"transfer_config": {"concurrency": 33}}, "transfer_config.concurrency"),
    ],
)
def test_a_field_is_named_as_it_was_written(site: Site, change: dict[str, Any], field: str) -> None:
    assert list(fields(site, "POST", "/api/jobs", wanted(site, **change))) == [field]


def test_a_list_whose_only_entry_is_wrong_is_not_also_called_empty(site: Site) -> None:
    window = {"start": "18:00", "end": "18:00"}
    project = {"client_id": "c", "type": "archive", "name": "P"}
    schedule = {"bandwidth_schedule": {"windows": [window], "throttled_mbps": 5}}
    assert list(fields(site, "POST", "/api/projects", {**project, **schedule})) == ["bandwidth_schedule.windows.0.end"]


def test_words_of_the_guide_are_taken(site: Site) -> None:
    where = {"storage_account": "files", "storage_tier": "Cool", "blob_prefix": "acme", **STORAGE}
    project = site.project("file_migration")
    kept = site.call("PUT", f"/api/projects/{project['id']}/storage", where)[1]["storage"]
    assert (kept["account"], kept["tier"], kept["prefix"]) == ("files", "cool", "acme")
    job = wanted(site, project_id=project["id"], transfer_config={"concurrency": 7}, allow_offline=True)
    spec = site.post("/api/jobs", job)["spec"]
    assert (spec["transfer"]["concurrency"], spec["destination"]["tier"]) == (7, "cool")


def test_a_source_tenant_may_be_called_so(site: Site) -> None:
    source = {"type": "onedrive", "source_tenant_id": "contoso.com"}
    assert site.post("/api/jobs", wanted(site, source=source))["spec"]["source"]["tenant_id"] == "contoso.com"


def test_a_code_needs_no_label(site: Site) -> None:
    status, made = site.call("POST", "/api/registration-codes")
    assert (status, len(made["code"]), made["label"]) == (201, 8, None)


def test_what_is_not_json_is_told_so(site: Site) -> None:
    assert post(site, b'{"name":', **{"Content-Type": "application/json"}) == {"body": "is no JSON that can be read"}
    told = {"body": "send JSON, with the header Content-Type: application/json"}
    assert post(site, b'{"name": "Acme"}', **{"Content-Type": "text/plain"}) == told
    assert post(site, b'{"name": "Acme"}') == told


@pytest.mark.parametrize("name", ["a\x00b", "a\ud800b"])
def test_a_character_that_cannot_be_kept_is_no_fault_of_the_service(site: Site, name: str) -> None:
    content = json.dumps({"name": name}).encode()
    headers = {"Authorization": f"Bearer {site.tokens['owner']}", "Content-Type": "application/json"}
    answer = httpx.post(f"{site.url}/api/clients", content=content, headers=headers, verify=PLAIN)
    assert answer.status_code in (201, 400)


def test_projects_are_found_by_type(site: Site) -> None:
    archive, _ = site.project("archive"), site.project("file_migration")
    assert [one["id"] for one in site.get("/api/projects?type=archive")["items"]] == [archive["id"]]


def test_a_page_that_is_not_there_is_told_as_a_page(site: Site) -> None:
    answer = httpx.get(f"{site.url}/nowhere", verify=PLAIN)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_a_job_is_done_again_with_a_new_key(site: Site) -> None:
    agent = site.agent()
    job = site.job(agent)
    site.post(f"/api/jobs/{job['id']}/cancel")
    again = site.post(f"/api/jobs/{job['id']}/rerun", {"mission_integration_key": "fresh-key"})
    lease = site.post(f"/api/agent/jobs/{again['id']}/lease", key=agent["key"])
    assert lease["spec"]["source"] == {**ROCK, **lease["spec"]["source"], "mission_integration_key": "fresh-key"}


def test_only_an_import_has_a_key_to_replace(site: Site) -> None:
    job = site.post("/api/jobs", wanted(site))
    site.post(f"/api/jobs/{job['id']}/cancel")
    found = fields(site, "POST", f"/api/jobs/{job['id']}/rerun", {"mission_integration_key": "fresh-key"})
    assert found == {"mission_integration_key": "only an import has one"}


def test_a_machine_that_has_just_registered_is_online(site: Site) -> None:
    """Step 2 of the guide: "The agent appears in the Agents list with status Online." """
    said = {"code": site.post("/api/registration-codes")["code"], "host": HOST}
    site.post("/api/agents/register", said, role=None)
    assert [one["status"] for one in site.get("/api/agents")["items"]] == ["online"]


def test_the_report_is_found_under_its_job_too(site: Site) -> None:
    job = site.post("/api/jobs", wanted(site))
    site.post(f"/api/jobs/{job['id']}/cancel")
    assert site.get(f"/api/jobs/{job['id']}/report") == site.get(f"/api/reports/{job['id']}")
    assert site.text(f"/api/jobs/{job['id']}/report.csv", role="viewer").count("gb_transferred,0.000000000") == 1


def test_a_parameter_is_named_as_it_was_written(site: Site) -> None:
    status, said = site.call("GET", "/api/jobs?status=Running")
    assert (status, list(said["details"]["fields"])) == (400, ["status"])
