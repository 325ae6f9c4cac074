"""What the service tells of itself: health, metrics, log lines; to whom, and without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from migrate_api.database import Database
from migrate_api.settings import ApiSettings
from migrate_api.tables import OutboxMessage
from tests.conftest import Postgres
from tests.migrate_api.site import COLLECTOR, Site, serving
from tests.migrate_api.test_kills import Service

GREETING = ("Serving http", "The first owner's API token is in ")
"""What the command says to people before the service starts."""
WORDS = {"at", "level", "logger", "request", "method", "status", "milliseconds"}


def health(site: Site) -> tuple[int, str, dict[str, str]]:
    status, said = site.call("GET", "/api/health", role=None)
    return status, said["status"], said["checks"]


def test_a_service_that_works_says_so(site: Site) -> None:
    assert health(site) == (200, "ok", dict.fromkeys(("database", "tables", "outbox", "timers"), "ok"))


def test_tables_of_another_release_are_a_failure(site: Site) -> None:
    with site.database.transaction() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = 'another'"))
    status, word, checks = health(site)
    assert (status, word, checks["tables"], checks["database"]) == (503, "failing", "failing", "ok")


@pytest.mark.parametrize(("bus", "word"), [("http://127.0.0.1:9", "late"), ("", "ok")])
def test_an_old_message_is_late_and_no_failure_where_its_channel_is_set_up(
    database: Database, bus: str, word: str
) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=2)
    with serving(database, bus_url=bus) as site:
        site.organisation("grace")
        row = {"id": "m", "tenant_id": site.tenant_id, "channel": "bus", "name": "n", "body": {}, "attempts": 0}
        with site.database.transaction() as session:
            session.add(OutboxMessage(**row, created_at=long_ago, due_at=long_ago))
        assert health(site) == (200, "ok", {"database": "ok", "tables": "ok", "outbox": word, "timers": "ok"})


@pytest.fixture(params=["file damaged", "database dropped"])
def robbed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A service whose database goes away under it."""
    if request.param == "file damaged":
        file = tmp_path / "service.sqlite"
        with serving(Database(f"sqlite:///{file}")) as site:
            for one in tmp_path.glob("service.sqlite*"):
                one.write_bytes(b"no database " * 10_000)
            yield site
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    name = f"t{uuid4().hex}"
    with serving(Database(postgres.create(name))) as site:
        with postgres.connect() as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        yield site


def test_a_database_that_does_not_answer_is_a_failure(robbed: Site) -> None:
    status, word, checks = health(robbed)
    assert (status, word) == (503, "failing")
    assert "failing" in checks.values()


def test_metrics_are_for_the_collector(site: Site) -> None:
    site.running(site.agent())
    shown = site.text("/metrics", token=COLLECTOR)
    assert 'migrate_jobs{status="running"} 1.0' in shown
    assert re.search(r'migrate_requests_total\{method="POST",route="/api/jobs",status="201"\} 1\.0', shown)
    assert "migrate_agents_online 1.0" in shown
    for role in (None, "owner"):
        assert site.call("GET", "/metrics", role=role)[0] == 401
    assert site.tenant_id not in shown


def test_without_a_token_nobody_reads_the_metrics(database: Database) -> None:
    with serving(database, metrics_token="") as site:
        for given in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer x"}):
            assert site.call("GET", "/metrics", role=None, **given)[0] == 404


def test_log_lines_are_json_without_secrets_queries_and_people(database: Database, tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    with log.open("wb") as lines:
        service = Service(database, tmp_path, stderr=lines)
        site = Site(database, ApiSettings(), f"http://127.0.0.1:{service.port}")
        site.tokens = site.organisation("grace")
        agent = site.agent()
        site.job(agent)
        site.call("GET", "/api/auth/hub-sso?token=hush-token", role=None)
        site.call("GET", "/api/jobs?cursor=hush-cursor")
        site.call("POST", "/api/clients", {"name": 7, "contact_email": "ada@example.org"})
        site.call("POST", "/api/agents/register", {"code": "HUSHHUSH", "host": {}}, role=None)
        site.call("GET", "/no-such-page?password=hush-query", role=None)
        service.stop()
    found = [json.loads(line) for line in log.read_text().splitlines() if not line.startswith(GREETING)]
    answered = [line for line in found if line["message"] == "answered"]
    assert {"/api/jobs", "/api/auth/hub-sso", "unmatched"} <= {line["route"] for line in answered}
    assert all(set(line) >= WORDS for line in answered)
    for hushed in ("hush", "HUSH", "ada@", *site.tokens.values(), agent["key"]):
        assert hushed not in log.read_text()


def test_what_nobody_foresaw_is_an_answer_like_any_other_and_is_found_in_the_log(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    agent = site.agent()
    job = site.job(agent)
    with site.database.transaction() as session:
        session.execute(sa.text("UPDATE jobs SET status = 'no such status'"))
    status, said = site.call("GET", f"/api/jobs/{job['id']}")
    assert (status, said["code"]) == (500, "INTERNAL_ERROR")
    (line,) = [record for record in caplog.records if record.getMessage() == "unforeseen"]
    assert line.fields["request"] in said["details"]["remedy"]  # type: ignore[attr-defined]
    assert line.exc_info is not None
