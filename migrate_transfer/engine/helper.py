"""`python -m migrate_transfer.engine.helper`: reads, hashes and sends small files in a process of its own.

Python lets one thread of a process work at a time, and small files are work for Python. The books stay with the process
that asks: this one knows a source, a way into the destination, and what it is told to put. Standard input brings
pickles: first (source, away, streams), then (access, [(upload, hashing), ...]) again and again; when it closes, what is
under way is finished. Standard output gives pickles: lists of (number, item, sha256, read, receipt or error), or at the
end the error with which nothing more can be done.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import IO, Any

from migrate_transfer.core.backend import Away, Source, Streams, Upload
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import MigrateError, Stopped
from migrate_transfer.engine.passage import Passage

TOLD = 32
"""Results told together."""

Order = tuple[str, list[tuple[Upload, bool]]]


class Helper:
    """Works off what `orders` brings and tells `answers`."""

    def __init__(self, orders: IO[bytes], answers: IO[bytes]) -> None:
        self._orders, self._answers = orders, answers
        self._queue: SimpleQueue[Order | None] = SimpleQueue()
        self._control = Control()
        self._access = ""
        self._done: list[tuple[Any, ...]] = []

    def run(self) -> None:
        """Returns when all is done, or when nobody asks any more."""
        source, away, streams = pickle.load(self._orders)
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self._work(source, away, Streams(streams))
        except Stopped:
            self._tell()
        except MigrateError as error:
            self._tell(error)

    def _read(self) -> None:
        try:
            while True:
                self._queue.put(pickle.load(self._orders))
        except (EOFError, OSError, pickle.UnpicklingError):
            self._control.stop("cancelled")
            self._queue.put(None)

    def _work(self, source: Source, away: Away, streams: Streams) -> None:
        sender = away.sender(streams, self._control, lambda: self._access)
        try:
            while (order := self._queue.get()) is not None:
                for upload, result in sender.put_all(self._contents(source, order)):
                    self._done.append((upload.number, upload.item, upload.sha256, upload.read, result))
                    if len(self._done) >= TOLD:
                        self._tell()
                self._tell()
        finally:
            sender.close()

    def _contents(self, source: Source, order: Order | None) -> Iterator[Passage]:
        """What is ordered, and what has been ordered since. Nothing here waits: what is under way would wait too."""
        while order is not None:
            self._access, wanted = order
            for upload, hashing in wanted:
                if self._control.stopping:
                    return
                yield Passage(source, upload, hashing=hashing)
            if self._queue.empty():
                return
            order = self._queue.get()
        self._queue.put(None)

    def _tell(self, error: MigrateError | None = None) -> None:
        done, self._done = self._done, []
        if done:
            pickle.dump(done, self._answers, pickle.HIGHEST_PROTOCOL)
        if error is not None:
            pickle.dump(error, self._answers, pickle.HIGHEST_PROTOCOL)
        self._answers.flush()


def main() -> None:
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, signal.SIG_IGN)  # the process that asked decides, and closes our standard input
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    code = 1
    try:
        Helper(sys.stdin.buffer, answers).run()
        code = 0
    finally:
        os._exit(code)  # whoever reads the orders may wait for the next one for ever


if __name__ == "__main__":
    main()
