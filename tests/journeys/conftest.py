"""What journeys start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.sandbox.rock import make_sample
from tests.journeys.church import KEY, Church


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
