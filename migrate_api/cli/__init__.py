"""The `migrate` command line: one file a group of verbs. Here only the door: what stands behind it takes a moment to
load, and Ctrl-C may come in that moment."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from types import FrameType

STOPPED = 130
TOLD = b"""{"error": {"code": "STOPPED", "message": "Stopped before anything had begun.", "remedy": "Start it again."}}
"""


def main() -> None:
    """Entry point; ends the process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _nothing_begun)
    import_module("migrate_api.cli.outlets").open_outlets()
    import_module("migrate_api.cli.application").run()


def _nothing_begun(number: int, frame: FrameType | None) -> None:
    with suppress(OSError):
        os.write(2, b"Stopped before anything had begun.\n")
        if "--json" in sys.argv:
            os.write(1, TOLD)
    os._exit(STOPPED)
