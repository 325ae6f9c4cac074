"""The service is killed amid requests, again and again: every report is counted once, no command is lost."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import httpx

from migrate_api import history
from migrate_api.database import Database
from migrate_api.settings import ApiSettings
from migrate_api.vault import Vault
from migrate_transfer.core.control import Control
from tests.migrate_api.site import PLAIN, Site

REPORTS, KILLS = 150, 3


class Service:
    """`migrate serve` as a process of its own, which can be killed and started again."""

    def __init__(self, database: Database, folder: Path, stderr: IO[bytes] | None = None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.environment = {
            **os.environ,
            "MIGRATE_DATABASE_URL": database.url.render_as_string(hide_password=False),
            "MIGRATE_VAULT_KEYS": Vault.new_key(),
        }
        self.stderr = stderr or subprocess.DEVNULL
        self.command = ["-m", "migrate_api.cli", "serve", "--folder", str(folder), "--port", str(self.port)]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen([sys.executable, *self.command], env=self.environment, stderr=self.stderr)
        patiently(lambda: httpx.get(f"http://127.0.0.1:{self.port}/api/health", verify=PLAIN).raise_for_status())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def patiently(call: Callable[[], Any]) -> Any:
    """Until it is answered: as an agent does."""
    control = Control()
    for _ in range(600):
        try:
            return call()
        except httpx.HTTPError:
            control.wait(0.1)
    raise AssertionError("the service does not come back")


def test_every_report_is_counted_once_however_often_the_service_dies(empty_database: Database, tmp_path: Path) -> None:
    service = Service(empty_database, tmp_path)
    site = Site(empty_database, ApiSettings(), f"http://127.0.0.1:{service.port}")
    site.tokens = site.organisation("grace")
    agent = site.agent()
    job, token = site.running(agent)
    ended = threading.Event()

    def keep_killing() -> None:
        for _ in range(KILLS):
            ended.wait(random.uniform(0.1, 0.4))
            service.kill()
            service.start()

    killer = threading.Thread(target=keep_killing)
    killer.start()
    for number in range(4, 4 + REPORTS):
        patiently(lambda number=number: site.report(agent, job, token, number, files_completed=3))
        if number % 10 == 0:
            ended.wait(0.1)
    killer.join()
    found = site.get(f"/api/jobs/{job['id']}")
    commands = site.get("/api/agent/commands?wait=0", key=agent["key"])["commands"]
    service.kill()
    assert found["files_completed"] == 3 * REPORTS
    assert [command["name"] for command in commands] == ["start_job"]
    with empty_database.transaction() as session:
        assert list(history.flaws(session)) == []
