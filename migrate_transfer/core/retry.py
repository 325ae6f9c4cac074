"""How long to wait before the next try, if there is one. Decides only; Control.wait does the waiting."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import TransientError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off with jitter, all times in seconds.

    `patience` bounds the tries that nobody asked for; the default outlasts a server that is down for a quarter of an
    hour. A wait that the far side asked for (`TransientError.retry_after`) is obeyed as given and uses up no try: a
    server that says when to come back is not failing. All such waits of one call together end at `endurance`.
    """

    first: float = 0.5
    longest: float = 30.0
    patience: int = 45
    endurance: float = 6 * 3600.0
    jitter: Callable[[], float] = field(default=random.random, repr=False)

    def delay(self, failures: int, error: TransientError) -> float | None:
        """Seconds to wait after the `failures`-th failure (from 1), or None to give up."""
        if error.retry_after is not None:
            # "Retry-After: 0" is no leave to hammer.
            return max(error.retry_after, self.first)
        if failures > self.patience:
            return None
        ceiling = min(self.longest, self.first * 2.0 ** min(failures - 1, 30))
        return ceiling * (0.5 + self.jitter() / 2)

    def run(self, call: Callable[[], T], control: Control) -> T:
        """Call until it succeeds, fails for good, or the control stops the work.

        Raises the last `TransientError` when patience or endurance is used up; any other error at once; `Stopped`
        from a wait.
        """
        failures, waited = 0, 0.0
        while True:
            control.check()
            try:
                return call()
            except TransientError as error:
                failures += error.retry_after is None
                pause = self.delay(max(1, failures), error)
                if error.retry_after is not None:
                    waited += max(1.0, error.retry_after)
                if pause is None or waited > self.endurance:
                    raise
            control.wait(pause)
