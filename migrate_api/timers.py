"""Work that is due every so often: each timer on a thread of its own, run once however many replicas there are.

What the timers are for stands in `chores.py`.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from migrate_api.database import Database
from migrate_api.tables import TimerRun
from migrate_transfer.core.errors import Stopped

LOOK_SECONDS = 1.0
HOLD = timedelta(minutes=10)
"""Another replica takes over a timer that was begun so long ago and not ended."""
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=10)
"""A timer that failed is tried again after so long, by any replica; each time twice as long."""
LATE = timedelta(minutes=15)
"""A timer that should have run so long ago has stopped running."""
STOP_SECONDS = 5.0
"""What is under way when the service stops has so long to end; cut off, it is undone and done again."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timer:
    """Work that is due every so often, or every day at a time of day (UTC)."""

    name: str
    work: Callable[[datetime], None]
    every: timedelta = timedelta(days=1)
    at: time | None = None

    def due(self, ran_at: datetime | None, now: datetime) -> bool:
        """A daily timer that never ran waits for its time of day too: it does what has come up until then."""
        if self.at is not None:
            today = datetime.combine(now.date(), self.at, UTC)
            if ran_at is None:
                return now >= today
            return ran_at < (today if now >= today else today - timedelta(days=1))
        return ran_at is None or now - ran_at >= self.every

    def late(self, ran_at: datetime, now: datetime) -> bool:
        """Whether it was due a while ago and has not run."""
        return self.due(ran_at, now - LATE)


def survived(what: str, call: Callable[[], object]) -> bool:
    """Whether a call ended well. What goes wrong in it is logged by its kind."""
    try:
        call()
    except Exception as error:  # noqa: BLE001  one fault must not stop the others
        log.error("%s failed (%s).", what, type(error).__name__)
        return False
    return True


class Timers:
    """Runs what is due. Several replicas may look at the same timers, each timer from one thread of a replica."""

    def __init__(
        self,
        database: Database,
        timers: Sequence[Timer],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._timers, self._clock = database, timers, clock
        self._me = uuid4().hex
        self._failures: Counter[str] = Counter()

    def look(self) -> list[str]:
        """Run every timer that is due, one after another; returns the names of those that ran."""
        return [timer.name for timer in self._timers if self._run_if_due(timer)]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Each timer on a thread of its own for as long as the block lasts: one that takes long holds up no other."""
        stop = threading.Event()
        threads = [
            threading.Thread(target=self._keep_looking, args=(timer, stop), daemon=True, name=timer.name)
            for timer in self._timers
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            end = self._clock() + timedelta(seconds=STOP_SECONDS)
            for timer, thread in zip(self._timers, threads, strict=True):
                thread.join(max(0.0, (end - self._clock()).total_seconds()))
                if thread.is_alive():  # it ends with the process; the next one must not wait for it
                    survived(f"Letting go of the timer {timer.name}", partial(self._release, timer, held_until=None))

    def _keep_looking(self, timer: Timer, stop: threading.Event) -> None:
        while not stop.wait(LOOK_SECONDS):
            try:
                self._run_if_due(timer)
            except Stopped:
                return
            except SQLAlchemyError as error:
                log.error("The timer %s cannot be looked at (%s).", timer.name, type(error).__name__)

    def _run_if_due(self, timer: Timer) -> bool:
        """Whether it was due, free and run, well or badly. Raises SQLAlchemyError where the database is away (the
        timer then stays ours), Stopped."""
        now = self._clock()
        if not self._take(timer, now):
            return False
        try:
            well = survived(f"The timer {timer.name}", lambda: timer.work(now))
        except Stopped:
            self._release(timer, held_until=None)
            raise
        if well:
            self._failures[timer.name] = 0
            self._release(timer, ran_at=now, held_until=None)
        else:
            self._failures[timer.name] += 1
            wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(10, self._failures[timer.name] - 1))
            self._release(timer, held_until=self._clock() + wait)
        return True

    def _take(self, timer: Timer, now: datetime) -> bool:
        """Whether it is due and now ours: a guarded update decides between replicas."""
        with self._database.transaction() as session:
            row = session.get(TimerRun, timer.name)
        if row is None:
            return timer.due(None, now) and self._first(timer, now)
        free = row.held_until is None or row.held_until <= now or row.held_by == self._me
        if not free or not timer.due(row.ran_at, now):
            return False
        mine = sa.update(TimerRun).where(
            TimerRun.name == timer.name,
            TimerRun.held_by.is_not_distinct_from(row.held_by),
            TimerRun.held_until.is_not_distinct_from(row.held_until),
            TimerRun.ran_at.is_not_distinct_from(row.ran_at),
        )
        with self._database.transaction() as session:
            taken = session.execute(
                mine.values(held_by=self._me, held_until=now + HOLD), execution_options={"synchronize_session": False}
            )
            return bool(taken.rowcount == 1)  # type: ignore[attr-defined]

    def _first(self, timer: Timer, now: datetime) -> bool:
        """Its row is made by whoever comes first."""
        try:
            with self._database.transaction() as session:
                session.add(TimerRun(name=timer.name, ran_at=None, held_by=self._me, held_until=now + HOLD))
        except IntegrityError:
            return False
        return True

    def _release(self, timer: Timer, **values: datetime | None) -> None:
        """Let go of it, unless another has taken it over meanwhile."""
        mine = sa.update(TimerRun).where(TimerRun.name == timer.name, TimerRun.held_by == self._me)
        with self._database.transaction() as session:
            session.execute(mine.values(held_by=None, **values))
