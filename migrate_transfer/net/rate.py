"""One pace for all who share a server's limit: threads, and through a small file the processes of one machine.

Only what the server says counts, measured by the clock that nobody can set (it is one for all processes, and begins
anew with the machine). What is remembered is when the server spoke and how long that holds, so a memory from before a
restart is recognised, and nobody ever waits longer than the server asked.
"""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import StorageError
from migrate_transfer.leases import lock, unlock

LONGEST_WAIT = 3600.0
"""Seconds; a server that asks for more is asked again after this."""

GLANCE = 5.0
"""Seconds after which a waiting thread looks again: the server may have told another that the way is free."""

SAME_WINDOW = 2.5
"""Seconds by which two answers may disagree on the end of one window: dates and resets are whole seconds."""


@dataclass(frozen=True, slots=True)
class _Word:
    """What the server said at `since`: for `seconds` from then, `left` more requests."""

    since: float = 0.0
    seconds: float = 0.0
    left: int = 0

    def holds(self, now: float) -> bool:
        return self.since <= now < self.end and self.seconds <= LONGEST_WAIT

    @property
    def end(self) -> float:
        return self.since + self.seconds


class RateBudget:
    """Thread-safe. With a `path`, shared by all processes that name the same file."""

    def __init__(self, path: Path | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._memory: _Memory | _SharedFile = _SharedFile(path) if path else _Memory()
        self._clock = clock

    def close(self) -> None:
        self._memory.close()

    def wait(self, control: Control) -> None:
        """Take leave for one request, waiting until the server grants more. Raises Stopped."""
        while (pause := self.take()) > 0:
            control.wait(min(pause, GLANCE))

    def take(self) -> float:
        """Take leave for one request if there is any: 0, or the seconds until there may be."""
        with self._lock, self._memory.exclusive():
            now, word = self._clock(), self._memory.read()
            if not word.holds(now):
                return 0.0
            if word.left <= 0:
                return word.end - now
            self._memory.write(_Word(word.since, word.seconds, word.left - 1))
            return 0.0

    def pause(self, seconds: float) -> None:
        """The server asked for a pause of so many seconds: nobody asks it anything before."""
        with self._lock, self._memory.exclusive():
            now, word = self._clock(), self._memory.read()
            if not (word.holds(now) and word.left <= 0 and word.end >= now + seconds):
                self._memory.write(_Word(now, min(max(0.0, seconds), LONGEST_WAIT), 0))

    def window(self, left: int, seconds: float) -> None:
        """The server grants `left` more requests for the next `seconds`.

        Answers overtake each other, so within one window the smaller number stands; a pause is not talked away by an
        answer that was under way when it was asked for.
        """
        with self._lock, self._memory.exclusive():
            now, word = self._clock(), self._memory.read()
            held = word.holds(now)
            if held and abs(word.end - now - seconds) < SAME_WINDOW:
                self._memory.write(_Word(word.since, word.seconds, min(word.left, left)))
            elif not (held and word.left <= 0):
                self._memory.write(_Word(now, min(max(0.0, seconds), LONGEST_WAIT), left))


class _Memory:
    """The server's last word, for the threads of one process."""

    def __init__(self) -> None:
        self._word = _Word()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        yield

    def read(self) -> _Word:
        return self._word

    def write(self, word: _Word) -> None:
        self._word = word

    def close(self) -> None:
        """Nothing to let go."""


class _SharedFile:
    """The server's last word, in a file of 24 bytes under the operating system's lock."""

    FORM = struct.Struct("<ddq")

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            self._file: IO[bytes] = path.open("r+b", buffering=0)
        except OSError as error:
            raise StorageError(f"{path.name} cannot be written: {error.strerror or error}") from error

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        try:
            lock(self._file, wait=True)
            try:
                yield
            finally:
                unlock(self._file)
        except OSError as error:
            raise StorageError(f"The shared pace cannot be kept: {error.strerror or error}") from error

    def read(self) -> _Word:
        self._file.seek(0)
        kept = self._file.read(self.FORM.size)
        return _Word(*self.FORM.unpack(kept)) if len(kept) == self.FORM.size else _Word()

    def write(self, word: _Word) -> None:
        self._file.seek(0)
        self._file.write(self.FORM.pack(word.since, word.seconds, word.left))

    def close(self) -> None:
        self._file.close()
