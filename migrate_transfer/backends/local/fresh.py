"""What a share says of a file now, rather than what this machine remembers of it: NFS, SMB and FUSE answer from memory
for up to a minute, and another machine may have written the file since."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache

HERE, NO_FOLLOW, FORCE_SYNC, BASIC = -100, 0x100, 0x2000, 0x7FF
"""https://man7.org/linux/man-pages/man2/statx.2.html"""
ANSWER_BYTES = 256


def ask_anew(path: bytes, folder: int | None) -> bool:
    """Have the file's status fetched from where it lies: the next `lstat` says that. False where the system cannot be
    asked so, or the file cannot: the next `lstat` says why."""
    statx = _statx()
    return statx is not None and statx(HERE if folder is None else folder, path) == 0


@cache
def _statx() -> Callable[[int, bytes], int] | None:
    if sys.platform != "linux":
        return None
    import ctypes  # seldom needed, and slow to load

    found = getattr(ctypes.CDLL(None), "statx", None)
    if found is None:
        return None
    return lambda folder, path: int(
        found(folder, path, NO_FOLLOW | FORCE_SYNC, BASIC, ctypes.create_string_buffer(ANSWER_BYTES))
    )
