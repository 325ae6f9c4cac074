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
        self._children: list[Control] = []
        self._hurried = False

    def child(self) -> Control:
        """A control that stops with this one, and may be stopped alone: for work that is given up when some of it
        fails."""
        child = Control()
        with self._lock:
            self._children.append(child)
            reason = self._reason
        if reason is not None:
            child.stop(reason)
        return child

    def stop(self, reason: Reason) -> None:
        """Ask the work to stop."""
        with self._lock:
            if self._reason is None:
                self._reason = reason
            children = tuple(self._children)
        self._event.set()
        for child in children:
            child.stop(reason)

    def hurry(self) -> None:
        """What is under way is not waited for any more."""
        self._hurried = True

    @property
    def hurried(self) -> bool:
        return self._hurried

    @property
    def stopping(self) -> bool:
        return self._event.is_set()

    @property
    def reason(self) -> Reason | None:
        """Why the work is to stop, if it is."""
        return self._reason

    def check(self) -> None:
        """Raise `Stopped` if a stop was asked for."""
        if self._event.is_set():
            assert self._reason is not None
            raise Stopped(self._reason)

    def wait(self, seconds: float) -> None:
        """Sleep, but wake and raise `Stopped` as soon as a stop is asked for."""
        if self._event.wait(max(0.0, seconds)):
            self.check()
