"""Making jobs: everything the documents say is checked, and answered with the field and a remedy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from migrate_api.tables import Agent, Job, Project
from tests.migrate_api.site import ROCK, Site

LOCAL = {"type": "local", "path": "/data"}
STORAGE = {"account": "acme123", "container": "backups", "tier": "cool", "prefix": "acme/files", "secret": "sas-hush"}


def stored(site: Site) -> dict[str, Any]:
    """A project with a connection."""
    project = site.project("file_migration")
    site.call("PUT", f"/api/projects/{project['id']}/storage", STORAGE)
    return project


def ask(site: Site, kind: str, **job: Any) -> tuple[int, Any]:
    project = site.project(kind)
    body = {"name": "J", "project_id": project["id"], "agent_id": site.agent()["id"], **job}
    return site.call("POST", "/api/jobs", body)


@pytest.mark.parametrize(
    ("kind", "job", "field"),
    [
        ("archive", {"type": "rockrms_import", "source": ROCK}, "type"),
        ("rockrms_import", {"type": "rockrms_import", "source": LOCAL}, "source.type"),
        ("file_migration", {"type": "migrate_files", "source": ROCK}, "source.type"),
        (
            "rockrms_import",
            {"type": "rockrms_import", "source": ROCK, "destination": {"type": "azure_blob"}},
            "destination",
        ),
        ("file_migration", {"type": "migrate_files", "source": LOCAL, "transfer": {"concurrency": 33}}, "transfer"),
        ("file_migration", {"type": "migrate_files", "source": LOCAL, "transfer": {"chunk_size_mb": 0}}, "transfer"),
        ("file_migration", {"type": "teleport", "source": LOCAL}, "type"),
        ("file_migration", {"type": "migrate_files", "source": {"type": "local"}}, "source"),
        ("file_migration", {"type": "migrate_files", "source": {"type": "local", "path": "."}}, "source.path"),
        ("file_migration", {"type": "migrate_files", "source": {"type": "local", "path": "~/docs"}}, "source.path"),
        ("file_migration", {"type": "migrate_files", "source": {"type": "local", "path": "C:data"}}, "source.path"),
        ("file_migration", {"type": "migrate_files", "source": {"type": "local", "path": "/a\0b"}}, "source.path"),
        (
            "file_migration",
            {"type": "sync", "source": LOCAL, "transfer": {"delete_after_upload": True}},
            "transfer.delete_after_upload",
        ),
    ],
)
def test_what_does_not_fit_is_named(site: Site, kind: str, job: dict[str, Any], field: str) -> None:
    status, said = ask(site, kind, **job)
    assert (status, said["code"]) == (400, "VALIDATION_ERROR")
    assert [name for name in said["details"]["fields"] if name.startswith(field)], said
    assert "hush" not in str(said)


MANY = "{1..1000000}"


@pytest.mark.parametrize(
    ("job", "code", "field"),
    [
        ({"destination": {"type": "azure_blob", "prefix": "a//b"}}, "BAD_PREFIX", "destination.prefix"),
        ({"filters": {"include_patterns": ["*.pdf", MANY]}}, "BAD_PATTERN", "filters.include_patterns"),
        ({"filters": {"exclude_patterns": [f"a/{MANY}"]}}, "BAD_PATTERN", "filters.exclude_patterns"),
    ],
)
def test_what_its_agent_could_only_refuse_is_refused_at_once(
    site: Site, job: dict[str, Any], code: str, field: str
) -> None:
    project, agent = stored(site), site.agent()
    body = {"name": "J", "project_id": project["id"], "agent_id": agent["id"], "type": "migrate_files", "source": LOCAL}
    status, said = site.call("POST", "/api/jobs", {**body, **job})
    assert (status, said["code"], [*said["details"]["fields"]]) == (400, code, [field])
    assert said["details"]["remedy"]
    assert site.get("/api/jobs")["items"] == []


def test_an_old_job_is_not_done_again_with_what_its_agent_would_refuse(site: Site) -> None:
    agent = site.agent()
    job = site.job(agent, stored(site), type="migrate_files", source=LOCAL)
    site.post(f"/api/jobs/{job['id']}/cancel")
    with site.database.transaction() as session:
        spec = {**job["spec"], "filters": {"include_patterns": [MANY]}}
        session.get_one(Job, job["id"]).spec = spec
        site.services.vault.seal(session, site.tenant_id, f"job:{job['id']}", spec)
    assert site.refused("POST", f"/api/jobs/{job['id']}/rerun", {}) == (400, "BAD_PATTERN")


def test_a_project_takes_no_prefix_that_its_jobs_could_not_have(site: Site) -> None:
    project = site.project("file_migration")
    path, bad = f"/api/projects/{project['id']}", {"type": "azure_blob", "prefix": "a/../b"}
    assert site.refused("PUT", f"{path}/storage", {**STORAGE, "prefix": "a."}) == (400, "BAD_PREFIX")
    assert site.refused("PATCH", path, {"default_destination": bad}) == (400, "BAD_PREFIX")
    new = {"client_id": project["client_id"], "type": "archive", "name": "P", "default_destination": bad}
    assert site.refused("POST", "/api/projects", new) == (400, "BAD_PREFIX")


def test_what_an_older_release_kept_for_the_project_is_refused_by_its_field(site: Site) -> None:
    project, agent = stored(site), site.agent()
    with site.database.transaction() as session:
        session.get_one(Project, project["id"]).storage = {**STORAGE, "prefix": "a" * 2_000}
    body = {"name": "J", "project_id": project["id"], "agent_id": agent["id"], "type": "migrate_files", "source": LOCAL}
    status, said = site.call("POST", "/api/jobs", body)
    assert (status, [*said["details"]["fields"]]) == (400, ["destination.prefix"])


def test_without_an_azure_connection_the_documented_refusal(site: Site) -> None:
    status, said = ask(site, "file_migration", type="migrate_files", source=LOCAL)
    assert (status, said["code"], said["error"]) == (409, "NO_AZURE_CONNECTION", "Project has no Azure connection")
    assert said["details"]["remedy"]


def test_the_destination_defaults_to_the_projects_connection(site: Site) -> None:
    project, agent = site.project("file_migration"), site.agent()
    shown = site.call("PUT", f"/api/projects/{project['id']}/storage", STORAGE)[1]
    assert "hush" not in str(shown)
    job = site.job(agent, project, type="migrate_files", source=LOCAL)
    assert job["spec"]["destination"] == {
        "type": "azure_blob",
        "account": "acme123",
        "container": "backups",
        "prefix": "acme/files",
        "tier": "cool",
    }


def test_a_connection_that_went_away_fails_the_job_when_it_is_taken_up(site: Site) -> None:
    project, agent = site.project("file_migration"), site.agent()
    site.call("PUT", f"/api/projects/{project['id']}/storage", STORAGE)
    job = site.job(agent, project, type="migrate_files", source=LOCAL)
    site.call("DELETE", f"/api/projects/{project['id']}/storage")
    assert site.refused("POST", f"/api/agent/jobs/{job['id']}/lease", {}, key=agent["key"]) == (409, "JOB_FINISHED")
    found = site.get(f"/api/jobs/{job['id']}")
    assert (found["status"], found["error_code"]) == ("failed", "NO_AZURE_CONNECTION")


def test_an_offline_agent_is_refused_unless_the_job_may_wait(site: Site) -> None:
    agent, project = site.agent(), site.project()
    with site.database.transaction() as session:
        session.get_one(Agent, agent["id"]).last_seen_at = datetime.now(UTC) - timedelta(hours=1)
    job = {"name": "J", "project_id": project["id"], "agent_id": agent["id"], "type": "rockrms_import", "source": ROCK}
    assert site.refused("POST", "/api/jobs", job) == (409, "AGENT_OFFLINE")
    site.post("/api/jobs", {**job, "allow_offline": True})
    commands = site.get("/api/agent/commands?wait=0", key=agent["key"])["commands"]
    assert [command["name"] for command in commands] == ["start_job"]


def test_the_list_is_filtered_and_paged(site: Site) -> None:
    agent, other = site.agent(), site.agent("other")
    project = site.project()
    jobs = [site.job(agent, project)["id"] for _ in range(3)]
    site.job(other)
    site.post(f"/api/jobs/{jobs[0]}/cancel")
    first = site.get(f"/api/jobs?agent_id={agent['id']}&limit=2")
    second = site.get(f"/api/jobs?agent_id={agent['id']}&limit=2&cursor={first['next']}")
    assert [job["id"] for job in first["items"] + second["items"]] == jobs[::-1]
    assert second["next"] is None
    assert [job["id"] for job in site.get("/api/jobs?status=cancelled")["items"]] == [jobs[0]]
    assert len(site.get(f"/api/jobs?project_id={project['id']}&status=created")["items"]) == 2
    assert site.refused("GET", "/api/jobs?cursor=nonsense") == (400, "VALIDATION_ERROR")
