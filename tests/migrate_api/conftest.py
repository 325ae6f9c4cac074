"""SQLite and PostgreSQL, both first class: every test of the service runs on both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from migrate_api.database import Database
from tests.conftest import Postgres
from tests.migrate_api.site import Site, serving


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without tables."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'service.sqlite'}"
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.create(f"t{uuid4().hex}")
    database = Database(url, connections=3)
    yield database
    database.close()


@pytest.fixture
def database(empty_database: Database) -> Database:
    """A database with this release's tables."""
    empty_database.migrate()
    return empty_database


@pytest.fixture
def site(empty_database: Database) -> Iterator[Site]:
    """A service with one organisation."""
    with serving(empty_database) as found:
        found.tokens = found.organisation("grace")
        yield found
