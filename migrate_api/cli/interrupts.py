"""How Ctrl-C and a terminate signal reach running work: the first one asks it to pause, the second does not wait."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from migrate_api.cli.output import console
from migrate_transfer.core.control import Control


def terminate_like_ctrl_c() -> None:
    """Let SIGTERM end a command as Ctrl-C does: by an exception, so that everything is closed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextmanager
def pausing(control: Control) -> Iterator[None]:
    """Within the block a signal stops the control as `paused`; a second one raises KeyboardInterrupt."""
    told = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if told.is_set():
            raise KeyboardInterrupt
        # By a thread: the work that the signal interrupts may itself hold a lock that stopping needs.
        threading.Thread(target=_pause, args=(control, told)).start()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pause(control: Control, told: threading.Event) -> None:
    control.stop("paused")
    console.print("Pausing: what is on its way is finished first. Press Ctrl-C again not to wait for that.")
    told.set()
