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
    """Exponential back-off with full jitter, all times in seconds.

    A wait that the far side asked for (`TransientError.retry_after`) is obeyed as given, however long, and does not
    use up a try: a server that says when to come back is not failing. `patience` bounds the tries that
    it did not ask for.
    """

    first: float = 0.5
    longest: float = 30.0
    patience: int = 8
    jitter: Callable[[], float] = field(default=random.random, repr=False)

    def delay(self, failures: int, error: TransientError) -> float | None:
        """Seconds to wait after the `failures`-th failure (from 1), or None to give up."""
        if error.retry_after is not None:
            return error.retry_after
        if failures > self.patience:
            return None
        ceiling = min(self.longest, self.first * 2.0 ** (failures - 1))
        return ceiling * (0.5 + self.jitter() / 2)

    def run(self, call: Callable[[], T], control: Control) -> T:
        """Call until it succeeds, fails for good, or the control stops the work.

        Raises the last `TransientError` when patience is used up; any other error at once; `Stopped` from a wait.
        """
        failures = 0
        while True:
            control.check()
            try:
                return call()
            except TransientError as error:
                failures += error.retry_after is None
                pause = self.delay(max(1, failures), error)
                if pause is None:
                    raise
            control.wait(pause)
