"""Making jobs: everything the documents say is checked, and answered with the field and a remedy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from migrate_api.tables import Agent
from tests.migrate_api.site import ROCK, Site

LOCAL = {"type": "local", "path": "/data"}
STORAGE = {"account": "acme123", "container": "backups", "tier": "cool", "prefix": "acme/files", "secret": "sas-hush"}


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
