"""What stands in the outbox arrives at least once, and once from however many replicas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from time import monotonic
from typing import Any

import pytest
import sqlalchemy as sa

from migrate_api import outbox
from migrate_api.bootstrap import make_tenant
from migrate_api.database import Database
from migrate_api.delivery import PARKED, Delivery
from migrate_api.settings import ApiSettings
from migrate_api.tables import OutboxMessage, Tenant, TimerRun
from migrate_transfer.core.errors import Stopped
from tests.migrate_api.site import serving


class Receiver(ThreadingHTTPServer):
    """Takes what is posted, after answering 500 as often as it was told to. `meanwhile` is called within the first
    request, `first` set; each takes so long."""

    failures, takes = 0, 0.0
    meanwhile: Any = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receives)
        self.got: list[tuple[dict[str, str], Any]] = []
        self.asked: list[str] = []
        self.first = Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/events"


class _Receives(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.asked.append(self.path)
        failing, server.failures = server.failures > 0, server.failures - 1
        if not failing:
            server.got.append((dict(self.headers), json.loads(body)))
        meanwhile, server.meanwhile = server.meanwhile, None
        if meanwhile:
            meanwhile()
        server.first.set()
        Event().wait(server.takes)
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
    place = receiver.url if receiver else ""
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


def test_a_message_goes_to_the_very_address_that_was_set(database: Database, receiver: Receiver) -> None:
    """A slash more, and the receiver does not know it; without its query it does not let us in."""
    message(database)
    receiver.url += "/hook?code=a%2Fb"
    Delivery(database, settings(receiver)).deliver()
    assert receiver.asked == ["/events/hook?code=a%2Fb"]


def test_what_one_channel_waits_for_holds_up_no_other(database: Database, receiver: Receiver) -> None:
    """A Bus that takes its time, and a bill behind thirty of its messages."""
    for _ in range(30):
        message(database)
    bill, receiver.takes = message(database, "billing"), 1.0
    with serving(database, timers=True, bus_url=receiver.url, hub_billing_url=receiver.url):
        begun = monotonic()
        while row(database, bill).delivered_at is None and monotonic() - begun < 15:
            Event().wait(0.1)
    assert row(database, bill).delivered_at is not None


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


def test_a_slow_receiver_gets_no_message_from_two_replicas(database: Database, receiver: Receiver) -> None:
    for _ in range(5):
        message(database)
    later = Delivery(database, settings(receiver), lambda: datetime.now(UTC) + timedelta(minutes=2))
    receiver.meanwhile = later.deliver
    Delivery(database, settings(receiver)).deliver()
    assert len(receiver.got) == len({headers["Idempotency-Key"] for headers, _ in receiver.got}) == 5


def test_a_delivery_that_is_stopped_ends_after_the_message_on_its_way(database: Database, receiver: Receiver) -> None:
    for _ in range(5):
        message(database)
    delivery = Delivery(database, settings(receiver))
    receiver.meanwhile = delivery.stop
    with pytest.raises(Stopped):
        delivery.deliver()
    assert len(receiver.got) == 1


def test_a_service_that_stops_ends_its_delivery(database: Database, receiver: Receiver) -> None:
    """A hundred messages to a receiver that takes two tenths of a second each: the stop does not wait for them."""
    for _ in range(100):
        message(database)
    receiver.takes = 0.2
    with serving(database, timers=True, bus_url=receiver.url):
        receiver.first.wait(20)
        begun = monotonic()
    assert monotonic() - begun < 4
    with database.transaction() as session:
        assert session.get_one(TimerRun, "outbox bus").held_until is None
