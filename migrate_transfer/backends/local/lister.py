"""`python -m migrate_transfer.backends.local.lister`: lists folders in a process of its own, for one that lists others.

Standard input brings first the root, then lists of folders again and again; standard output gives an empty list as soon
as the process is there, then for each list of folders one of how many entries each has, and them. The end of standard
input is its end.
"""

from __future__ import annotations

import marshal
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import IO, Any, TypeAlias

from migrate_transfer.backends.local.folder import Folders, Listed
from migrate_transfer.core.backend import Item, Oddity
from migrate_transfer.core.errors import SourceError

FEW = 20_000
"""A folder with more entries is for who has its turn: it is not held in memory as a whole."""
HEAD = 8
"""Bytes that say how long a message is."""
END_SECONDS = 5.0
FLAT = 2
"""This version of the format looks for no value a second time, and is the faster for it."""
Told: TypeAlias = tuple[bytes, int, bytes | None]
"""A folder, how many entries it has, and them; None where it has more than FEW or its root is gone."""


class Lister:
    """The process, as who orders from it sees it. What it told is read as it comes, so that neither waits for ever."""

    def __init__(self, folders: Folders) -> None:
        command = [sys.executable, "-P", "-m", "migrate_transfer.backends.local.lister"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._orders: deque[Sequence[bytes]] = deque()
        self._queue: SimpleQueue[Any] = SimpleQueue()
        self._first: list[Any] = []
        self.ready, self.lost = False, False
        threading.Thread(target=self._listen, name="lister", daemon=True).start()
        self._send(folders.places)

    @property
    def orders(self) -> int:
        """How many it has that it did not answer."""
        return len(self._orders)

    def close(self) -> None:
        """End it; what it has under way is of no use."""
        self._process.kill()
        with suppress(OSError):
            self._pipe(self._process.stdin).close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)

    def order(self, folders: Sequence[bytes]) -> None:
        self._orders.append(folders)
        self._send(folders)

    def told(self) -> Iterator[Told]:
        """What it told until now."""
        with suppress(Empty):
            while True:
                answer = self._first.pop() if self._first else self._queue.get_nowait()
                if answer is None:
                    self.ready, self.lost = False, True
                    self._orders.clear()
                elif not self.ready:
                    self.ready = True
                else:
                    for folder, (count, found) in zip(self._orders.popleft(), answer, strict=True):
                        yield folder, count, found

    def wait(self, seconds: float) -> None:
        """Until there is something to be told."""
        with suppress(Empty):
            self._first.append(self._queue.get(timeout=seconds))

    def _send(self, value: Any) -> None:
        with suppress(OSError):  # it is lost, and its standard output says so
            _write(self._pipe(self._process.stdin), value)

    def _listen(self) -> None:
        with self._pipe(self._process.stdout) as told:
            try:
                while True:
                    self._queue.put(_read(told))
            except (EOFError, OSError, ValueError):
                self._queue.put(None)

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe


def packed(found: Listed) -> bytes:
    """In few bytes, made and read in less time than a pickle: column by column, what is no file apart."""
    entries, below = found
    items = [one for one in entries if isinstance(one, Item)]
    others = [(at, tuple(one)) for at, one in enumerate(entries) if not isinstance(one, Item)]
    return marshal.dumps((tuple(zip(*items, strict=True)), others, below), FLAT)


def unpacked(data: bytes) -> Listed:
    columns, others, below = marshal.loads(data)
    entries: list[Item | Oddity] = list(map(partial(tuple.__new__, Item), zip(*columns, strict=True)))
    for at, one in others:
        entries.insert(at, Oddity(*one))
    return entries, below


def _write(pipe: IO[bytes], value: Any) -> None:
    data = marshal.dumps(value, FLAT)
    pipe.write(len(data).to_bytes(HEAD, "little"))
    pipe.write(data)
    pipe.flush()


def _read(pipe: IO[bytes]) -> Any:
    """Raises EOFError."""
    size = int.from_bytes(_exactly(pipe, HEAD), "little")
    return marshal.loads(_exactly(pipe, size))


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _list(folders: Folders, folder: bytes) -> tuple[int, bytes | None]:
    try:
        found = folders.whole(folder, FEW)
    except SourceError:  # told by who lists it in its turn
        return 0, None
    return (0, None) if found is None else (len(found[0]), packed(found))


def serve(orders: IO[bytes], answers: IO[bytes]) -> None:
    """Until nobody orders any more."""
    folders = Folders(*_read(orders))
    _write(answers, [])
    with suppress(EOFError, OSError):
        while True:
            _write(answers, [_list(folders, folder) for folder in _read(orders)])


if __name__ == "__main__":
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, signal.SIG_IGN)  # the process that asked decides, and closes our standard input
    serve(sys.stdin.buffer, sys.stdout.buffer)
