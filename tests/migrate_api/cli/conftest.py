"""The command as a process of its own, a small church and a Mission that answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.sandbox.rock import make_sample

KEY = "a-key-of-the-tests"
ORGANIZATION = "grace-church"
COMMAND = [sys.executable, "-c", "from migrate_api.cli import main; main()"]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Migrate = Callable[..., Ended]


def environment(**variables: str) -> dict[str, str]:
    """Ours, without what the developer's own shell may say of Migrate."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MIGRATE_")} | variables


@pytest.fixture
def migrate(tmp_path: Path) -> Migrate:
    """Runs `migrate …` in an empty folder; `given` is its standard input, other keywords its environment."""

    def run(*arguments: str, given: str = "", **variables: str) -> Ended:
        done = subprocess.run(
            [*COMMAND, *arguments],
            input=given,
            env=environment(**variables),
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def rock(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Connection string of a small church with every kind of dirt."""
    path = tmp_path_factory.mktemp("rock") / "rock.sqlite"
    make_sample(path, people=40, seed=3)
    return f"sqlite:///{path}"


@pytest.fixture
def mission(tmp_path: Path) -> Iterator[MissionSandbox]:
    with MissionSandbox.start(tmp_path / "mission", ORGANIZATION, KEY) as sandbox:
        yield sandbox


@pytest.fixture
def church(rock: str, mission: MissionSandbox) -> dict[str, str]:
    """The environment of an import of that church into that Mission."""
    return {
        "MIGRATE_ROCK_CONNECTION": rock,
        "MIGRATE_MISSION_KEY": KEY,
        "MIGRATE_MISSION_URL": mission.url,
        "MIGRATE_ORGANIZATION": ORGANIZATION,
        "MIGRATE_TIME_ZONE": "America/Chicago",
    }
