"""The `migrate` command line: one file a group of verbs. Here only the door: what stands behind it takes a moment to
load, and Ctrl-C may come in that moment."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from types import FrameType

STOPPED = 130
TOLD = b"""{"error": {"code": "STOPPED", "message": "Stopped before anything had begun.", "remedy": "Start it again."}}
"""


def main() -> None:
    """Entry point; ends the process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _nothing_begun)
    with loading():
        import_module("migrate_api.cli.outlets").open_outlets()
        run = import_module("migrate_api.cli.application").run
    run()


@contextmanager
def loading() -> Iterator[None]:
    """Modules are loaded: what they make stays, so nothing of it is looked at for garbage, now or later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _nothing_begun(number: int, frame: FrameType | None) -> None:
    with suppress(OSError):
        os.write(2, b"Stopped before anything had begun.\n")
        if "--json" in sys.argv:
            os.write(1, TOLD)
    os._exit(STOPPED)
