"""What journeys start from."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.sandbox.rock import make_sample
from tests.fakes.azurite import Azurite
from tests.fakes.wire import wire
from tests.journeys.church import KEY, Church
from tests.journeys.files import Files


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Connection string of a small church with every kind of dirt."""
    path = tmp_path_factory.mktemp("rock") / "rock.sqlite"
    make_sample(path, people=120, seed=11)
    return f"sqlite:///{path}"


@pytest.fixture
def church(tmp_path: Path, sample: str) -> Iterator[Church]:
    with MissionSandbox.start(tmp_path / "mission", "grace", KEY) as mission:
        yield Church(tmp_path / "jobs", sample, mission)


@pytest.fixture
def files(tmp_path: Path, azurite: Azurite) -> Iterator[Files]:
    with wire(azurite.port) as line:
        yield Files(tmp_path, line, azurite.container(f"journey{secrets.token_hex(6)}"))
