"""How Ctrl-C and a terminate signal reach running work: the first one asks it to pause, the second does not wait."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from migrate_api.cli.errors import STOPPED, say_stopped
from migrate_api.cli.output import console
from migrate_transfer.core.control import Control

GRACE = 1.5
"""Seconds after the second signal in which what can be closed is closed."""


def terminate_like_ctrl_c() -> None:
    """Let both end a command by an exception, so that everything is closed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


@contextmanager
def pausing(control: Control, *, ending: bool = False) -> Iterator[None]:
    """Within the block a signal stops the control as `paused`; a second one raises KeyboardInterrupt. With `ending` the
    process ends soon after that though one of its threads may wait for a service or a disk that gives no answer."""
    told = threading.Event()
    end = threading.Timer(GRACE, _end)
    end.daemon = True

    def stop(number: int, frame: FrameType | None) -> None:
        if told.is_set():
            if ending and not end.is_alive():
                end.start()
            raise KeyboardInterrupt
        # By a thread: the work that the signal interrupts may itself hold a lock that stopping needs.
        threading.Thread(target=_pause, args=(control, told)).start()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        end.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def _end() -> None:
    """Books that are closed so are as after a power cut: the next run goes on with them."""
    console().show_cursor()
    say_stopped()
    os._exit(STOPPED)


def _pause(control: Control, told: threading.Event) -> None:
    control.stop("paused")
    console().print("Pausing: what is on its way is finished first. Press Ctrl-C again not to wait for that.")
    told.set()
