"""Each test of the conformance suite for sources meets every source."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.migrate_transfer.backends.kept import Kept, local, memory


@pytest.fixture(params=[local, memory])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    made: Kept = request.param(tmp_path)
    return made
