"""How many bytes may go out now: a schedule with a full-speed window, a job's own limit, one bucket for all.

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
class Schedule:
    """Full speed from `start` to `end` (local time of `zone`; may span midnight), else `limit` bytes a second."""

    start: time
    end: time
    limit: float
    zone: str = "UTC"

    def rate(self, now: datetime) -> float | None:
        """Bytes a second allowed at that moment, None without limit."""
        local = now.astimezone(ZoneInfo(self.zone)).time()
        if self.start <= self.end:
            full = self.start <= local < self.end
        else:
            full = local >= self.start or local < self.end
        return None if full else self.limit


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
    def rate(self) -> float | None:
        """Bytes a second allowed now, None without limit."""
        if self._limit is not None:
            return self._limit
        return self._schedule.rate(self._now()) if self._schedule else None

    def delay(self) -> float:
        """Seconds until the next request may begin, 0 for at once; at most a second, as the window may change."""
        rate = self.rate
        if rate is None:
            return 0.0
        with self._lock:
            self._pay(rate)
            return min(1.0, self._owed / rate)

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
