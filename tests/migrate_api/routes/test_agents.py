"""Registration codes, agents and their keys."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from migrate_api.tables import Agent, AgentKey, RegistrationCode
from tests.migrate_api.site import HOST, ROCK, Site


def register(site: Site, code: str) -> tuple[int, Any]:
    return site.call("POST", "/api/agents/register", {"code": code, "host": HOST}, role=None)


def test_a_code_is_traded_for_a_key_whatever_its_case(site: Site) -> None:
    made = site.post("/api/registration-codes", {"label": "server room"})
    status, found = register(site, made["code"].lower())
    assert (status, found["name"]) == (201, "srv1")
    site.get("/api/agent/commands?wait=0", key=found["key"])
    codes = site.get("/api/registration-codes")["items"]
    assert (codes[0]["agent_id"], codes[0]["used_at"] is not None) == (found["agent_id"], True)
    assert made["code"] not in str(codes)


def test_a_used_code_says_so(site: Site) -> None:
    code = site.post("/api/registration-codes")["code"]
    register(site, code)
    status, said = register(site, code)
    assert (status, said["error"], said["code"]) == (409, "Registration code already used", "REGISTRATION_CODE_USED")


def test_an_expired_code_says_so(site: Site) -> None:
    made = site.post("/api/registration-codes")
    with site.database.transaction() as session:
        session.get_one(RegistrationCode, made["id"]).expires_at = datetime.now(UTC) - timedelta(seconds=1)
    status, said = register(site, made["code"])
    assert (status, said["error"], said["code"]) == (410, "Registration code expired", "REGISTRATION_CODE_EXPIRED")


def test_a_code_that_never_was_says_so_and_guessing_is_slow(site: Site) -> None:
    answers = [register(site, "AAAAAAAA") for _ in range(21)]  # a minute may end meanwhile
    assert answers[0][1]["code"] == "REGISTRATION_CODE_INVALID"
    assert 429 in [status for status, _ in answers]


def test_two_who_use_one_code_at_once_get_one_key(site: Site) -> None:
    code = site.post("/api/registration-codes")["code"]
    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(status for status, _ in pool.map(lambda _: register(site, code), range(4)))
    assert statuses == [201, 409, 409, 409]


def test_an_agent_is_online_while_it_is_heard_of(site: Site) -> None:
    agent = site.agent()
    assert site.get(f"/api/agents/{agent['id']}")["status"] == "online"
    with site.database.transaction() as session:
        session.get_one(Agent, agent["id"]).last_seen_at = datetime.now(UTC) - timedelta(seconds=61)
    assert site.get(f"/api/agents/{agent['id']}")["status"] == "offline"
    assert site.get("/api/agents?status=online")["items"] == []


def test_a_clock_that_is_hours_off_is_seen(site: Site) -> None:
    agent = site.agent()
    late = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    site.post("/api/agent/heartbeat", {"host": HOST, "sent_at": late}, key=agent["key"])
    assert round(site.get(f"/api/agents/{agent['id']}")["clock_skew_seconds"] / 60) == -180


def test_a_heartbeat_names_the_jobs_that_are_lost(site: Site) -> None:
    agent = site.agent()
    job, token = site.running(agent)
    beat = {"host": HOST, "sent_at": datetime.now(UTC).isoformat()}
    jobs = [{"job_id": job["id"], "token": token}, {"job_id": "gone", "token": 1}]
    said = site.post("/api/agent/heartbeat", {**beat, "jobs": jobs}, key=agent["key"])
    assert said["lost"] == ["gone"]


def test_an_agent_with_unfinished_jobs_is_not_removed(site: Site) -> None:
    agent = site.agent()
    job = site.job(agent)
    assert site.refused("DELETE", f"/api/agents/{agent['id']}") == (409, "AGENT_HAS_JOBS")
    site.post(f"/api/jobs/{job['id']}/cancel")
    assert site.call("DELETE", f"/api/agents/{agent['id']}")[0] == 204
    assert site.refused("GET", "/api/agent/commands?wait=0", key=agent["key"]) == (401, "UNAUTHORIZED")


def test_an_agent_that_was_removed_gets_no_job(site: Site) -> None:
    agent, other = site.agent(), site.agent("other")
    project = site.project()
    job = site.job(agent, project)
    site.post(f"/api/jobs/{job['id']}/cancel")
    waiting = site.job(other, project)
    site.call("DELETE", f"/api/agents/{agent['id']}")
    asked = {"name": "J", "project_id": project["id"], "agent_id": agent["id"], "type": "rockrms_import"}
    asked |= {"source": ROCK, "allow_offline": True}
    removed = (409, "AGENT_REMOVED")
    assert site.refused("POST", "/api/jobs", asked) == removed
    assert site.refused("POST", f"/api/jobs/{job['id']}/rerun", {"allow_offline": True}) == removed
    assert site.refused("POST", f"/api/jobs/{waiting['id']}/reassign", {"agent_id": agent["id"]}) == removed


def test_a_connection_test_is_answered_by_the_agent_and_its_secret_forgotten(site: Site) -> None:
    agent = site.agent()
    test = site.post(f"/api/agents/{agent['id']}/connection-tests", {"connection_string": "Password=hush"})
    (command,) = site.get("/api/agent/commands?wait=0", key=agent["key"])["commands"]
    assert command["payload"] == {"connection_string": "Password=hush"}
    answer = {"accepted": True, "result": {"code": "LOGIN_FAILED", "message": "no", "remedy": "mend it"}}
    site.call("POST", f"/api/agent/commands/{command['id']}/acknowledge", answer, key=agent["key"])
    found = site.get(f"/api/connection-tests/{test['id']}?wait=5")
    assert (found["answered"], found["diagnosis"]["code"]) == (True, "LOGIN_FAILED")
    assert "hush" not in str(found)


def test_a_last_heartbeat_of_an_agent_that_was_removed_is_no_fault(site: Site) -> None:
    """Its key is known from memory for a moment longer, on another replica."""
    agent, beat = site.agent(), {"host": HOST, "sent_at": datetime.now(UTC).isoformat()}
    site.post("/api/agent/heartbeat", beat, key=agent["key"])
    with site.database.transaction() as session:
        session.execute(sa.delete(AgentKey).where(AgentKey.agent_id == agent["id"]))
        session.execute(sa.delete(Agent).where(Agent.id == agent["id"]))
    assert site.call("POST", "/api/agent/heartbeat", beat, key=agent["key"])[0] == 200
