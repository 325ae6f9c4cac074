"""The environment of a process that runs an import: no secrets, and allocators that give memory back."""

from __future__ import annotations

import ctypes
import os
import sys

KEPT_BACK = ("MIGRATE_ROCK_CONNECTION", "MIGRATE_MISSION_KEY", "PYTHONDONTWRITEBYTECODE")
"""Secrets travel by standard input alone; without byte code each process would pay for compiling Dagster."""

FRUGAL = {
    "MALLOC_ARENA_MAX": "2",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "_RJEM_MALLOC_CONF": "narenas:2,dirty_decay_ms:500,muzzy_decay_ms:0",
}
"""Threads that come and go leave an arena each, Arrow's own pool holds on to what it freed, and that of polars gives
it back only where the system runs short: a quarter of the peak (bench/RESULTS.md). All are read once, when a process
starts. Whoever has set them knows better."""


def import_environment() -> dict[str, str]:
    """What `python -m assets.run` is to be started with."""
    return {name: value for name, value in {**FRUGAL, **os.environ}.items() if name not in KEPT_BACK}


def give_back() -> None:
    """Hand back to the system what glibc holds as freed between what is in use: after an entity of a million people,
    67 MB. Other C libraries have no such call."""
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)
