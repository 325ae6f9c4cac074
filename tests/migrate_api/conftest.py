"""SQLite and PostgreSQL, both first class: every test of the service runs on both."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from migrate_api.database import Database
from tests.conftest import Postgres
from tests.migrate_api.site import Site, serving


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def empty_database(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without tables."""
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'service.sqlite'}"
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.create(f"t{uuid4().hex}")
    database = Database(url, connections=3)
    yield database
    database.close()


@pytest.fixture(scope="session")
def file_with_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Making the tables takes longer than most tests: they are made once, and copied."""
    file = tmp_path_factory.mktemp("tables") / "service.sqlite"
    with_tables(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def name_with_tables(postgres: Postgres) -> str:
    with_tables(postgres.create("with_tables"))
    return "with_tables"


def with_tables(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.close()


@pytest.fixture
def database(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with this release's tables."""
    if kind == "sqlite":
        file = shutil.copy(request.getfixturevalue("file_with_tables"), tmp_path / "service.sqlite")
        url = f"sqlite:///{file}"
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.create(f"t{uuid4().hex}", request.getfixturevalue("name_with_tables"))
    database = Database(url, connections=3)
    yield database
    database.close()


@pytest.fixture
def site(database: Database) -> Iterator[Site]:
    """A service with one organisation."""
    with serving(database) as found:
        found.tokens = found.organisation("grace")
        yield found
