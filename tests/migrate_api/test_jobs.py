"""Jobs from creation to their end, over HTTP, by an agent that speaks the protocol by hand."""

from __future__ import annotations

from typing import Any

import pytest

from migrate_api import history
from migrate_api.protocol.states import JobStatus
from migrate_api.tables import Event, Job
from tests.migrate_api.site import HOST, RECOUNT, ROCK, Site
from tests.migrate_api.test_creation import STORAGE


def commands(site: Site, agent: dict[str, str]) -> list[str]:
    found = site.get("/api/agent/commands?wait=0", key=agent["key"])["commands"]
    for command in found:
        site.call("POST", f"/api/agent/commands/{command['id']}/acknowledge", {"accepted": True}, key=agent["key"])
    return [command["name"] for command in found]


def status(site: Site, job: dict[str, Any]) -> str:
    return str(site.get(f"/api/jobs/{job['id']}")["status"])


def test_a_job_goes_from_created_to_completed(site: Site) -> None:
    agent = site.agent()
    job, token = site.running(agent)
    assert commands(site, agent) == ["start_job"]
    site.report(agent, job, token, 4, files_completed=10, bytes_completed=1000)
    site.report(agent, job, token, 5, status="completed", recount=RECOUNT, result={"quality_score": 99.5})
    found = site.get(f"/api/jobs/{job['id']}")
    assert (found["status"], found["files_completed"], found["files_total"]) == ("completed", 10, 10)
    assert found["legal_next"] == []
    assert [event["to_status"] for event in site.get(f"/api/jobs/{job['id']}/history") if event["to_status"]] == [
        "scanning",
        "ready",
        "running",
        "completed",
    ]


def test_secrets_reach_the_agent_of_the_job_and_nobody_else(site: Site) -> None:
    agent, other = site.agent(), site.agent("other")
    job = site.job(agent)
    assert "hush" not in str(job) + str(site.get("/api/jobs")) + str(site.get(f"/api/jobs/{job['id']}/history"))
    leased = site.post(f"/api/agent/jobs/{job['id']}/lease", key=agent["key"])
    assert leased["spec"]["source"]["connection_string"] == ROCK["connection_string"]
    assert site.refused("POST", f"/api/agent/jobs/{job['id']}/lease", {}, key=other["key"]) == (409, "JOB_NOT_YOURS")


def test_a_repeated_report_is_counted_once_and_a_late_one_too(site: Site) -> None:
    agent = site.agent()
    job, token = site.running(agent)
    site.report(agent, job, token, 5, files_completed=3)
    assert site.report(agent, job, token, 5, files_completed=3)["counted"] is False
    assert site.report(agent, job, token, 4, files_completed=2, bytes_per_second=9e9)["counted"] is True
    found = site.get(f"/api/jobs/{job['id']}")
    assert (found["files_completed"], found["speed_mbps"]) == (5, 0)


def test_an_older_token_is_refused(site: Site) -> None:
    agent = site.agent()
    job, old = site.running(agent)
    site.lease(agent, job)
    late = {"job_id": job["id"], "token": old, "sequence": 9, "files_completed": 1}
    assert site.refused("POST", "/api/progress", late, key=agent["key"]) == (409, "STALE_TOKEN")


def test_the_ledgers_recount_replaces_the_sum_and_the_history_says_so(site: Site) -> None:
    agent = site.agent()
    job, token = site.running(agent)
    site.report(agent, job, token, 4, files_completed=11)
    site.report(agent, job, token, 5, status="completed", recount=RECOUNT)
    assert site.get(f"/api/jobs/{job['id']}")["files_completed"] == 10
    recounted = [event for event in site.get(f"/api/jobs/{job['id']}/history") if event["name"] == "recounted"]
    assert recounted[0]["details"]["differing"]["files_completed"] == [11, 10]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"status": "completed", "recount": RECOUNT}, "ILLEGAL_TRANSITION"),
        ({"status": "running"}, "ILLEGAL_TRANSITION"),
    ],
)
def test_an_illegal_step_is_refused_with_the_legal_ones_named(site: Site, said: dict[str, Any], code: str) -> None:
    agent = site.agent()
    job = site.job(agent)
    token = site.lease(agent, job)
    body = {"job_id": job["id"], "token": token, "sequence": 1, "files_completed": 5, **said}
    answered, found = site.call("POST", "/api/progress", body, key=agent["key"])
    assert (answered, found["code"], found["details"]["legal"]) == (
        409,
        code,
        ["cancelled", "failed", "paused", "scanning"],
    )
    assert site.get(f"/api/jobs/{job['id']}")["files_completed"] == 0


