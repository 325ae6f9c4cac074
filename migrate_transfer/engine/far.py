"""A sender whose uploads are done by a helper, a process of its own: small files keep more than one core busy then."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, islice
from queue import Empty, SimpleQueue
from typing import Any

from migrate_transfer.core.backend import Away, Content, Meter, Receipt, Rename, Sender, Source, Tier, Upload
from migrate_transfer.core.control import Control
from migrate_transfer.core.cores import cores

TOGETHER, AHEAD = 64, 192
"""Uploads ordered at once, and how many may be ordered and not answered."""
LOOK_SECONDS = 0.2
FINISH_SECONDS = 20.0
"""How long a helper may finish what is under way when a stop is asked for."""
FARTHEST = 3
STREAMS_EACH = 4


def helpers(concurrency: int) -> int:
    """How many helpers pay on this machine: one for each core that is left, while each has some streams."""
    return max(0, min(cores() - 1, FARTHEST, concurrency // STREAMS_EACH - 1))


class FarSender:
    """`near` does everything else, and the uploads too when there is no helper, or none any more."""

    def __init__(
        self,
        near: Sender,
        source: Source,
        away: Callable[[], Away | None],
        streams: int,
        control: Control,
        meter: Meter,
    ) -> None:
        self._near, self._source, self._away, self._streams, self._control = near, source, away, streams, control
        self._meter = meter
        self._helper: subprocess.Popen[bytes] | None = None
        self._answers: SimpleQueue[Any] = SimpleQueue()
        self._lost = False
        self._stop_at: float | None = None

    def close(self) -> None:
        """End the helper, and let connections go."""
        self._near.close()
        if self._helper is None:
            return
        assert self._helper.stdin is not None
        assert self._helper.stdout is not None
        with suppress(OSError):
            self._helper.stdin.close()
        try:
            self._helper.wait(0 if self._control.hurried else FINISH_SECONDS)
        except subprocess.TimeoutExpired:
            self._helper.kill()
            self._helper.wait()

    def reread_all(self, keys: Iterator[str]) -> Iterator[tuple[str, str | Exception]]:
        return self._near.reread_all(keys)

    def tier_all(self, keys: Iterator[str], tier: Tier) -> Iterator[tuple[str, Exception | None]]:
        return self._near.tier_all(keys, tier)

    def delete_all(self, objects: Iterator[tuple[str, str]]) -> Iterator[tuple[str, Exception | None]]:
        return self._near.delete_all(objects)

    def mark_all(self, objects: Iterator[tuple[str, str]], *, moved: bool) -> Iterator[tuple[str, str | Exception]]:
        return self._near.mark_all(objects, moved=moved)

    def copy_all(self, renames: Iterator[Rename]) -> Iterator[tuple[Rename, Receipt | Exception]]:
        return self._near.copy_all(renames)

    def put_all(self, contents: Iterator[Content]) -> Iterator[tuple[Upload, Receipt | Exception]]:
        waiting: dict[int, Content] = {}
        fed = False
        while not self._lost and not (fed and not waiting):
            while not fed and not self._lost and len(waiting) <= AHEAD - TOGETHER:
                some = list(islice(contents, TOGETHER))
                fed = len(some) < TOGETHER
                waiting.update((one.upload.number, one) for one in some)
                self._lost = bool(some) and not self._order(some)
            yield from self._ended(waiting)
        if self._control.stopping:
            return
        # What a lost helper has put is found there, and not sent again.
        yield from self._near.put_all(chain(waiting.values(), contents))

    def _order(self, some: list[Content]) -> bool:
        """Whether there is a helper that was told."""
        away = self._away()
        if away is None:
            return False
        try:
            if self._helper is None:
                self._start(away)
            assert self._helper is not None
            assert self._helper.stdin is not None
            order = (away.access, [(one.upload, one.hashing) for one in some])
            pickle.dump(order, self._helper.stdin, pickle.HIGHEST_PROTOCOL)
            self._helper.stdin.flush()
        except OSError:
            return False
        return True

    def _start(self, away: Away) -> None:
        command = [sys.executable, "-P", "-m", "migrate_transfer.engine.helper"]  # -P: not from the current folder
        # What it fails with, this process meets too when it takes over, and tells in its own words.
        self._helper = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._helper.stdin is not None
        pickle.dump((self._source, away, self._streams), self._helper.stdin, pickle.HIGHEST_PROTOCOL)
        threading.Thread(target=self._listen, name="helper", daemon=True).start()

    def _listen(self) -> None:
        assert self._helper is not None
        assert self._helper.stdout is not None
        with self._helper.stdout as told:
            try:
                while True:
                    self._answers.put(pickle.load(told))
            except (EOFError, OSError, pickle.UnpicklingError):
                self._answers.put(None)

    def _ended(self, waiting: dict[int, Content]) -> Iterator[tuple[Upload, Receipt | Exception]]:
        """Some of what has ended. Raises what the helper ended with."""
        if not waiting or self._lost:
            return
        if self._control.stopping:
            self._let_finish()
        try:
            told = self._answers.get(timeout=LOOK_SECONDS)
        except Empty:
            return
        if isinstance(told, Exception):
            raise told
        self._lost = told is None
        for number, item, sha256, read, result in told or ():
            upload = waiting.pop(number).upload
            upload.item, upload.sha256, upload.read = item, sha256, read
            self._meter.add(result.sent if isinstance(result, Receipt) else 0)
            yield upload, result

    def _let_finish(self) -> None:
        assert self._helper is not None
        assert self._helper.stdin is not None
        if self._stop_at is None:
            self._stop_at = time.monotonic() + FINISH_SECONDS
            with suppress(OSError):
                self._helper.stdin.close()
        if self._control.hurried or time.monotonic() >= self._stop_at:
            self._helper.kill()
