"""What an agent has to tell is told in order, once, and briefly however long the network was away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from migrate_api.agent.control_plane import ControlPlane
from migrate_api.agent.reporter import Reporter
from migrate_api.agent.settings import AgentSettings
from migrate_api.agent.work import Ending, Standing
from migrate_api.protocol.messages import REPORT_SECONDS, EntityCounts, FailedItem, Totals
from migrate_api.protocol.states import JobStatus
from migrate_api.tables import ProgressBatch
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import FatalError
from tests.migrate_api.agent.wire import Wire
from tests.migrate_api.site import Site

TEN_MINUTES = 600 // REPORT_SECONDS
"""Reports of a job that moves all the time."""


@dataclass
class Telling:
    """A running job's reporter, and the wire it talks through."""

    site: Site
    job: dict[str, Any]
    wire: Wire
    reporter: Reporter

    def now(self) -> dict[str, Any]:
        found: dict[str, Any] = self.site.get(f"/api/jobs/{self.job['id']}")
        return found

    def reports(self) -> int:
        query = sa.select(sa.func.count()).where(ProgressBatch.job_id == self.job["id"])
        with self.site.database.transaction() as session:
            return session.scalar(query) or 0


@pytest.fixture
def telling(site: Site) -> Iterator[Telling]:
    agent = site.agent(hello=False)
    job, _ = site.running(agent, allow_offline=True)
    wire, control = Wire(site.url), Control()
    with ControlPlane(AgentSettings(wire.url, SecretStr(agent["key"])), control) as plane:
        yield Telling(site, job, wire, Reporter(plane, plane.lease(job["id"]), control))
    wire.close()


def standing(done: int) -> Standing:
    counts = EntityCounts(discovered=1_000, imported=done, skipped=0, errored=0)
    return Standing(completed=done, bytes_completed=100 * done, entities={"people": counts})


def test_ten_minutes_without_network_are_told_in_a_few_reports(telling: Telling) -> None:
    telling.reporter.standing(standing(1))
    before = telling.reports()
    telling.wire.cut()
    for done in range(2, 2 + TEN_MINUTES):
        telling.reporter.standing(standing(done))
    assert telling.now()["files_completed"] == 1
    telling.wire.mend()
    telling.reporter.drain()
    found = telling.now()
    assert (found["files_completed"], found["bytes_completed"]) == (1 + TEN_MINUTES, 100 * (1 + TEN_MINUTES))
    assert found["entities"]["people"]["imported"] == 1 + TEN_MINUTES
    assert telling.reports() - before <= 3


def test_what_was_said_before_and_after_a_step_stays_in_order(telling: Telling) -> None:
    telling.wire.cut()
    for done in (1, 2, 3):
        telling.reporter.standing(standing(done))
    telling.reporter.status(JobStatus.PAUSED)
    telling.reporter.status(JobStatus.RUNNING)
    for done in (4, 5, 6):
        telling.reporter.standing(standing(done))
    telling.wire.mend()
    telling.reporter.drain()
    found = telling.now()
    assert (found["status"], found["files_completed"]) == ("running", 6)
    steps = [event["to_status"] for event in telling.site.get(f"/api/jobs/{telling.job['id']}/history")]
    assert [step for step in steps if step][-2:] == ["paused", "running"]


def test_a_report_whose_answer_was_lost_is_counted_once(telling: Telling) -> None:
    """The service has it and the agent does not know: it says the same again, under the same number."""
    telling.reporter.standing(standing(5))
    for done in (6, 7, 8):
        telling.wire.deaf()
        telling.reporter.standing(standing(done))
    telling.wire.mend()
    telling.reporter.drain()
    assert telling.now()["files_completed"] == 8


def test_a_speed_that_is_none_any_more_is_told(telling: Telling) -> None:
    telling.reporter.standing(standing(5))
    assert telling.now()["speed_mbps"] > 0
    telling.reporter.standing(standing(5))
    assert telling.now()["speed_mbps"] == 0


def test_the_speed_is_what_goes_over_the_wire_and_the_rest_what_is_to_be_read(telling: Telling) -> None:
    telling.reporter.standing(Standing(bytes_left=10_000_000, sent=0))
    telling.reporter.standing(Standing(bytes_left=9_000_000, sent=1_000_000))
    found = telling.now()
    assert found["speed_mbps"] > 0
    assert (found["bytes_completed"], found["bytes_left"]) == (0, 9_000_000)
    assert found["seconds_remaining"] == pytest.approx(9_000_000 * 8 / 1e6 / found["speed_mbps"], abs=0.1)


class BrokenOff:
    """Seven were listed, and one was moved."""

    def failed(self) -> Iterator[FailedItem]:
        yield from ()

    def standing(self) -> Standing:
        return Standing(completed=1, total=Totals(items=7, bytes=70))


def test_what_was_not_come_to_is_pending_at_the_end(telling: Telling) -> None:
    """A listing that was broken off has told no total; of a sync's later passes the first one's is none."""
    telling.reporter.final(BrokenOff(), JobStatus.FAILED, Ending(FatalError("The disk is gone.")))  # type: ignore[arg-type]
    found = telling.site.get(f"/api/reports/{telling.job['id']}")
    assert (found["discovered"], found["completed"], found["pending"]) == (7, 1, 6)
