"""The prelude of contributions: funds parents first, and one bad fund harms only its own gifts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import polars as pl
import pytest

from migrate_etl.mission.api import MissionApi
from migrate_etl.mission.funds import map_funds, send_funds
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_transfer.core.control import Control
from migrate_transfer.net.http import HttpClient
from tests.migrate_etl.mission.importer import KEY, QUICK, Importer

TEXTS = ("name", "public_name", "description")


def accounts(*parents: int | None) -> pl.DataFrame:
    """Funds 1, 2, … with these parents."""
    rows = [{"id": n, "parent_id": parent, "name": f"Fund {n}"} for n, parent in enumerate(parents, start=1)]
    integers = dict.fromkeys(("id", "parent_id", "campus_id"), pl.Int64)
    schema = {**integers, **dict.fromkeys(TEXTS, pl.String), "is_active": pl.Boolean, "is_tax_deductible": pl.Boolean}
    whole = [{**dict.fromkeys(schema), "is_active": True, "is_tax_deductible": True, **row} for row in rows]
    return pl.DataFrame(whole, schema=schema)


class Sender:
    """Sends funds as jobs would."""

    def __init__(self, importer: Importer, api: MissionApi) -> None:
        self._importer, self._api = importer, api

    def send(self, funds: pl.DataFrame, job: str = "first", *, resend: bool = False) -> int:
        with self._importer.receipts() as receipts:
            return send_funds(self._api, receipts, job, funds, resend=resend)


@pytest.fixture
def sender(importer: Importer) -> Iterator[Sender]:
    control = Control()
    with ExitStack() as stack:
        secret = {"X-Integration-Key": KEY}
        http = HttpClient(importer.mission.url, secret_headers=secret, connections=2, control=control)
        yield Sender(importer, MissionApi(stack.enter_context(http), "grace", control, QUICK))


def test_parents_go_first_and_a_circle_is_cut() -> None:
    sent = map_funds(accounts(3, None, 2, 5, 4))
    assert sent["id"].to_list() == [2, 3, 1, 4, 5]
    assert sent["external_parent_id"].to_list() == [None, "rock:fund:2", "rock:fund:3", None, None]


def test_funds_are_sent_once_and_again_when_they_change(sender: Sender, importer: Importer) -> None:
    assert [sender.send(accounts(None, 1)), sender.send(accounts(None, 1), "b")] == [2, 0]
    assert sender.send(accounts(None, None), "c") == 1
    assert sender.send(accounts(None, None), "d", resend=True) == 2
    assert importer.held("funds") == ["rock:fund:1", "rock:fund:2"]


def test_no_funds_are_no_request(sender: Sender, importer: Importer) -> None:
    assert (sender.send(accounts()), importer.sent()) == (0, [])


def test_more_funds_than_a_batch_holds(sender: Sender, importer: Importer) -> None:
    assert sender.send(accounts(*range(2, 602), None)) == 601
    assert importer.sent() == [500, 101]
    assert len(importer.held("funds")) == 601


@pytest.mark.parametrize("action", ["reject_batch", "reject_records"])
def test_a_refused_fund_is_the_only_one_and_is_tried_again_next_time(
    sender: Sender, importer: Importer, mission: MissionSandbox, action: str
) -> None:
    mission.fault(action, external_ids=["rock:fund:3"])
    sender.send(accounts(None, None, None, None, None))
    assert importer.held("funds") == [f"rock:fund:{n}" for n in (1, 2, 4, 5)]
    mission.reset()
    assert sender.send(accounts(None, None, None, None, None), "second") == 1
    assert len(importer.held("funds")) == 5