def test_completed_with_failed_items_is_not_believed(site: Site) -> None:
    agent = site.agent()
    job, token = site.running(agent)
    body = {
        "job_id": job["id"],
        "token": token,
        "sequence": 4,
        "status": "completed",
        "recount": {**RECOUNT, "failed": 1},
    }
    assert site.refused("POST", "/api/progress", body, key=agent["key"]) == (400, "VALIDATION_ERROR")


def test_pause_and_resume(site: Site) -> None:
    agent = site.agent()
    job, token = site.running(agent)
    commands(site, agent)
    assert site.post(f"/api/jobs/{job['id']}/pause")["wanted"] == "pause"
    assert commands(site, agent) == ["pause_job"]
    assert site.report(agent, job, token, 4)["stop"] == "pause"
    site.report(agent, job, token, 5, status="paused")
    assert site.get(f"/api/jobs/{job['id']}")["legal_next"] == ["cancelled", "failed", "running"]
    site.post(f"/api/jobs/{job['id']}/resume")
    assert commands(site, agent) == ["resume_job"]
    again = site.lease(agent, job)
    site.report(agent, job, again, 1, status="running")
    assert status(site, job) == "running"


def test_cancel_is_at_once_and_what_was_moved_still_counts(site: Site) -> None:
    agent = site.agent()
    job, token = site.running(agent)
    assert site.post(f"/api/jobs/{job['id']}/cancel", {"why": "wrong church"})["status"] == "cancelled"
    assert site.report(agent, job, token, 4, files_completed=4, status="completed", recount=RECOUNT)["stop"] == "cancel"
    found = site.get(f"/api/jobs/{job['id']}")
    assert (found["status"], found["files_completed"]) == ("cancelled", 10)
    assert site.refused("POST", f"/api/jobs/{job['id']}/resume", {}) == (409, "ILLEGAL_TRANSITION")


def test_a_job_that_nobody_took_up_is_cancelled_without_a_word_to_the_agent(site: Site) -> None:
    agent = site.agent()
    job = site.job(agent)
    site.post(f"/api/jobs/{job['id']}/cancel")
    assert commands(site, agent) == []


def test_a_command_is_handed_out_until_it_is_acknowledged(site: Site) -> None:
    agent = site.agent(hello=False)
    site.job(agent, allow_offline=True)
    beat = {"sent_at": "2026-01-01T00:00:00Z", "host": {"hostname": "h", "platform": "p", "version": "1"}}
    first = site.post("/api/agent/heartbeat", beat, key=agent["key"])["commands"]
    with site.database.transaction() as session:
        from migrate_api.tables import QueuedCommand

        session.get_one(QueuedCommand, first[0]["id"]).delivered_at = None
    again = site.get("/api/agent/commands?wait=0", key=agent["key"])["commands"]
    assert [one["id"] for one in first] == [one["id"] for one in again]


def test_reassigning_fences_the_old_agent_off(site: Site) -> None:
    old, new = site.agent("old"), site.agent("new")
    job, token = site.running(old)
    site.report(old, job, token, 4, files_completed=4)
    site.post(f"/api/jobs/{job['id']}/reassign", {"agent_id": new["id"]})
    late = {"job_id": job["id"], "token": token, "sequence": 5}
    assert site.refused("POST", "/api/progress", late, key=old["key"]) == (409, "JOB_NOT_YOURS")
    assert commands(site, new) == ["start_job"]
    leased = site.post(f"/api/agent/jobs/{job['id']}/lease", key=new["key"])
    assert (leased["counted"]["completed"], leased["earlier_hosts"]) == (0, [HOST["hostname"]])


def test_rerun_takes_the_secrets_along(site: Site) -> None:
    agent = site.agent()
    job, token = site.running(agent)
    assert site.refused("POST", f"/api/jobs/{job['id']}/rerun", {}) == (409, "JOB_NOT_FINISHED")
    failed = {"completed": 8, "unchanged": 0, "skipped": 0, "failed": 2, "bytes_completed": 1}
    error = {"code": "ITEMS_FAILED", "message": "2 records failed."}
    site.report(agent, job, token, 4, status="failed", error=error, recount=failed)
    again = site.post(f"/api/jobs/{job['id']}/retry-failed")
    assert (again["rerun_of"], again["retry_of"], again["status"]) == (job["id"], job["id"], "created")
    leased = site.post(f"/api/agent/jobs/{again['id']}/lease", key=agent["key"])
    assert leased["spec"]["source"]["mission_integration_key"] == ROCK["mission_integration_key"]


