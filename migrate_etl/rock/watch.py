"""Reading that may never come back: who waits for it hears a stop, and a limit, whatever the driver does.

Microsoft's driver asks a server to cancel what takes too long, and then waits for its answer without a limit. What is
given up goes on in a thread of its own that ends with the process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing.pool import ThreadPool
from typing import TypeVar

from migrate_etl.rock.failures import no_answer
from migrate_transfer.core.control import Control

T = TypeVar("T")

STEP = 0.2
FINISH_SECONDS = 15.0
"""What is under way when a stop is asked for may take so long to end well."""


class Watch:
    """Makes calls on a thread of its own; not for several threads at once."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._pool: ThreadPool | None = None
        self.given_up = False
        """Whether the last call is not over: what it uses may not be touched any more."""

    def call(self, call: Callable[[], T], seconds: float) -> T:
        """What the call returns or raises.

        Raises ConnectionLost ROCK_NO_ANSWER after twice the seconds, in which a driver should have given up by itself,
        or Stopped where a stop was asked for; the call is given up then.
        """
        self._pool, self.given_up = self._pool or ThreadPool(1), False
        answer, end, stopped = self._pool.apply_async(call), time.monotonic() + 2 * seconds, False
        while not answer.ready():
            answer.wait(STEP)
            now = time.monotonic()
            if self._control.stopping and not stopped:
                end, stopped = min(end, now + (0 if self._control.hurried else FINISH_SECONDS)), True
            if now >= end and not answer.ready():
                self.close()
                self.given_up = True
                self._control.check()
                raise no_answer(seconds)
        return answer.get()

    def close(self) -> None:
        """Let go of the thread, also of one that is stuck."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()
