"""Agents as real processes: they work, pause, die and go on, and nothing is lost or doubled."""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from migrate_transfer.core.control import Control
from tests.migrate_api.agent.conftest import FEW, KEY, Ground, children, eventually, kill
from tests.migrate_api.agent.wire import Wire


def balanced(job: dict[str, Any]) -> bool:
    """Everything that was discovered has its outcome."""
    parts = ("files_completed", "files_unchanged", "files_skipped", "files_failed")
    return bool(job["files_total"] == sum(job[part] for part in parts))


def test_an_import_runs_through_all_of_it(ground: Ground) -> None:
    agent = ground.register(by_command=True)
    ground.start()
    job = ground.until(ground.job(agent), "completed")
    assert balanced(job)
    assert job["bytes_completed"] > 100_000
    assert job["result"]["quality_score"] is not None
    assert len(job["runs"]) == 1
    assert Path(job["result"]["report"]).exists()
    assert {name for name, counts in job["entities"].items() if counts["imported"]} >= {"people", "contributions"}
    assert sum(counts["imported"] for counts in job["entities"].values()) == job["files_completed"]
    assert_no_secret_is_left(ground)


def assert_no_secret_is_left(ground: Ground) -> None:
    """On the agent's disk, but for its own key in a file of its owner's alone."""
    places = [file for file in ground.home.rglob("*") if file.is_file() and KEY.encode() in file.read_bytes()]
    assert places == []
    config = ground.home / "agent.toml"
    assert config.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("status", "settled"), [("scanning", 0), ("running", 300)])
def test_a_killed_agent_goes_on_where_it_was(ground: Ground, status: str, settled: int) -> None:
    agent = ground.register()
    process = ground.start()
    job = ground.job(agent)
    ground.until(job, status, "ready", "running", settled=settled)
    kill(process)
    ground.start()
    found = ground.until(job, "completed")
    assert balanced(found)
    assert ground.site.get(f"/api/jobs/{job['id']}/history")[-1]["to_status"] == "completed"


def test_a_stopped_agent_leaves_its_job_to_the_next(ground: Ground) -> None:
    agent = ground.register()
    process = ground.start()
    ground.stall()
    job = ground.job(agent, FEW)
    eventually(lambda: ground.job_now(job)["files_completed"])
    process.send_signal(signal.SIGTERM)
    assert process.wait(150) == 0
    assert ground.site.get(f"/api/jobs/{job['id']}")["status"] == "running"
    ground.mission.clear_faults()
    ground.start()
    assert balanced(ground.until(job, "completed"))


def test_pause_resume_and_cancel(ground: Ground) -> None:
    agent = ground.register()
    process = ground.start()
    ground.stall()
    job = ground.job(agent, FEW)
    ground.until(job, "running")
    ground.site.post(f"/api/jobs/{job['id']}/pause")
    paused = ground.until(job, "paused")
    assert (paused["paused_in"], paused["wanted"]) == ("running", None)
    ground.site.post(f"/api/jobs/{job['id']}/resume")
    ground.until(job, "running")
    assert ground.site.post(f"/api/jobs/{job['id']}/cancel")["status"] == "cancelled"
    eventually(lambda: not children(process))
    before = ground.mission.requests()["count"]
    Control().wait(1.0)
    assert ground.mission.requests()["count"] == before, "it goes on sending"


def test_a_revoked_key_ends_the_agent(ground: Ground) -> None:
    ground.register()
    process = ground.start()
    control = Control()
    while not [one for one in ground.site.get("/api/agents?status=online")["items"] if one["clock_skew_seconds"]]:
        control.wait(0.1)
    key = ground.site.get("/api/agent-keys")["items"][0]
    ground.site.call("DELETE", f"/api/agent-keys/{key['id']}")
    assert process.wait(30) == 5


@pytest.fixture
def wire(ground: Ground) -> Iterator[Wire]:
    found = Wire(ground.site.url)
    ground.url = found.url
    yield found
    found.close()


def test_work_goes_on_while_the_network_is_away_and_is_told_afterwards(ground: Ground, wire: Wire) -> None:
    agent = ground.register()
    ground.start()
    job = ground.job(agent, FEW)
    ground.until(job, "running")
    wire.cut()
    folder = ground.home / "state" / "jobs" / job["id"]
    control = Control()
    for _ in range(600):
        if (folder / "report.json").exists():
            break
        control.wait(0.1)
    assert (folder / "report.json").exists(), "the import stopped with the network"
    assert ground.site.get(f"/api/jobs/{job['id']}")["status"] == "running"
    wire.mend()
    assert balanced(ground.until(job, "completed"))


def test_two_processes_with_one_key_the_newer_works(ground: Ground, tmp_path: Path) -> None:
    agent = ground.register()
    first = ground.start()
    ground.stall()
    job = ground.job(agent, FEW)
    eventually(lambda: ground.job_now(job)["files_completed"])
    config = (ground.home / "agent.toml").read_bytes()
    ground.home = tmp_path / "other-machine"
    ground.home.mkdir()
    (ground.home / "agent.toml").write_bytes(config)
    ground.start()
    assert first.wait(150) == 5
    eventually(lambda: ground.history(job).count("lease") == 2)
    ground.mission.clear_faults()
    assert balanced(ground.until(job, "completed"))


def test_the_installed_service_starts(ground: Ground, tmp_path: Path) -> None:
    ground.register()
    """With nothing but what stands in the unit: systemd knows nothing of the shell that installed it."""
    root = tmp_path / "root"
    ground.home = ground.home.rename(tmp_path / "100% agent's home")
    assert ground.run("start", "--service", "--root", str(root)).returncode == 0
    unit = (root / "etc/systemd/system/migrate-agent.service").read_text().replace("%%", "%")
    given = [line.partition("=")[::2] for line in unit.splitlines()]
    (command,) = [shlex.split(words) for name, words in given if name == "ExecStart"]
    known = dict(shlex.split(words)[0].split("=", 1) for name, words in given if name == "Environment")
    process = subprocess.Popen(command, env=known, stderr=subprocess.DEVNULL)
    ground.processes.append(process)
    eventually(lambda: "at_work      True" in ground.run("status").stdout or process.poll() is not None)
    assert process.poll() is None
    eventually(lambda: ground.site.get("/api/agents")["items"][0]["free_disk_bytes"])
    checked = ground.run("diagnose")
    assert (checked.returncode, "FAIL" in checked.stdout) == (0, False), checked.stdout


def test_a_job_that_failed_says_why_and_what_to_do(ground: Ground) -> None:
    agent = ground.register()
    ground.start()
    ground.mission.revoke()
    job = ground.until(ground.job(agent, FEW), "failed")
    assert job["error_code"] == "MISSION_KEY_REFUSED"
    assert job["error_remedy"]
    log = ground.site.get(f"/api/jobs/{job['id']}/log")
    assert "MISSION_KEY_REFUSED" in "".join(piece["text"] for piece in log)
    assert KEY not in str(job) + str(log)