def test_a_retry_is_refused_where_files_were_never_tried(site: Site) -> None:
    """It would end completed, and its project with it, though most of the files were never moved."""
    agent, project = site.agent(), site.project("file_migration")
    site.call("PUT", f"/api/projects/{project['id']}/storage", STORAGE)
    job, token = site.running(agent, project=project, type="migrate_files", source={"type": "local", "path": "/data"})
    some = {"completed": 2, "unchanged": 0, "skipped": 0, "failed": 1, "bytes_completed": 1}
    error = {"code": "AZURE_ACCESS_DENIED", "message": "Refused."}
    site.report(agent, job, token, 4, status="failed", error=error, recount=some)
    assert site.refused("POST", f"/api/jobs/{job['id']}/retry-failed", {}) == (409, "NOT_ALL_TRIED")


def failed_with_files(site: Site, agent: dict[str, str], earlier: dict[str, str]) -> dict[str, Any]:
    """A job whose files failed with that agent; an earlier one had it, and has books of its own."""
    project = site.project("file_migration")
    site.call("PUT", f"/api/projects/{project['id']}/storage", STORAGE)
    source = {"type": "local", "path": "/data"}
    job, _ = site.running(earlier, project=project, type="migrate_files", source=source)
    site.post(f"/api/jobs/{job['id']}/reassign", {"agent_id": agent["id"]})
    some = {"completed": 9, "unchanged": 0, "skipped": 0, "failed": 1, "bytes_completed": 1}
    error = {"code": "ITEMS_FAILED", "message": "1 of 10 files failed."}
    site.report(agent, job, site.lease(agent, job), 1, status="failed", error=error, recount=some)
    return job


def test_a_retry_of_files_is_refused_to_another_agent(site: Site) -> None:
    """Its books may name other files that failed: the retry ended completed, without those that were meant."""
    agent, earlier = site.agent(), site.agent("earlier")
    path = f"/api/jobs/{failed_with_files(site, agent, earlier)['id']}/retry-failed"
    assert site.refused("POST", path, {"agent_id": earlier["id"]}) == (409, "RETRY_ELSEWHERE")
    assert site.post(path, {"agent_id": agent["id"]})["agent_id"] == agent["id"]


def test_a_retry_of_files_stays_with_its_agent(site: Site) -> None:
    agent, earlier = site.agent(), site.agent("earlier")
    again = site.post(f"/api/jobs/{failed_with_files(site, agent, earlier)['id']}/retry-failed")
    path = f"/api/jobs/{again['id']}/reassign"
    assert site.refused("POST", path, {"agent_id": earlier["id"]}) == (409, "RETRY_ELSEWHERE")


def test_deleting_needs_an_end_and_keeps_the_history(site: Site) -> None:
    agent = site.agent()
    job, _ = site.running(agent)
    assert site.refused("DELETE", f"/api/jobs/{job['id']}") == (409, "JOB_NOT_FINISHED")
    site.post(f"/api/jobs/{job['id']}/cancel")
    assert site.call("DELETE", f"/api/jobs/{job['id']}")[0] == 204
    assert site.refused("GET", f"/api/jobs/{job['id']}") == (404, "NOT_FOUND")
    with site.database.transaction() as session:
        assert [event.name for event in history.lines(session, job["id"])][-1] == "deleted"


def test_failed_items_are_listed_once_each(site: Site) -> None:
    agent = site.agent()
    job, token = site.running(agent)
    item = {"key": "rock:person:7", "entity": "people", "code": "BAD_NAME", "message": "no", "remedy": "mend it"}
    for number in (4, 5):
        site.report(agent, job, token, number, failed_items=[item])
    found = site.get(f"/api/jobs/{job['id']}/items")["items"]
    assert [(one["key"], one["remedy"]) for one in found] == [("rock:person:7", "mend it")]


@pytest.mark.parametrize("damage", ["changed", "removed", "cut off"])
def test_tampering_with_a_history_shows(site: Site, damage: str) -> None:
    job, _ = site.running(site.agent())
    with site.database.transaction() as session:
        assert list(history.flaws(session)) == []
        lines = history.lines(session, job["id"])
        if damage == "changed":
            session.get_one(Event, (job["id"], 2)).actor = "somebody else"
        else:
            session.delete(lines[1] if damage == "removed" else lines[-1])
    with site.database.transaction() as session:
        assert list(history.flaws(session))


def test_a_state_that_the_history_does_not_tell_of_shows(site: Site) -> None:
    job, _ = site.running(site.agent())
    with site.database.transaction() as session:
        session.get_one(Job, job["id"]).status = JobStatus.COMPLETED
    with site.database.transaction() as session:
        assert list(history.flaws(session)) == [f"job {job['id']}: it is completed, and running by its history"]
