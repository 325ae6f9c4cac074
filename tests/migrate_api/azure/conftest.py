"""The service beside a Microsoft of its own, whose certificate authority this process trusts meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate_api.database import Database
from tests.fakes.microsoft import FakeMicrosoft
from tests.fakes.microsoft_server import microsoft
from tests.migrate_api.azure.ground import Ground, ground_on


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMicrosoft]:
    with microsoft(tmp_path / "microsoft") as found:
        monkeypatch.setenv("SSL_CERT_FILE", str(found.authority))
        yield found


@pytest.fixture
def ground(database: Database, fake: FakeMicrosoft) -> Iterator[Ground]:
    with ground_on(database, fake) as found:
        yield found
