"""Agents and their children that are stopped, killed or robbed of their job: nothing goes on alone, nothing is lost."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest

from tests.migrate_api.agent.conftest import AGENT, FEW, Ground, children, eventually
from tests.migrate_api.agent.test_at_work import balanced

SCRIPT = (str(Path(sys.executable).with_name("migrate-agent")),)


def test_an_import_ends_with_its_agent_and_the_next_one_waits_for_that(ground: Ground) -> None:
    """The agent alone is killed; the next one starts while the import still finishes what is on its way."""
    agent = ground.register()
    process = ground.start()
    job = ground.job(agent)
    ground.until(job, "running", settled=200)
    ground.mission.fault("slow", milliseconds=10_000, times=8)
    (child,), before = children(process), ground.mission.requests()["count"]
    eventually(lambda: ground.mission.requests()["count"] > before)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    ground.start()
    eventually(lambda: ground.history(job).count("lease") == 2)
    assert child.is_running()
    assert psutil.wait_procs([child], timeout=60)[1] == []
    ground.mission.clear_faults()
    assert balanced(ground.until(job, "completed"))


def test_an_import_whose_process_dies_is_gone_on_with(ground: Ground) -> None:
    agent = ground.register()
    process = ground.start()
    ground.stall()
    job = ground.job(agent, FEW)
    eventually(lambda: ground.job_now(job)["files_completed"])
    for child in children(process):
        os.kill(child.pid, signal.SIGKILL)
    ground.mission.clear_faults()
    found = ground.until(job, "completed")
    assert balanced(found)
    assert ground.history(job).count("lease") == 1


def test_an_import_that_keeps_dying_fails_and_says_so(ground: Ground) -> None:
    agent = ground.register()
    process = ground.start()
    ground.stall()
    job = ground.job(agent, FEW)
    ground.until(job, "running")
    killed: set[int] = set()

    def failed() -> bool:
        for child in children(process):
            killed.add(child.pid)
            child.kill()
        return bool(ground.job_now(job)["status"] == "failed")

    eventually(failed)
    found = ground.job_now(job)
    assert (found["error_code"], len(killed)) == ("ATTEMPT_DIED", 3)
    assert found["error_remedy"]


def test_a_job_that_was_given_to_another_agent_stops_here(ground: Ground) -> None:
    """Nothing changes that could be reported and refused: the agent is told."""
    agent = ground.register()
    process = ground.start()
    ground.stall()
    job = ground.job(agent, FEW)
    ground.until(job, "running")
    eventually(lambda: children(process))
    ground.site.post(f"/api/jobs/{job['id']}/reassign", {"agent_id": ground.site.agent("other")["id"]})
    eventually(lambda: not children(process), seconds=30)
    assert process.poll() is None


def service_command(ground: Ground, root: Path) -> tuple[str, ...]:
    """What the installed unit starts, without its last word."""
    assert ground.run("start", "--service", "--root", str(root)).returncode == 0
    unit = (root / "etc/systemd/system/migrate-agent.service").read_text()
    (command,) = [line.partition("=")[2] for line in unit.splitlines() if line.startswith("ExecStart=")]
    return tuple(shlex.split(command)[:-1])


@pytest.mark.parametrize("mode", ["module", "script", "service"])
@pytest.mark.parametrize("reachable", [True, False], ids=["at work", "service away"])
def test_told_to_stop_it_ends_in_good_order(ground: Ground, tmp_path: Path, mode: str, reachable: bool) -> None:
    ground.register()
    command = {"module": AGENT, "script": SCRIPT}.get(mode) or service_command(ground, tmp_path / "root")
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        nowhere = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    process = ground.start(command, **({} if reachable else {"MIGRATE_API_URL": nowhere}))
    log, word = ground.home / "logs" / "agent.log", "At work" if reachable else "cannot be reached"
    eventually(lambda: log.exists() and word in log.read_text())
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_it_is_stopped_also_where_its_starter_ignored_the_signal(ground: Ground) -> None:
    ground.register()
    process = ground.start(("bash", "-c", f"trap '' TERM; exec {shlex.join(AGENT)} start"))
    log = ground.home / "logs" / "agent.log"
    eventually(lambda: log.exists() and "At work" in log.read_text())
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def test_a_job_whose_folder_is_taken_away_fails_and_says_so(ground: Ground) -> None:
    """Its books cannot be read any more, not even to tell how far it came."""
    agent = ground.register()
    process = ground.start()
    ground.stall()
    job = ground.job(agent, FEW)
    eventually(lambda: ground.job_now(job)["files_completed"])
    folder = ground.home / "state" / "jobs" / job["id"]
    folder.rename(ground.home / "taken away")
    folder.write_text("something else")
    for child in children(process):
        os.kill(child.pid, signal.SIGKILL)
    found = ground.until(job, "failed")
    assert found["error_code"]
    assert found["error_remedy"]
    assert process.poll() is None
