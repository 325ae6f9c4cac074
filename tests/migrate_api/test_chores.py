"""What the service does by itself: usage, mails, tidying up; and that it says when it no longer does."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from sqlalchemy.orm import Session

from migrate_api import chores, mails, usage
from migrate_api.delivery import Delivery
from migrate_api.protocol.states import JobStatus
from migrate_api.settings import ApiSettings
from migrate_api.tables import ApiToken, Job, OutboxMessage, ProgressBatch, SignInToken, Tenant, TimerRun, UsageDay
from migrate_transfer.core.errors import FatalError
from tests.migrate_api.site import COLLECTOR, RECOUNT, Site


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
        assert usage.report_usage(session, site.tenant_id, later) == 3
        assert usage.report_usage(session, site.tenant_id, later) == 0
        found = session.scalars(sa.select(OutboxMessage).where(OutboxMessage.channel == "billing")).all()
        assert [one.body["metrics"]["gb_transferred"] for one in found] == ["1.500000000"]
        assert session.scalar(sa.select(sa.func.sum(UsageDay.bytes_transferred))) == 1_500_000_000


def test_one_bad_organisation_does_not_stop_the_bills_of_the_others(site: Site) -> None:
    site.organisation("another")
    agent = site.agent()
    jobs = [site.job(agent)["id"] for _ in range(2)]
    with site.database.transaction() as session:
        for id_ in jobs:  # together more than a database counts to
            job = session.get_one(Job, id_)
            job.bytes_completed, job.finished_at = 2**63 - 1, datetime.now(UTC)
    with pytest.raises(FatalError):
        chores.bill(site.services, datetime.now(UTC) + timedelta(days=1))
    with site.database.transaction() as session:
        billed = set(session.scalars(sa.select(UsageDay.tenant_id)))
        others = set(session.scalars(sa.select(Tenant.id).where(Tenant.id != site.tenant_id)))
    assert billed == others


def test_an_organisation_with_a_long_id_is_billed(site: Site) -> None:
    long, now = "o" * 64, datetime.now(UTC)
    job = site.job(site.agent())
    with site.database.transaction() as session:
        session.add(Tenant(id=long, slug="long", created_at=now))
        session.flush()
        row = session.get_one(Job, job["id"])
        row.tenant_id, row.bytes_completed, row.finished_at = long, 1, now
        usage.report_usage(session, long, now + timedelta(days=1))
    with site.database.transaction() as session:
        assert len(session.scalars(sa.select(OutboxMessage).where(OutboxMessage.channel == "billing")).all()) == 1


def test_health_and_metrics_say_when_timers_have_stopped(site: Site) -> None:
    assert site.get("/api/health", role=None)["checks"]["timers"] == "ok"
    later = datetime.now(UTC) + timedelta(hours=2)
    with site.database.transaction() as session:
        session.add(TimerRun(name="mails", ran_at=later, held_by=None, held_until=None))
        assert set(chores.late(site.services, session, later)) - {"usage"} == {
            "outbox bus",
            "outbox billing",
            "outbox mail",
            "token expiry",
            "azure connections",
            "retention",
        }
    shown = site.text("/metrics", token=COLLECTOR).partition('migrate_timer_ran_timestamp_seconds{timer="mails"} ')[2]
    assert float(shown.split()[0]) == pytest.approx(later.timestamp())


def mailed(site: Site, work: Callable[[Session, datetime, str], int], now: datetime) -> list[str]:
    """The mails' ids after the work."""
    with site.database.transaction() as session:
        work(session, now, "https://migrate.example.org")
        return sorted(session.scalars(sa.select(OutboxMessage.id).where(OutboxMessage.channel == "mail")))


def test_jobs_whose_maker_has_no_address_do_not_starve_the_others(site: Site) -> None:
    job, now = site.job(site.agent()), datetime.now(UTC)
    with site.database.transaction() as session:
        row = session.get_one(Job, job["id"])
        row.status, row.finished_at = JobStatus.COMPLETED, now
        given = {column.name: getattr(row, column.name) for column in Job.__table__.columns}
        scripts = [{**given, "id": f"{number:032}", "created_by": "script @ night"} for number in range(600)]
        session.execute(sa.insert(Job), scripts)
        row.created_by, row.finished_at = "ada@example.org", now + timedelta(seconds=1)
    assert mailed(site, mails.notify, now + timedelta(seconds=2)) == [f"mail:{job['id']}"]


def test_who_made_a_token_is_warned_once_in_each_time(site: Site) -> None:
    now = datetime.now(UTC)
    soon = site.post("/api/tokens", {"name": "t", "expires_at": (now + timedelta(days=2)).isoformat()})["id"]
    later = site.post("/api/tokens", {"name": "u", "expires_at": (now + timedelta(days=13)).isoformat()})["id"]
    with site.database.transaction() as session:
        for id_ in (soon, later):
            session.get_one(ApiToken, id_).created_by = "ada@example.org"
    expected = sorted([f"expiry:3:{soon}", f"expiry:14:{later}"])
    assert mailed(site, mails.warn_of_expiry, now) == expected
    assert mailed(site, mails.warn_of_expiry, now) == expected
    assert mailed(site, mails.warn_of_expiry, now + timedelta(days=11)) == sorted([*expected, f"expiry:3:{later}"])


def test_what_has_served_its_time_is_removed_and_reports_of_unfinished_jobs_stay(site: Site) -> None:
    agent, now = site.agent(), datetime.now(UTC)
    done, token = site.running(agent)
    site.report(agent, done, token, 4, status="completed", recount=RECOUNT)
    unfinished, _ = site.running(agent)
    with site.database.transaction() as session:
        session.add(SignInToken(jti="old", tenant_id=site.tenant_id, expires_at=now))
        session.add(SignInToken(jti="new", tenant_id=site.tenant_id, expires_at=now + timedelta(days=30)))
    chores.clean_up(site.services, now + timedelta(days=6))
    assert kept(site) == ({done["id"], unfinished["id"]}, {"new"})
    chores.clean_up(site.services, now + timedelta(days=8))
    assert kept(site) == ({unfinished["id"]}, {"new"})


@pytest.mark.parametrize("kind", ["sqlite"])
def test_it_knows_how_jobs_are_spread(site: Site) -> None:
    """Else SQLite sorts all jobs of a tenant to find the one that ended last."""
    assert site.services is not None
    job = site.job(site.agent())
    moments = [{"id": str(n), "finished_at": datetime.now(UTC) - timedelta(hours=n)} for n in range(4_000)]
    with site.database.transaction() as session:
        row = session.get_one(Job, job["id"])
        same = {one.name: getattr(row, one.name) for one in sa.inspect(Job).columns}
        session.execute(sa.insert(Job), [{**same, **one} for one in moments])
    chores.clean_up(site.services, datetime.now(UTC))
    newest = "SELECT * FROM jobs WHERE tenant_id = 'x' AND finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT 20"
    with site.services.database.transaction() as session:
        plan = session.execute(sa.text(f"EXPLAIN QUERY PLAN {newest}")).all()
    assert "ix_jobs_finished_at" in str(plan)


def kept(site: Site) -> tuple[set[str], set[str]]:
    """Jobs whose reports are kept, and tokens of signing in."""
    with site.database.transaction() as session:
        return set(session.scalars(sa.select(ProgressBatch.job_id))), set(session.scalars(sa.select(SignInToken.jti)))
