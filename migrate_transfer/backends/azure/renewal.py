"""A bearer token that is refused in the middle of a job: a fresh one is asked for, once, and what was refused is sent
again with it. What is refused then ends the job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

from migrate_transfer.net.curl import Owner
from migrate_transfer.net.lane import Answer, Ended, Lane, Request

REFUSED = 401
SECONDS = 60.0
"""All that was under way is refused together: for so long, the token that was fetched for the first of them is the
fresh one of all."""


class Renewal:
    """`renew` fetches a fresh token. Thread-safe; raises what `renew` raises."""

    def __init__(self, renew: Callable[[], None] | None) -> None:
        self._renew, self._lock = renew, threading.Lock()
        self._next = 0.0

    def __call__(self) -> bool:
        """Whether there is a fresh token now."""
        if self._renew is None:
            return False
        with self._lock:
            if monotonic() >= self._next:
                self._renew()
                self._next = monotonic() + SECONDS
        return True


class RenewingLane(Lane):
    """A lane that sends a request a second time, with a fresh token, when the token of the first was refused."""

    def __init__(self, renewal: Renewal, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._renewal = renewal

    def exchange(self, feed: Iterator[Request[Owner]]) -> Iterator[Ended[Owner]]:
        again: set[int] = set()
        for request, answer in super().exchange(feed):
            refused = isinstance(answer, Answer) and answer.status == REFUSED
            if refused and id(request) not in again and self._renewal():
                again.add(id(request))
                self.push(request)
                continue
            again.discard(id(request))
            yield request, answer
