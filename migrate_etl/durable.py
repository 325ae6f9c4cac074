"""On the disk: what something else relies on must not go with the power. Whole or absent is the caller's business."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

Sync = Callable[[Path], None]


def on_disk(path: Path) -> None:
    """Return once a file's bytes, or the names in a folder, are on the disk. Raises OSError.

    Windows has no such call for a folder: NTFS keeps a journal of its names.
    """
    folder = path.is_dir()
    if folder and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def made_again(path: Path) -> None:
    """For what the next attempt makes anew in any case: it need not be on the disk."""


def all_on_disk(folder: Path, sync: Sync = on_disk) -> None:
    """Everything below the folder, then the folder itself. Raises OSError."""
    for root, _, names in os.walk(folder, topdown=False):
        for name in sorted(names):
            sync(Path(root, name))
        sync(Path(root))
