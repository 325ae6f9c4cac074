"""Pause, resume and cancel of jobs that no agent has begun, or whose agent has not obeyed yet."""

from __future__ import annotations

from typing import Any

from tests.migrate_api.site import HOST, Site, now
from tests.migrate_api.test_jobs import commands


def welcomed(site: Site, agent: dict[str, str]) -> list[str]:
    """Jobs that a new process of the agent is to take up."""
    found: list[str] = site.post("/api/agent/hello", {"host": HOST, "sent_at": now()}, key=agent["key"])["jobs"]
    return found


def view(site: Site, job: dict[str, Any]) -> tuple[str, str | None]:
    found = site.get(f"/api/jobs/{job['id']}")
    return found["status"], found["wanted"]


def test_a_job_that_no_agent_has_heard_of_is_paused_at_once(site: Site) -> None:
    agent = site.agent()
    job = site.job(agent)
    paused = site.post(f"/api/jobs/{job['id']}/pause")
    assert (paused["status"], paused["paused_in"], paused["legal_next"]) == (
        "paused",
        "created",
        ["cancelled", "created", "failed"],
    )
    assert commands(site, agent) == []
    site.post(f"/api/jobs/{job['id']}/resume")
    assert commands(site, agent) == ["resume_job"]
    token = site.lease(agent, job)
    for number, status in enumerate(("created", "scanning"), 1):
        site.report(agent, job, token, number, status=status)
    assert view(site, job) == ("scanning", None)


def test_a_paused_job_is_leased_to_nobody_before_it_is_resumed(site: Site) -> None:
    agent = site.agent()
    job = site.job(agent)
    assert commands(site, agent) == ["start_job"]
    site.post(f"/api/jobs/{job['id']}/pause")
    assert commands(site, agent) == ["pause_job"]
    refused = site.refused("POST", f"/api/agent/jobs/{job['id']}/lease", {}, key=agent["key"])
    assert refused == (409, "JOB_PAUSED")


def test_who_takes_up_a_job_that_is_to_pause_is_told_so(site: Site) -> None:
    agent = site.agent()
    job, _ = site.running(agent)
    site.post(f"/api/jobs/{job['id']}/pause")
    leased = site.post(f"/api/agent/jobs/{job['id']}/lease", key=agent["key"])
    assert (leased["status"], leased["stop"]) == ("running", "pause")
    site.report(agent, job, leased["token"], 1, status="paused")
    assert view(site, job) == ("paused", None)


def test_a_resumption_is_taken_back_before_it_was_obeyed(site: Site) -> None:
    agent = site.agent()
    job, token = site.running(agent)
    site.report(agent, job, token, 4, status="paused")
    assert site.post(f"/api/jobs/{job['id']}/resume")["wanted"] == "resume"
    assert site.post(f"/api/jobs/{job['id']}/pause")["wanted"] is None
    assert "resume_job" not in commands(site, agent)
    refused = site.refused("POST", f"/api/agent/jobs/{job['id']}/lease", {}, key=agent["key"])
    assert refused == (409, "JOB_PAUSED")


def test_a_pause_is_taken_back_while_the_agent_still_obeys_it(site: Site) -> None:
    agent = site.agent()
    job, token = site.running(agent)
    site.post(f"/api/jobs/{job['id']}/pause")
    site.post(f"/api/jobs/{job['id']}/resume")
    site.report(agent, job, token, 4, status="paused")
    assert view(site, job) == ("paused", "resume")
    again = site.lease(agent, job)
    site.report(agent, job, again, 1, status="running")
    assert view(site, job) == ("running", None)


def test_again_the_same_order_changes_nothing(site: Site) -> None:
    agent = site.agent()
    job, token = site.running(agent)
    for _ in range(2):
        site.post(f"/api/jobs/{job['id']}/pause")
    site.report(agent, job, token, 4, status="paused")
    for _ in range(2):
        site.post(f"/api/jobs/{job['id']}/resume")
    asked = [event["name"] for event in site.get(f"/api/jobs/{job['id']}/history") if "asked" in event["name"]]
    assert asked == ["pause_asked", "resume_asked"]


def test_a_new_process_takes_up_what_waited_for_its_turn_in_the_old_one(site: Site) -> None:
    agent = site.agent()
    new, (paused, token), resumed = site.job(agent), site.running(agent), site.job(agent)
    site.report(agent, paused, token, 4, status="paused")
    site.post(f"/api/jobs/{resumed['id']}/pause")
    site.post(f"/api/jobs/{resumed['id']}/resume")
    commands(site, agent)
    assert sorted(welcomed(site, agent)) == sorted([new["id"], resumed["id"]])


def test_a_job_that_waits_in_its_agent_is_cancelled_there_too(site: Site) -> None:
    agent = site.agent()
    job = site.job(agent)
    assert commands(site, agent) == ["start_job"]
    site.post(f"/api/jobs/{job['id']}/cancel")
    assert commands(site, agent) == ["cancel_job"]


def test_an_agent_that_loses_its_job_is_told_to_stop(site: Site) -> None:
    old, new = site.agent("old"), site.agent("new")
    job, _ = site.running(old)
    commands(site, old)
    site.post(f"/api/jobs/{job['id']}/reassign", {"agent_id": new["id"]})
    assert (commands(site, old), commands(site, new)) == (["pause_job"], ["start_job"])


def test_a_paused_job_can_be_given_to_another_agent(site: Site) -> None:
    old, new = site.agent("old"), site.agent("new")
    job, token = site.running(old)
    site.report(old, job, token, 4, status="paused")
    site.post(f"/api/jobs/{job['id']}/reassign", {"agent_id": new["id"]})
    assert commands(site, new) == ["resume_job"]
    assert site.lease(new, job) == token + 2
