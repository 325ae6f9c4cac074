"""`migrate serve`: where it cannot listen or reach its database it says so, before anything has begun."""

from __future__ import annotations

import http.client
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from migrate_api.bootstrap import make_tenant
from migrate_api.database import Database
from migrate_api.listening import listen
from migrate_api.serving import KEEP_ALIVE_SECONDS
from migrate_api.vault import Vault
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import InvalidRequest
from migrate_transfer.net.http import KEPT_SECONDS
from tests.migrate_api.cli.conftest import Migrate
from tests.migrate_api.test_kills import Service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    database = Database(f"sqlite:///{folder / 'service.sqlite'}")
    found = Service(database, folder)
    yield found
    found.stop()
    database.close()


def test_a_port_that_another_program_has(service: Service, migrate: Migrate, tmp_path: Path) -> None:
    ended = migrate("serve", "--port", str(service.port))
    assert (ended.code, ended.err.split()[0]) == (2, "ADDRESS_IN_USE")
    assert "choose another --port" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_away(migrate: Migrate) -> None:
    given = {"MIGRATE_VAULT_KEYS": Vault.new_key(), "PGPASSWORD": "hush-hush"}
    ended = migrate("serve", "--port", free_port(), "--database-url", "postgresql:///migrate?host=/nowhere", **given)
    assert (ended.code, ended.err.split()[0]) == (6, "DATABASE_UNREACHABLE")
    assert "Traceback" not in ended.err


def test_a_database_of_a_newer_release(migrate: Migrate, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "service.sqlite")) as database, database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
    given = {"MIGRATE_VAULT_KEYS": Vault.new_key()}
    ended = migrate("serve", "--port", free_port(), "--database-url", "sqlite:///service.sqlite", **given)
    assert (ended.code, ended.err.split()[0]) == (6, "DATABASE_NEWER")


def test_keys_that_are_none(migrate: Migrate) -> None:
    ended = migrate("serve", "--port", free_port(), MIGRATE_VAULT_KEYS="k=hush-hush")
    assert ended.code == 6
    assert "hush" not in ended.err


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return str(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("203.0.113.9", "ADDRESS_NOT_OURS"),
        ("2001:db8::9", "ADDRESS_NOT_OURS"),
        ("no name", "ADDRESS_UNKNOWN"),
        ("h" * 64 + ".example", "ADDRESS_UNKNOWN"),
    ],
)
def test_an_address_that_is_not_ours(host: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        listen(host, 8700)
    assert refused.value.error_code == code
    assert "--host" in refused.value.message + refused.value.remedy


def test_a_port_for_the_administrator_alone() -> None:
    with nobody(), pytest.raises(InvalidRequest) as refused:
        listen("127.0.0.1", 79)
    assert refused.value.error_code == "ADDRESS_NOT_ALLOWED"
    assert "from 1024 on" in refused.value.remedy


@contextmanager
def nobody() -> Iterator[None]:
    """Without the administrator's rights, where the tests have them."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_name_stands_for_all_its_addresses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    found = listen("localhost", port)
    assert ("127.0.0.1", port) in [one.getsockname()[:2] for one in found]
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        assert line.getpeername() == ("127.0.0.1", port)
    for one in found:
        one.close()


def test_an_idle_connection_is_kept(service: Service) -> None:
    """Servers like to close one after five seconds, just when a client that keeps it as long sends on it."""
    line = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    line.connect()
    line.auto_open = 0
    for idle in (6.0, 0.0):
        line.request("GET", "/api/health")
        answer = line.getresponse()
        assert (answer.status, answer.read() != b"") == (200, True)
        Control().wait(idle)
    line.close()
    assert KEEP_ALIVE_SECONDS > 2 * KEPT_SECONDS


@pytest.mark.parametrize("slug", ["Grace Church", "", "-grace", "grace_church", "grace\n", "g" * 64, "grâce"])
def test_an_organisation_has_a_slug(slug: str, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'service.sqlite'}")
    with database.transaction() as session, pytest.raises(InvalidRequest, match="slug") as refused:
        make_tenant(session, slug)
    database.close()
    assert "lower-case letters, digits and hyphens" in refused.value.remedy
