"""The prelude of contributions: funds parents first, and one bad fund harms only its own gifts."""

from __future__ import annotations

import threading
from dataclasses import replace

import polars as pl
import pytest

from migrate_etl.mission.funds import load_funds, map_funds
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_transfer.core.errors import AccessDenied, TargetError
from migrate_transfer.ledger import Totals
from tests.migrate_etl.mission.importer import Importer

TEXTS = ("name", "public_name", "description")


def accounts(*parents: int | None) -> pl.DataFrame:
    """Funds 1, 2, … with these parents."""
    rows = [{"id": n, "parent_id": parent, "name": f"Fund {n}"} for n, parent in enumerate(parents, start=1)]
    integers = dict.fromkeys(("id", "parent_id", "campus_id"), pl.Int64)
    schema = {**integers, **dict.fromkeys(TEXTS, pl.String), "is_active": pl.Boolean, "is_tax_deductible": pl.Boolean}
    whole = [{**dict.fromkeys(schema), "is_active": True, "is_tax_deductible": True, **row} for row in rows]
    return pl.DataFrame(whole, schema=schema)


def send(importer: Importer, funds: pl.DataFrame, job: str = "first") -> Totals:
    with importer.loader(job) as loader:
        load_funds(loader, funds, importer.folder / job / "funds")
        return loader.ledger.totals("funds")


def test_parents_go_first_and_a_circle_is_cut() -> None:
    sent = map_funds(accounts(3, None, 2, 5, 4, 5))
    assert sent["id"].to_list() == [2, 4, 3, 5, 1, 6]
    parents = [None, None, "rock:fund:2", "rock:fund:4", "rock:fund:3", "rock:fund:5"]
    assert sent["external_parent_id"].to_list() == parents


def test_a_parent_that_rock_no_longer_has_harms_no_fund(importer: Importer) -> None:
    funds = accounts(9, None, None)
    assert map_funds(funds)["external_parent_id"].to_list() == [None, None, None]
    assert (send(importer, funds).done, importer.failed()) == (3, {})


def test_funds_are_sent_once_and_again_when_they_change(importer: Importer) -> None:
    assert [send(importer, accounts(None, 1)).done, send(importer, accounts(None, 1), "b").unchanged] == [2, 2]
    assert send(importer, accounts(None, None), "c").done == 1
    assert send(replace(importer, resend=True), accounts(None, None), "d").done == 2
    assert importer.held("funds") == ["rock:fund:1", "rock:fund:2"]


def test_no_funds_are_no_request(importer: Importer) -> None:
    assert (send(importer, accounts()).discovered, importer.sent()) == (0, [])


def test_more_funds_than_a_batch_holds(importer: Importer) -> None:
    assert send(importer, accounts(*range(2, 602), None)).done == 601
    assert importer.sent() == [500, 101]
    assert len(importer.held("funds")) == 601


@pytest.mark.parametrize("action", ["reject_batch", "reject_records"])
def test_a_refused_fund_is_a_dead_letter_and_is_tried_again_by_the_next_job(
    importer: Importer, mission: MissionSandbox, action: str
) -> None:
    mission.fault(action, external_ids=["rock:fund:3"])
    totals = send(importer, accounts(None, None, None, None, None))
    assert (totals.done, totals.failed, totals.balanced) == (4, 1, True)
    assert importer.failed()["rock:fund:3"].remedy
    mission.reset()
    assert send(importer, accounts(None, None, None, None, None), "second").done == 1
    assert len(importer.held("funds")) == 5


def test_the_same_job_sends_its_funds_once(importer: Importer) -> None:
    assert [send(importer, accounts(None)).done for _ in range(2)] == [1, 1]
    assert importer.sent() == [1]


def test_of_two_runs_one_sends_and_the_other_waits(importer: Importer) -> None:
    with importer.ledger() as ledger, ledger.lease("funds"):
        other = threading.Thread(target=send, args=(importer, accounts(None, 1)))
        other.start()
        other.join(0.5)
        assert other.is_alive()
    other.join(20)
    assert importer.sent() == [2]


def test_a_mission_without_a_path_for_funds_is_tolerated(importer: Importer, mission: MissionSandbox) -> None:
    mission.fault("status", status=404, match={"path": "/api/import/funds"}, times=None)
    assert (send(importer, accounts(None)).pending, importer.failed()) == (1, {})


def test_any_other_refusal_of_the_funds_ends_the_load(importer: Importer, mission: MissionSandbox) -> None:
    for status, error in ((418, TargetError), (403, AccessDenied)):
        mission.fault("status", status=status)
        with pytest.raises(error):
            send(importer, accounts(None))
    assert send(importer, accounts(None)).done == 1
