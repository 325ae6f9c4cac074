"""A church, a Mission, a service, and agents as real processes between them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from migrate_api.agent.control_plane import register
from migrate_api.agent.home import Home
from migrate_api.agent.settings import write_config
from migrate_api.database import Database
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.sandbox.rock import make_sample
from migrate_etl.spec import ENTITY_NAMES
from migrate_transfer.core.control import Control
from tests.migrate_api.site import Site, serving

KEY = "a-hushed-integration-key"
FEW = ("people", "families")
"""An import as short as can be that stalls in its middle."""
FINAL = ("completed", "failed", "cancelled")
SECONDS = 90
AGENT = (sys.executable, "-m", "migrate_api.agent.cli")


@dataclass
class Ground:
    """Everything an import needs. `url` is where agents reach the service: a test may put something in between."""

    site: Site
    mission: MissionSandbox
    rock: Path
    home: Path
    url: str
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        return {**os.environ, "MIGRATE_AGENT_HOME": str(self.home), "MIGRATE_API_URL": self.url}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of the agent, to its end."""
        return subprocess.run([*AGENT, *arguments], env=self.environment(), capture_output=True, text=True, timeout=60)

    def register(self, *, by_command: bool = False) -> dict[str, Any]:
        """Register this machine, as the command does or by it; the agent as the service lists it."""
        code = self.site.post("/api/registration-codes")["code"]
        if by_command:
            done = self.run("--register", code)
            assert done.returncode == 0, done.stderr
        else:
            home = Home.here(self.environment())
            home.make()
            write_config(home.config, self.url, register(self.url, code, None, Control()).key)
        found: dict[str, Any] = self.site.get("/api/agents")["items"][0]
        return found

    def start(self, command: Sequence[str] = AGENT, **environment: str) -> subprocess.Popen[bytes]:
        """An agent at work."""
        process = subprocess.Popen(
            [*command, "start"],
            env={**self.environment(), **environment},
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    def job(self, agent: dict[str, Any], entities: Sequence[str] = ENTITY_NAMES, **fields: Any) -> dict[str, Any]:
        source = {
            "type": "rockrms",
            "connection_string": f"sqlite:///{self.rock}",
            "mission_org_slug": "grace",
            "mission_api_url": self.mission.url,
            "mission_integration_key": KEY,
            "time_zone": "America/Chicago",
            "entities": entities,
        }
        return self.site.job(agent, source=source, allow_offline=True, **fields)

    def until(self, job: dict[str, Any], *statuses: str, settled: int = 0) -> dict[str, Any]:
        """The job, once it has come to one of the states and so many records are settled."""
        control = Control()
        for _ in range(SECONDS * 10):
            found: dict[str, Any] = self.site.get(f"/api/jobs/{job['id']}")
            done = found["files_completed"] + found["files_skipped"] + found["files_unchanged"]
            if found["status"] in statuses and done >= settled:
                return found
            assert found["status"] not in FINAL, found
            control.wait(0.1)
        raise AssertionError(f"the job stays {found['status']}")

    def stall(self, entity: str = "families") -> None:
        """Mission accepts no more of them until the faults are cleared: jobs stay as they are. It has answered them
        before, for people, so that they are patient."""
        path = f"/api/import/{entity}"
        self.mission.fault("status", status=503, retry_after=1, times=100_000, match={"path": path})

    def job_now(self, job: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.site.get(f"/api/jobs/{job['id']}")
        return found

    def history(self, job: dict[str, Any]) -> list[str]:
        return [event["name"] for event in self.site.get(f"/api/jobs/{job['id']}/history")]


def eventually(true: Callable[[], Any], seconds: int = SECONDS) -> None:
    """Waits until it is; fails where it does not become so."""
    control = Control()
    for _ in range(seconds * 10):
        if true():
            return
        control.wait(0.1)
    raise AssertionError("it does not come to that")


def children(process: Any) -> list[psutil.Process]:
    """The imports that an agent has begun, and that have not ended."""
    return [one for one in psutil.Process(process.pid).children(recursive=True) if is_import(one)]


def is_import(process: psutil.Process) -> bool:
    try:
        return "assets.run" in process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the agent and to what it started, as when the machine loses power."""
    children = psutil.Process(process.pid).children(recursive=True)
    for one in [process, *children]:
        with suppress(ProcessLookupError):  # a child may end by itself meanwhile
            os.kill(one.pid, signal.SIGKILL)
    process.wait()
    psutil.wait_procs(children, timeout=10)


@pytest.fixture(scope="session")
def rock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("rock") / "rock.sqlite"
    make_sample(target, 120, 7)
    return target


@pytest.fixture(scope="session")
def one_mission(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MissionSandbox]:
    with MissionSandbox.start(tmp_path_factory.mktemp("mission"), "grace", KEY, latency_ms=60) as mission:
        yield mission


@pytest.fixture
def mission(one_mission: MissionSandbox) -> Iterator[MissionSandbox]:
    """With empty books; the process is the same for all tests. Left without faults and with its key: tests of `idle`
    agents, which come in any order between these, find it as it began."""
    _as_new(one_mission)
    yield one_mission
    _as_new(one_mission)


def _as_new(mission: MissionSandbox) -> None:
    mission.reset(books=True)
    mission.admit("grace", KEY)


@contextmanager
def new_ground(database: Database, mission: MissionSandbox, rock: Path, folder: Path) -> Iterator[Ground]:
    with serving(database) as site:
        site.tokens = site.organisation("grace")
        found = Ground(site, mission, rock, folder / "agent", site.url)
        yield found
        for process in found.processes:
            if process.poll() is None:
                kill(process)
    database.close()


Idle = tuple[Ground, dict[str, Any]]


@pytest.fixture(scope="module")
def idle(one_mission: MissionSandbox, rock: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Idle]:
    """A world whose agent is at work for all tests of a module that leave it so, and the agent as it is listed."""
    folder = tmp_path_factory.mktemp("idle")
    with new_ground(Database(f"sqlite:///{folder / 'service.sqlite'}"), one_mission, rock, folder) as found:
        agent = found.register()
        found.start()
        yield found, agent


@pytest.fixture
def ground(tmp_path: Path, mission: MissionSandbox, rock: Path) -> Iterator[Ground]:
    with new_ground(Database(f"sqlite:///{tmp_path / 'service.sqlite'}"), mission, rock, tmp_path) as found:
        yield found
