"""How pause, cancel and a lost lease reach running work. Its wait() is the only sleep in the house."""

from __future__ import annotations

import threading
from typing import Literal

from migrate_transfer.core.errors import Stopped

Reason = Literal["paused", "cancelled", "lease_lost"]


class Control:
    """Shared by everybody who works on one attempt of a job; thread-safe.

    Work calls `check()` between items and waits only through `wait()`. `pause` lets items in flight finish:
    workers test `stopping` before they take the next item. The first reason given stays.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._reason: Reason | None = None

    def stop(self, reason: Reason) -> None:
        """Ask the work to stop."""
        with self._lock:
            if self._reason is None:
                self._reason = reason
        self._event.set()

    @property
    def stopping(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        """Raise `Stopped` if a stop was asked for."""
        if self._event.is_set():
            assert self._reason is not None
            raise Stopped(self._reason)

    def wait(self, seconds: float) -> None:
        """Sleep, but wake and raise `Stopped` as soon as a stop is asked for."""
        if self._event.wait(max(0.0, seconds)):
            self.check()
