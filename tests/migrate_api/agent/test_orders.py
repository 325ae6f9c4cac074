"""Orders to real agents: to jobs that wait for their turn, twice, to try a connection, about work they cannot do."""

from __future__ import annotations

import signal
import socket
from typing import Any

import pytest
import sqlalchemy as sa

from migrate_api.tables import QueuedCommand
from tests.migrate_api.agent.conftest import FEW, SECONDS, Ground, Idle, children, eventually, kill


def acknowledged(ground: Ground, job: dict[str, Any], name: str) -> bool:
    """Whether the agent has taken up the newest order of that name."""
    query = sa.select(QueuedCommand).where(QueuedCommand.job_id == job["id"])
    with ground.site.database.transaction() as session:
        found = [one for one in session.scalars(query.order_by(QueuedCommand.created_at)) if one.name.value == name]
        return bool(found) and found[-1].acknowledged_at is not None


@pytest.fixture
def queued(ground: Ground) -> dict[str, Any]:
    """A job that waits in its agent for the end of two others."""
    agent = ground.register()
    ground.stall()
    ground.start()
    first = ground.job(agent, FEW)
    eventually(lambda: ground.job_now(first)["files_completed"])
    ground.until(ground.job(agent, FEW), "running")
    third = ground.job(agent, FEW)
    eventually(lambda: acknowledged(ground, third, "start_job"))
    assert ground.job_now(third)["status"] == "created"
    return third


def others(ground: Ground, job: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in ground.site.get("/api/jobs")["items"] if one["id"] != job["id"]]


def test_jobs_that_wait_for_their_turn_obey(ground: Ground, queued: dict[str, Any]) -> None:
    """The next one begins when there is room; one that was paused or cancelled before is passed over."""
    first, second = others(ground, queued)
    agent = {"id": queued["agent_id"]}
    cancelled, resumed = ground.job(agent, FEW), ground.job(agent, FEW)
    eventually(lambda: acknowledged(ground, cancelled, "start_job") and acknowledged(ground, resumed, "start_job"))
    assert ground.site.post(f"/api/jobs/{resumed['id']}/pause")["status"] == "paused"
    ground.site.post(f"/api/jobs/{cancelled['id']}/cancel")
    eventually(lambda: acknowledged(ground, resumed, "pause_job") and acknowledged(ground, cancelled, "cancel_job"))
    ground.site.post(f"/api/jobs/{first['id']}/cancel")
    ground.until(queued, "running")
    ground.mission.clear_faults()
    ground.until(second, "completed")
    ground.until(queued, "completed")
    assert "lease" not in ground.history(cancelled)
    assert ground.job_now(resumed)["status"] == "paused"
    ground.site.post(f"/api/jobs/{resumed['id']}/resume")
    ground.until(resumed, "completed")


def test_jobs_that_wait_are_not_forgotten_when_their_agent_dies(ground: Ground, queued: dict[str, Any]) -> None:
    """One that was running waits now as well: it is paused and says so. The queued one has its turn."""
    first, second = others(ground, queued)
    kill(ground.processes[0])
    ground.start(MIGRATE_AGENT_JOBS="1")
    eventually(lambda: "lease" in ground.history(first)[-1:] or "lease" in ground.history(second)[-1:])
    waiting, running = (first, second) if ground.history(first).count("lease") == 1 else (second, first)
    ground.site.post(f"/api/jobs/{waiting['id']}/pause")
    paused = ground.until(waiting, "paused")
    assert (paused["paused_in"], paused["wanted"]) == ("running", None)
    ground.mission.clear_faults()
    ground.until(running, "completed")
    ground.until(queued, "completed")


def test_a_resumption_that_waits_for_its_turn_is_taken_back_by_a_pause(ground: Ground, queued: dict[str, Any]) -> None:
    first, second = others(ground, queued)
    ground.site.post(f"/api/jobs/{first['id']}/pause")
    ground.until(first, "paused")
    ground.until(queued, "running")
    ground.site.post(f"/api/jobs/{first['id']}/resume")
    eventually(lambda: acknowledged(ground, first, "resume_job"))
    assert ground.site.post(f"/api/jobs/{first['id']}/pause")["wanted"] is None
    eventually(lambda: acknowledged(ground, first, "pause_job"))
    ground.mission.clear_faults()
    ground.until(second, "completed")
    ground.until(queued, "completed")
    assert ground.job_now(first)["status"] == "paused"


def test_an_order_that_comes_twice_is_obeyed_once(idle: Idle) -> None:
    ground, agent = idle
    job = ground.job(agent, FEW)
    ground.until(job, "running")
    eventually(lambda: acknowledged(ground, job, "start_job"))
    with ground.site.database.transaction() as session:
        (order,) = session.scalars(sa.select(QueuedCommand).where(QueuedCommand.job_id == job["id"]))
        order.acknowledged_at = order.delivered_at = None
        services = ground.site.services
        assert services is not None
        services.waker.wake(session, agent["id"])
    eventually(lambda: acknowledged(ground, job, "start_job"))
    ground.until(job, "completed")
    assert ground.history(job).count("lease") == 1


def test_a_connection_is_tried_by_the_agent(idle: Idle) -> None:
    ground, agent = idle
    eventually(lambda: ground.site.get("/api/agents?status=online")["items"])
    path = f"/api/agents/{agent['id']}/connection-tests"
    good = ground.site.post(path, {"connection_string": f"sqlite:///{ground.rock}"})
    found = ground.site.get(f"/api/connection-tests/{good['id']}?wait=30")
    assert (found["diagnosis"]["code"], found["error"]) == ("OK", None)
    secret = "Server=127.0.0.1,1;Database=Rock;User Id=u;Password=hush-hush;Connect Timeout=2"
    bad = ground.site.post(path, {"connection_string": secret})
    failed = ground.site.get(f"/api/connection-tests/{bad['id']}?wait=30")
    assert failed["diagnosis"]["code"] != "OK"
    assert failed["diagnosis"]["remedy"]
    assert "hush" not in str(failed) + (ground.home / "logs" / "agent.log").read_text()


def test_servers_that_never_answer_hold_up_no_order_and_not_the_end(ground: Ground) -> None:
    agent = ground.register()
    ground.stall()
    process = ground.start()
    job = ground.job(agent, FEW)
    ground.until(job, "running")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(SECONDS)
        server = f"Server=127.0.0.1,{silent.getsockname()[1]};Database=Rock;User Id=u;Password=p;Connect Timeout=600"
        path, asked = f"/api/agents/{agent['id']}/connection-tests", {"connection_string": server}
        tests = [ground.site.post(path, asked)["id"] for _ in range(4)]
        held = [silent.accept()[0] for _ in tests]
        ground.site.post(f"/api/jobs/{job['id']}/cancel")
        eventually(lambda: acknowledged(ground, job, "cancel_job"))
        eventually(lambda: not children(process))
        assert not any(ground.site.get(f"/api/connection-tests/{one}")["answered"] for one in tests)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
        for one in held:
            one.close()


def test_work_that_the_agent_cannot_do_fails_with_the_remedy(idle: Idle) -> None:
    ground, agent = idle
    project = ground.site.project("file_migration")
    job = ground.site.job(
        agent,
        project,
        type="migrate_files",
        source={"type": "local", "path": "/home"},
        destination={"type": "onedrive", "tenant_id": "contoso.com"},
        allow_offline=True,
    )
    found = ground.until(job, "failed")
    assert found["error_code"] == "NOT_SUPPORTED_BY_AGENT"
    assert "Update the agent" in found["error_remedy"]
