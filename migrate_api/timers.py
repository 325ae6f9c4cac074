"""What the service does by itself, at its time; once, however many replicas run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from migrate_api import mails, usage
from migrate_api.database import Database
from migrate_api.delivery import Delivery
from migrate_api.doors import Services
from migrate_api.protocol.states import FINAL
from migrate_api.tables import Job, ProgressBatch, SignInToken, TimerRun, UserSession

LOOK_SECONDS = 1.0
HOLD = timedelta(minutes=10)
"""Another replica takes over a timer that was begun so long ago and not ended."""
KEPT_PROGRESS = timedelta(days=7)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timer:
    """Work that is due every so often, or every day at a time of day (UTC)."""

    name: str
    work: Callable[[datetime], None]
    every: timedelta = timedelta(days=1)
    at: time | None = None

    def due(self, ran_at: datetime | None, now: datetime) -> bool:
        if self.at is not None:
            today = datetime.combine(now.date(), self.at, UTC)
            last = today if now >= today else today - timedelta(days=1)
            return ran_at is None or ran_at < last
        return ran_at is None or now - ran_at >= self.every


class Timers:
    """Runs what is due. `look` is called again and again; several replicas may do so."""

    def __init__(
        self,
        database: Database,
        timers: Sequence[Timer],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._timers, self._clock = database, timers, clock
        self._me = uuid4().hex

    def look(self) -> list[str]:
        """Run every timer that is due and not held by another; returns their names. One that fails is tried again when
        it is next due."""
        ran = []
        for timer in self._timers:
            now = self._clock()
            try:
                if self._take(timer, now):
                    ran.append(timer.name)
                    timer.work(now)
                    self._ended(timer, now)
            except Exception as error:  # noqa: BLE001  one timer's fault must not stop the others
                log.error("The timer %s failed (%s).", timer.name, type(error).__name__)
        return ran

    def _take(self, timer: Timer, now: datetime) -> bool:
        """Whether it is due and now ours: a guarded update decides between replicas."""
        with self._database.transaction() as session:
            row = session.get(TimerRun, timer.name)
        if row is None:
            return self._first(timer, now)
        with self._database.transaction() as session:
            held = row.held_until is not None and row.held_until > now
            if held or not timer.due(row.ran_at, now):
                return False
            mine = sa.update(TimerRun).where(
                TimerRun.name == timer.name,
                TimerRun.held_until.is_not_distinct_from(row.held_until),
                TimerRun.ran_at.is_not_distinct_from(row.ran_at),
            )
            taken = session.execute(
                mine.values(held_by=self._me, held_until=now + HOLD), execution_options={"synchronize_session": False}
            )
            return bool(taken.rowcount == 1)  # type: ignore[attr-defined]

    def _first(self, timer: Timer, now: datetime) -> bool:
        """Its row is made by whoever comes first; a daily timer's first run is at its time, for all days before it."""
        try:
            with self._database.transaction() as session:
                session.add(TimerRun(name=timer.name, ran_at=None, held_by=self._me, held_until=now + HOLD))
        except IntegrityError:
            return False
        return True

    def _ended(self, timer: Timer, now: datetime) -> None:
        with self._database.transaction() as session:
            mine = sa.update(TimerRun).where(TimerRun.name == timer.name, TimerRun.held_by == self._me)
            session.execute(mine.values(ran_at=now, held_by=None, held_until=None))


def the_timers(services: Services) -> list[Timer]:
    """All timers of the service."""
    database, settings = services.database, services.settings
    delivery = Delivery(database, settings)

    def mail(now: datetime) -> None:
        with database.transaction() as session:
            mails.notify(session, now, settings.public_url)

    def expiry(now: datetime) -> None:
        with database.transaction() as session:
            mails.warn_of_expiry(session, now, settings.public_url)

    def bill(now: datetime) -> None:
        with database.transaction() as session:
            usage.report_usage(session, now)

    return [
        Timer("outbox", lambda now: _all(delivery), every=timedelta(seconds=5)),
        Timer("mails", mail, every=timedelta(minutes=2)),
        Timer("token expiry", expiry, every=timedelta(hours=1)),
        Timer("usage", bill, at=time(1, 15)),
        Timer("retention", lambda now: clean_up(services, now), every=timedelta(hours=1)),
    ]


def _all(delivery: Delivery) -> None:
    while delivery.deliver():
        pass


def clean_up(services: Services, now: datetime) -> None:
    """Remove what has served its time. Reports of unfinished jobs stay: they tell a repeat from something new."""
    finished = sa.select(Job.id).where(Job.status.in_(FINAL))
    old = sa.delete(ProgressBatch).where(ProgressBatch.at < now - KEPT_PROGRESS, ProgressBatch.job_id.in_(finished))
    with services.database.transaction() as session:
        session.execute(old)
        session.execute(sa.delete(SignInToken).where(SignInToken.expires_at < now))
        session.execute(sa.delete(UserSession).where(UserSession.expires_at < now))
    services.callers.limits.forget_old()


@contextmanager
def running(services: Services) -> Iterator[None]:
    """The timers on a thread of their own for as long as the block lasts."""
    stop, timers = threading.Event(), Timers(services.database, the_timers(services))

    def keep_looking() -> None:
        while not stop.wait(LOOK_SECONDS):
            timers.look()

    thread = threading.Thread(target=keep_looking, daemon=True, name="timers")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
