"""Many requests at once on one thread, for the bytes of files: libcurl's multi interface.

Requests come from a feed, which is asked for the next one only when a stream and memory are free: it may read and hash
a file in the meantime. Answers come back in the order in which they end. Small requests cost some 50 µs each, a tenth
of what a client in Python needs; large ones leave the core to hashing.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Container, Iterator
from typing import Any, TypeAlias

import pycurl

from migrate_transfer.core.backend import Streams
from migrate_transfer.core.errors import TransientError
from migrate_transfer.net.curl import Answer, Handle, Link, Owner, Request

LOOK_SECONDS = 0.2
"""How soon a request to stop, or a pause that ends, is noticed while nothing else happens."""
TURN_SECONDS = 0.005
"""How soon a lane with nothing under way looks whether another has given a stream free."""
WAITING = 256
"""While so many requests wait to be tried again, none is begun: a service that is away would meet all there are."""
Ended: TypeAlias = tuple[Request[Owner], Answer | TransientError | None]

__all__ = ["Answer", "Ended", "Lane", "Link", "Request"]


class Lane:
    """One thread, one lane. Shares `streams` with other lanes; `memory` bounds the bytes of its requests."""

    def __init__(
        self,
        link: Link,
        *,
        streams: Streams,
        memory: int,
        authorize: Callable[[], list[str]],
        transient: Container[str] = (),
    ) -> None:
        """`transient`: values of x-ms-error-code after which the same request may succeed, whatever the status."""
        self._link, self._memory, self._authorize, self._transient = link, memory, authorize, transient
        self._multi = pycurl.CurlMulti()
        self._streams = streams
        self._idle: list[Handle] = []
        self._busy: dict[pycurl.Curl, tuple[Handle, Request[Any]]] = {}
        self._later: list[tuple[float, int, Request[Any]]] = []
        self._bytes, self._count, self._taken = 0, 0, 0
        self._stop_at: float | None = None
        self._measure_at = 0.0

    def close(self) -> None:
        """Break off whatever is under way."""
        for handle, _ in self._busy.values():
            self._multi.remove_handle(handle.curl)
            handle.curl.close()
        self._busy.clear()
        for handle in self._idle:
            handle.curl.close()
        self._idle.clear()
        self._multi.close()
        while self._taken:
            self._give()

    def push(self, request: Request[Owner]) -> None:
        """Send this one before those of the feed."""
        self._bytes += len(request.body)
        self._queue(request, 0.0)

    def exchange(self, feed: Iterator[Request[Owner]]) -> Iterator[Ended[Owner]]:
        """Send what the feed gives; yield each request with its answer, or the last error when patience is at its end.

        Ends when the feed and what was pushed are done. Raises FatalError (TLS, address); Stopped when a stop was asked
        for, after the requests in flight have ended or had their time to.
        """
        fed = False
        while not fed or self._busy or self._later:
            yield from self._ended()
            stopping = self._link.control.stopping
            if stopping and (not self._busy or self._overdue()):
                self._link.control.check()
            while not stopping and self._pause() <= 0 and self._take():
                request = self._due()
                if request is None and not fed and not self._full:
                    request = next(feed, None)
                    fed = request is None
                    self._bytes += len(request.body) if request else 0
                if request is not None and request.method:
                    self._start(request)
                    continue
                self._give()
                if request is None:
                    break
                yield request, None
            if not fed or self._busy or self._later:  # else it is at its end
                self._rest()

    def _overdue(self) -> bool:
        """On a slow line, a request may take longer than anybody waits for a pause."""
        if self._stop_at is None:
            self._stop_at = time.monotonic() + self._link.finish
        return self._link.control.hurried or time.monotonic() >= self._stop_at

    @property
    def _full(self) -> bool:
        """One request is always let in, however large."""
        return self._bytes >= self._memory or len(self._later) >= WAITING

    def _take(self) -> bool:
        taken = self._streams.take()
        self._taken += taken
        return taken

    def _give(self) -> None:
        self._taken -= 1
        self._streams.give()

    def _pause(self) -> float:
        """Seconds before anything may begin: the schedule, or the server, wants a pause."""
        return self._link.bandwidth.delay() or self._link.budget.take()

    def _queue(self, request: Request[Any], seconds: float) -> None:
        self._count += 1
        heapq.heappush(self._later, (time.monotonic() + seconds, self._count, request))

    def _due(self) -> Request[Any] | None:
        if self._later and self._later[0][0] <= time.monotonic():
            return heapq.heappop(self._later)[2]
        return None

    def _start(self, request: Request[Any]) -> None:
        self._link.bandwidth.sent(len(request.body))
        handle = self._idle.pop() if self._idle else Handle(self._link)
        handle.prepare(request, self._authorize(), self._link.bandwidth.rate)
        self._busy[handle.curl] = (handle, request)
        self._multi.add_handle(handle.curl)

    def _rest(self) -> None:
        """Wait for the network, for the time of a request that is to be tried again, or for leave to begin."""
        if self._busy:
            _, moving = self._multi.perform()
            self._measure()
            if moving == len(self._busy):
                self._multi.select(LOOK_SECONDS)
        elif not self._link.control.stopping:
            due = self._later[0][0] - time.monotonic() if self._later else TURN_SECONDS
            self._link.control.wait(min(LOOK_SECONDS, max(TURN_SECONDS, due, self._pause())))

    def _measure(self) -> None:
        """Meter what is on its way, now and then."""
        if time.monotonic() >= self._measure_at:
            self._measure_at = time.monotonic() + LOOK_SECONDS
            self._streams.meter.add(sum(handle.sent() for handle, _ in self._busy.values()))

    def _ended(self) -> Iterator[tuple[Request[Any], Answer | TransientError]]:
        if not self._busy:
            return
        _, ended, broken = self._multi.info_read()
        for curl, error in [*((curl, None) for curl in ended), *((curl, (code, text)) for curl, code, text in broken)]:
            handle, request = self._busy.pop(curl)
            self._multi.remove_handle(curl)
            self._streams.meter.add(handle.sent())
            self._idle.append(handle)
            self._give()
            result = handle.result(error, self._transient)
            if not isinstance(result, TransientError) or not self._again(request, result):
                self._bytes -= len(request.body)
                yield request, result

    def _again(self, request: Request[Any], error: TransientError) -> bool:
        """Whether the request is to be tried once more, and if so, when."""
        asked = error.retry_after
        if asked is not None:
            self._link.budget.pause(asked)
            request.waited += max(1.0, asked)
        request.failures += asked is None
        pause = self._link.retry.delay(max(1, request.failures), error)
        if pause is None or request.waited > self._link.retry.endurance:
            return False
        if request.rewind is not None:
            request.rewind()
        self._queue(request, pause)
        return True
