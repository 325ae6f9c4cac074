"""`python -m assets.run`: the process that the command line and the agent start, its lifeline and its last line."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from migrate_etl.reporting import is_clean
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.spec import ImportSecrets
from migrate_etl.workspace import Workspace


class Attempt:
    """One attempt as its parent sees it."""

    def __init__(self, workspace: Workspace, secrets: ImportSecrets, dagster_home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "assets.run"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.say(
            {
                "folder": str(workspace.folder),
                "rock_connection": secrets.rock_connection.get_secret_value(),
                "mission_key": secrets.mission_key.get_secret_value(),
                "dagster_home": str(dagster_home),
            }
        )

    def say(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def end(self) -> tuple[int, dict[str, Any]]:
        """Exit code and last line; keeps the lifeline open until the process ends by itself."""
        assert self.process.stdout is not None
        lines = self.process.stdout.read().splitlines()
        code = self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        return code, json.loads(lines[-1]) if lines else {}


@pytest.fixture
def start(workspace: Workspace, secrets: ImportSecrets, dagster_home: Path) -> Any:
    return lambda: Attempt(workspace, secrets, dagster_home)


def wait_for_requests(mission: MissionSandbox, count: int, attempt: Attempt) -> None:
    """Until Mission has seen so many requests of the attempt, which must still be at work."""
    while mission.requests()["count"] < count:
        assert attempt.process.poll() is None, "the attempt ended too early"
        time.sleep(0.1)


def statuses(dagster_home: Path) -> list[str]:
    """Of the attempts, first to last."""
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        runs = sorted(instance.get_runs(), key=lambda run: int(run.tags["migrate/attempt"]))
        return [run.status.value for run in runs]


def test_a_whole_import(start: Any, dagster_home: Path) -> None:
    code, told = start().end()
    assert (code, told["status"], told["job_id"]) in [(0, "completed", "grace"), (1, "failed", "grace")]
    assert Path(told["report"]).exists()
    assert told["code"] in (None, "ITEMS_FAILED")


def test_a_refused_fund_that_no_gift_names_fails_the_job(start: Any, mission: MissionSandbox, rock: str) -> None:
    with closing(sqlite3.connect(rock.removeprefix("sqlite:///"))) as books:
        used = "SELECT AccountId FROM FinancialTransactionDetail"
        (fund,) = books.execute(f"SELECT max(Id) FROM FinancialAccount WHERE Id NOT IN ({used})").fetchone()
    mission.fault("reject_records", external_ids=[f"rock:fund:{fund}"])
    code, told = start().end()
    assert (code, told["code"]) == (1, "ITEMS_FAILED")
    summary = json.loads(Path(told["report"]).with_suffix(".json").read_bytes())
    assert (summary["funds"]["failed"], is_clean(summary)) == (1, False)
    assert f"rock:fund:{fund}" in [letter["external_id"] for letter in summary["dead_letters"]["first"]]


@pytest.mark.parametrize(("command", "status", "exit_code"), [("pause", "paused", 3), ("cancel", "cancelled", 4)])
def test_a_command_ends_the_run_cancelled(
    start: Any, mission: MissionSandbox, dagster_home: Path, command: str, status: str, exit_code: int
) -> None:
    mission.fault("slow", milliseconds=300, times=None)
    attempt = start()
    wait_for_requests(mission, 1, attempt)
    attempt.say({"command": command})
    code, told = attempt.end()
    assert (code, told["status"]) == (exit_code, status)
    assert statuses(dagster_home) == ["CANCELED"]


def test_a_closed_pipe_pauses_and_the_next_attempt_completes(
    start: Any, mission: MissionSandbox, dagster_home: Path
) -> None:
    attempt = start()
    wait_for_requests(mission, 2, attempt)
    attempt.process.stdin.close()
    assert attempt.end()[1]["status"] == "paused"
    start().end()
    assert statuses(dagster_home) == ["CANCELED", "SUCCESS"]


def test_terminate_cancels(start: Any, mission: MissionSandbox, dagster_home: Path) -> None:
    attempt = start()
    wait_for_requests(mission, 2, attempt)
    attempt.process.send_signal(signal.SIGTERM)
    assert attempt.end()[1]["status"] == "cancelled"
    assert statuses(dagster_home) == ["CANCELED"]


def test_a_killed_attempt_is_buried_by_the_next(start: Any, mission: MissionSandbox, dagster_home: Path) -> None:
    attempt = start()
    wait_for_requests(mission, 2, attempt)
    attempt.process.kill()
    attempt.end()
    start().end()
    assert statuses(dagster_home) == ["FAILURE", "SUCCESS"]


def test_a_second_attempt_at_the_same_job_is_refused(start: Any, mission: MissionSandbox) -> None:
    mission.fault("slow", milliseconds=500, times=None)
    first = start()
    wait_for_requests(mission, 1, first)
    assert start().end()[1]["code"] == "ALREADY_RUNNING"
    first.say({"command": "cancel"})
    first.end()


def test_a_revoked_key_ends_at_once_with_the_remedy(start: Any, mission: MissionSandbox) -> None:
    mission.revoke()
    code, told = start().end()
    assert (code, told["status"], told["code"]) == (1, "failed", "MISSION_KEY_REFUSED")
    assert "key" in told["error"]["remedy"]


def test_a_church_that_is_not_there_is_a_failed_run(workspace: Workspace, dagster_home: Path, tmp_path: Path) -> None:
    nowhere = ImportSecrets.model_validate({"rock_connection": f"sqlite:///{tmp_path}/none.sqlite", "mission_key": "k"})
    code, told = Attempt(workspace, nowhere, dagster_home).end()
    assert (code, told["status"]) == (1, "failed")
    assert told["error"]["remedy"]
    assert statuses(dagster_home) == ["FAILURE"]


def test_a_first_line_that_is_no_attempt(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "assets.run"], input=b'{"mission_key": "hush"}\n', capture_output=True)
    assert done.returncode == 2
    assert b"hush" not in done.stdout + done.stderr


def test_several_first_attempts_open_a_new_instance_at_once(dagster_home: Path) -> None:
    code = "import sys, pathlib; from assets.event_log import open_instance; print(flush=True); sys.stdin.readline(); "
    code += "open_instance(pathlib.Path(sys.argv[1])).dispose()"
    command = [sys.executable, "-c", code, str(dagster_home)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    waiting = [subprocess.Popen(command, **pipes) for _ in range(4)]
    for one in waiting:
        assert one.stdout.readline()
    for one in waiting:
        one.stdin.close()
    complaints = [one.stderr.read() for one in waiting]
    for one in waiting:
        one.stdin = None
        one.communicate()
    assert [one.returncode for one in waiting] == [0, 0, 0, 0], complaints
