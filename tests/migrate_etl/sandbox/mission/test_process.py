"""The sandbox as a process: how it starts, what survives it, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from migrate_etl.sandbox.mission.process import MissionSandbox

COMMAND = [sys.executable, "-m", "migrate_etl.sandbox.mission", "--organization", "grace-church"]


def test_a_killed_sandbox_has_what_it_answered_for(start: Any) -> None:
    first = start()
    batch = first.batch("funds", [first.record("funds", n) for n in range(500)])
    first.send("funds", *batch)
    first.sandbox.kill()
    second = start()
    assert second.get("totals").json()["entities"]["funds"]["count"] == 500
    assert second.send("funds", *batch).headers["idempotent-replayed"] == "true"


def test_it_comes_back_at_the_same_address(start: Any) -> None:
    first = start()
    first.sandbox.kill()
    with pytest.raises(httpx.ConnectError):
        first.get("totals")
    second = start(port=int(first.sandbox.url.rsplit(":", 1)[1]))
    assert second.sandbox.url == first.sandbox.url
    assert first.get("totals").status_code == 200


def test_a_revoked_key_stays_revoked_over_a_restart(start: Any) -> None:
    first = start()
    first.sandbox.revoke()
    first.sandbox.stop()
    assert start().get("totals").status_code == 403


def test_stopped_it_leaves_one_file_of_books(start: Any) -> None:
    mission = start()
    mission.post("funds", [mission.record("funds", 1)])
    mission.sandbox.stop()
    assert mission.sandbox.process.returncode == 0
    assert {file.name for file in mission.sandbox.database.parent.iterdir()} == {"mission.sqlite", "mission.log"}
    assert mission.sandbox.sql("SELECT count(*) FROM funds") == [(1,)]


def test_a_port_that_is_taken(start: Any, tmp_path: Path) -> None:
    port = int(start().sandbox.url.rsplit(":", 1)[1])
    with pytest.raises(RuntimeError, match=r"mission\.log"):
        MissionSandbox.start(tmp_path / "other", "grace-church", "key", port=port)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_command_takes_its_key_from_a_file_and_ends_on_a_signal(tmp_path: Path, end: signal.Signals) -> None:
    (tmp_path / "key").write_text("from-a-file\n")
    options = ["--database", str(tmp_path / "books.sqlite"), "--key-file", str(tmp_path / "key")]
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        url = f"{ready['url']}/api/import/totals?organization={ready['organization']}"
        assert httpx.get(url, headers={"X-Integration-Key": "from-a-file"}).status_code == 200
        process.send_signal(end)
        assert process.wait(30) == 0
    assert {file.name for file in tmp_path.iterdir()} == {"key", "books.sqlite"}


def test_without_a_key_the_command_says_so(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MIGRATE_MISSION_KEY"}
    command = [*COMMAND, "--database", str(tmp_path / "books.sqlite")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, "MIGRATE_MISSION_KEY" in ended.stderr) == (2, True)
