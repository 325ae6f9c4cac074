"""What the service does by itself: usage, mails, deliveries, retention; once, at its time."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller

from migrate_api import mails, outbox, usage
from migrate_api.bootstrap import make_tenant
from migrate_api.database import Database
from migrate_api.delivery import PARKED, Delivery
from migrate_api.settings import ApiSettings
from migrate_api.tables import Job, OutboxMessage, Tenant, UsageDay
from migrate_api.timers import Timer, Timers
from tests.migrate_api.site import RECOUNT, Site


class Receiver(ThreadingHTTPServer):
    """Takes what is posted, after answering 500 as often as it was told to."""

    failures = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receives)
        self.got: list[tuple[dict[str, str], Any]] = []


class _Receives(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        failing, server.failures = server.failures > 0, server.failures - 1
        if not failing:
            server.got.append((dict(self.headers), json.loads(body)))
        self.send_response(500 if failing else 204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


def settings(receiver: Receiver | None = None, **options: Any) -> ApiSettings:
    place = f"http://127.0.0.1:{receiver.server_address[1]}/events" if receiver else ""
    return ApiSettings(BUS_URL=place, HUB_BILLING_API_URL=place, BUS_INTEGRATION_KEY="bus-hush", **options)


def message(database: Database, channel: Any = "bus", **body: Any) -> str:
    with database.transaction() as session:
        tenant = session.scalar(sa.select(Tenant.id)) or make_tenant(session, "grace").id
        found = outbox.put(session, tenant, channel, "job.completed", body or {"job_id": "1"})
        assert found is not None
        return found.id


def row(database: Database, id_: str) -> OutboxMessage:
    with database.transaction() as session:
        return session.get_one(OutboxMessage, id_)


def test_a_message_arrives_with_its_id_and_key(database: Database, receiver: Receiver) -> None:
    id_ = message(database)
    delivery = Delivery(database, settings(receiver))
    assert (delivery.deliver(), delivery.deliver()) == (1, 0)
    headers, body = receiver.got[0]
    assert (headers["Idempotency-Key"], headers["X-Integration-Key"], body["name"]) == (
        id_,
        "bus-hush",
        "job.completed",
    )


def test_one_that_does_not_arrive_is_tried_later_and_parked_after_days(database: Database, receiver: Receiver) -> None:
    receiver.failures = 10
    id_, now = message(database), datetime.now(UTC)
    Delivery(database, settings(receiver)).deliver()
    found = row(database, id_)
    assert (found.attempts, found.delivered_at, found.due_at > now) == (1, None, True)
    assert "hush" not in str(found.last_error)
    Delivery(database, settings(receiver), lambda: now + timedelta(days=6)).deliver()
    assert row(database, id_).due_at == PARKED


def test_two_replicas_do_not_send_the_same_message(database: Database, receiver: Receiver) -> None:
    for _ in range(20):
        message(database)
    deliveries = [Delivery(database, settings(receiver)) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        arrived = sum(pool.map(lambda one: one.deliver(), deliveries))
    assert (arrived, len({headers["Idempotency-Key"] for headers, _ in receiver.got}), len(receiver.got)) == (
        20,
        20,
        20,
    )


class Mailbox:
    """What a real SMTP server was handed."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.got.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"


def test_who_made_a_job_is_mailed_how_it_ended_once(site: Site) -> None:
    agent = site.agent()
    job, token = site.running(agent)
    site.report(agent, job, token, 4, status="completed", recount=RECOUNT)
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    post = Controller(box, hostname="127.0.0.1", port=port)
    post.start()
    with site.database.transaction() as session:
        session.get_one(Job, job["id"]).created_by = "ada@example.org"
    for _ in range(2):
        with site.database.transaction() as session:
            mails.notify(session, datetime.now(UTC), "https://migrate.example.org")
        Delivery(site.database, ApiSettings(smtp_url=f"smtp://127.0.0.1:{port}")).deliver()
    post.stop()
    assert [recipients for recipients, _ in box.got] == [["ada@example.org"]]
    assert f"https://migrate.example.org/jobs/{job['id']}" in box.got[0][1]


def test_usage_is_written_once_a_day_and_days_missed_are_caught_up(site: Site) -> None:
    agent = site.agent()
    job, token = site.running(agent)
    site.report(agent, job, token, 4, status="completed", recount={**RECOUNT, "bytes_completed": 1_500_000_000})
    later = datetime.now(UTC) + timedelta(days=3)
    with site.database.transaction() as session:
        assert usage.report_usage(session, later) == 3
        assert usage.report_usage(session, later) == 0
        found = session.scalars(sa.select(OutboxMessage).where(OutboxMessage.channel == "billing")).all()
        assert [one.body["metrics"]["gb_transferred"] for one in found] == ["1.500000000"]
        assert session.scalar(sa.select(sa.func.sum(UsageDay.bytes_transferred))) == 1_500_000_000


def test_a_daily_timer_is_due_after_its_time_of_day() -> None:
    timer = Timer("usage", lambda now: None, at=time(1, 15))
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert timer.due(None, noon)
    assert not timer.due(noon, noon + timedelta(hours=13, minutes=14))
    assert timer.due(noon, noon + timedelta(hours=13, minutes=15))


def test_of_several_replicas_one_runs_a_timer(database: Database) -> None:
    runs: list[str] = []
    clock = datetime(2026, 11, 20, 12, tzinfo=UTC)
    timer = Timer("count", lambda now: runs.append("run"), every=timedelta(minutes=2))
    replicas = [Timers(database, [timer], lambda: clock) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda replica: replica.look(), replicas))
    assert runs == ["run"]
    clock += timedelta(minutes=2)
    assert [replica.look() for replica in replicas].count(["count"]) == 1


def test_a_timer_whose_replica_died_is_taken_over(database: Database) -> None:
    clock = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def die(now: datetime) -> None:
        raise OSError

    Timers(database, [Timer("work", die, every=timedelta(seconds=5))], lambda: clock).look()
    other = Timers(database, [Timer("work", lambda now: None, every=timedelta(seconds=5))], lambda: clock)
    assert other.look() == []
    clock += timedelta(minutes=11)
    assert other.look() == ["work"]


def test_a_timer_that_breaks_does_not_stop_the_others(database: Database) -> None:
    def broken(now: datetime) -> None:
        raise KeyError("what nobody foresaw")

    runs: list[str] = []
    others = Timer("other", lambda now: runs.append("run"))
    Timers(database, [Timer("broken", broken), others]).look()
    assert runs == ["run"]
