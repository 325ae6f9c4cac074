"""A Mission that really answers, and somebody who loads records into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate_etl.sandbox.mission.process import MissionSandbox
from tests.migrate_etl.mission.importer import KEY, Importer


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MissionSandbox]:
    with MissionSandbox.start(tmp_path_factory.mktemp("mission"), "grace", KEY) as sandbox:
        yield sandbox


@pytest.fixture
def mission(running: MissionSandbox) -> MissionSandbox:
    """The file's sandbox with empty books and no faults."""
    running.clear_faults()
    running.reset(books=True)
    return running


@pytest.fixture
def importer(tmp_path: Path, mission: MissionSandbox) -> Importer:
    return Importer(tmp_path, mission)
