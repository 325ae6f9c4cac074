"""What the service does by itself, at its time: deliveries, mails, usage, tidying up; and whether it still does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from functools import partial
from typing import get_args

import sqlalchemy as sa
from sqlalchemy.orm import Session

from migrate_api import mails, usage
from migrate_api.azure.kept import forget_sign_in
from migrate_api.azure.watch import watch
from migrate_api.delivery import Delivery
from migrate_api.doors import Services
from migrate_api.outbox import Channel
from migrate_api.protocol.states import FINAL
from migrate_api.tables import AzureSignIn, Job, ProgressBatch, SignInToken, Tenant, TimerRun, UserSession
from migrate_api.timers import Timer, Timers, survived
from migrate_transfer.core.errors import FatalError

KEPT_PROGRESS = timedelta(days=7)


def the_timers(services: Services, delivery: Delivery) -> list[Timer]:
    """All timers of the service."""

    def in_transaction(work: Callable[[Session, datetime, str], object]) -> Callable[[datetime], None]:
        def done(now: datetime) -> None:
            with services.database.transaction() as session:
                work(session, now, services.settings.public_url)

        return done

    return [
        # Each channel for itself: mails do not wait for a Bus that does not answer.
        *(
            Timer(f"outbox {channel}", partial(_all, delivery, channel), every=timedelta(seconds=5))
            for channel in get_args(Channel)
        ),
        Timer("mails", in_transaction(mails.notify), every=timedelta(minutes=2)),
        Timer("token expiry", in_transaction(mails.warn_of_expiry), every=timedelta(hours=1)),
        Timer("azure connections", lambda now: watch(services.connections, now), every=timedelta(hours=1)),
        Timer("usage", lambda now: bill(services, now), at=time(1, 15)),
        Timer("retention", lambda now: clean_up(services, now), every=timedelta(hours=1)),
    ]


def _all(delivery: Delivery, channel: Channel, _: datetime) -> None:
    while delivery.deliver(channel):
        pass


def bill(services: Services, now: datetime) -> None:
    """Every organisation's usage in a transaction of its own. Raises FatalError at the end where one failed: it is
    tried again, the others stay written down."""
    with services.database.transaction() as session:
        tenants = session.scalars(sa.select(Tenant.id).order_by(Tenant.id)).all()

    def report(tenant_id: str) -> None:
        with services.database.transaction() as session:
            usage.report_usage(session, tenant_id, now)

    failed = [one for one in tenants if not survived(f"The usage of {one}", partial(report, one))]
    if failed:
        raise FatalError(f"The usage of {len(failed)} organisations could not be written down.", code="USAGE_FAILED")


def clean_up(services: Services, now: datetime) -> None:
    """Remove what has served its time, and see what is left. Reports of unfinished jobs stay: they tell a repeat from
    something new."""
    finished = sa.select(Job.id).where(Job.status.in_(FINAL))
    old = sa.delete(ProgressBatch).where(ProgressBatch.at < now - KEPT_PROGRESS, ProgressBatch.job_id.in_(finished))
    with services.database.transaction() as session:
        session.execute(old)
        session.execute(sa.delete(SignInToken).where(SignInToken.expires_at < now))
        session.execute(sa.delete(UserSession).where(UserSession.expires_at < now))
        for begun in session.scalars(sa.select(AzureSignIn).where(AzureSignIn.expires_at < now)).all():
            forget_sign_in(session, services.vault, begun.tenant_id, begun.state)
    services.callers.limits.forget_old()
    services.database.learn()


def late(services: Services, session: Session, now: datetime) -> list[str]:
    """Timers that no replica runs any more. One that never ran is measured from the start of this service."""
    ran = {row.name: row.ran_at for row in session.scalars(sa.select(TimerRun))}
    timers = the_timers(services, Delivery(services.database, services.settings))
    return [one.name for one in timers if one.late(max(ran.get(one.name) or services.since, services.since), now)]


@contextmanager
def running(services: Services) -> Iterator[None]:
    """The timers at work for as long as the block lasts."""
    delivery = Delivery(services.database, services.settings)
    with Timers(services.database, the_timers(services, delivery)).running():
        try:
            yield
        finally:
            delivery.stop()
