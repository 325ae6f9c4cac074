"""How many bytes may go out now: a schedule with full-speed windows, a job's own limit, one bucket for all.

Decides only; who sends asks `Bucket.delay()` before each request, waits that long, and tells `Bucket.sent()`.
"""

from __future__ import annotations

import threading
import time as clocks
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

MEGABIT = 1_000_000 / 8
"""Bytes of 1 Mbit: 10**6 bits."""


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to `end`, beginning on `days` (0 is Monday); one that ends before it starts spans midnight."""

    start: time
    end: time
    days: frozenset[int] = frozenset(range(7))

    def holds(self, local: datetime) -> bool:
        now, today = local.time(), local.weekday()
        if self.start < self.end:
            return today in self.days and self.start <= now < self.end
        begun_today = today in self.days and now >= self.start
        return begun_today or ((today - 1) % 7 in self.days and now < self.end)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Full speed within the windows (local time of `zone`), else `limit` bytes a second."""

    windows: tuple[Window, ...]
    limit: float
    zone: str = "UTC"

    def rate(self, now: datetime) -> float | None:
        """Bytes a second allowed at that moment, None without limit."""
        local = now.astimezone(ZoneInfo(self.zone))
        return None if any(window.holds(local) for window in self.windows) else self.limit


class Bucket:
    """Shared by all who send from one place; thread-safe. `limit` (bytes a second) goes before the schedule.

    A request may begin while nothing is owed; its bytes are owed then, and paid off at the rate of the moment. So the
    average is the limit whatever the requests' size, and a change of window is felt with the next request.
    """

    def __init__(
        self,
        limit: float | None = None,
        schedule: Schedule | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = clocks.monotonic,
    ) -> None:
        self._limit, self._schedule, self._now, self._clock = limit, schedule, now, clock
        self._lock = threading.Lock()
        self._owed, self._since = 0.0, clock()

    @property
    def unlimited(self) -> bool:
        """Whether there is no limit now, and will be none."""
        return self._limit is None and self._schedule is None

    @property
    def rate(self) -> float | None:
        """Bytes a second allowed now, None without limit."""
        return None if self.unlimited else self.rate_at(self._now())

    def rate_at(self, moment: datetime) -> float | None:
        """The same for any moment."""
        if self._limit is not None:
            return self._limit
        return self._schedule.rate(moment) if self._schedule else None

    def delay(self) -> float:
        """Seconds until the next request may begin, 0 for at once; at most a second, as the window may change."""
        rate = self.rate
        if rate is None:
            return 0.0
        with self._lock:
            self._pay(rate)
            return min(1.0, self._owed / rate) if self._owed >= 1.0 else 0.0

    def sent(self, count: int) -> None:
        """So many bytes are about to go."""
        rate = self.rate
        with self._lock:
            if rate is None:
                self._owed, self._since = 0.0, self._clock()
            else:
                self._pay(rate)
                self._owed += count

    def _pay(self, rate: float) -> None:
        now = self._clock()
        self._owed = max(0.0, self._owed - (now - self._since) * rate)
        self._since = now
