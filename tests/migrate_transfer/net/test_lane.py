"""Many requests at once: how many of them wait."""

from __future__ import annotations

import socket

import pytest

from migrate_transfer.core.backend import Streams
from migrate_transfer.core.control import Control
from migrate_transfer.core.retry import RetryPolicy
from migrate_transfer.net.lane import WAITING, Lane, Link, Request


@pytest.fixture
def closed() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


def test_while_the_service_is_away_few_requests_are_begun(closed: str) -> None:
    """Of small files all were taken: what waits is kept in memory, and asked about after a kill."""
    link = Link(Control(), retry=RetryPolicy(first=2.0, patience=1))
    lane = Lane(link, streams=Streams(4), memory=2**20, authorize=list)
    feed = (Request(number, "PUT", closed) for number in range(10 * WAITING))
    next(lane.exchange(feed))
    lane.close()
    assert next(feed).owner <= WAITING + 4
