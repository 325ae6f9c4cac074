"""Work that may wait for a stranger, on a few threads of its own: it holds up neither other work nor the end."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class Errands:
    """So many at once, the others in turn. An errand must not raise; what is not done when the process ends is
    forgotten."""

    def __init__(self, kind: str, at_once: int) -> None:
        self._waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        for _ in range(at_once):
            threading.Thread(target=self._run, name=kind, daemon=True).start()

    def do(self, errand: Callable[[], None]) -> None:
        """As soon as a thread is free."""
        self._waiting.put(errand)

    def _run(self) -> None:
        while True:
            self._waiting.get()()
