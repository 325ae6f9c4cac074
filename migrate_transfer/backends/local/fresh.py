"""What a share says of a file now, rather than what this machine remembers of it: NFS, SMB and FUSE answer from memory
for up to a minute, and another machine may have written the file since."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from functools import cache

HERE, NO_FOLLOW, FORCE_SYNC, BASIC = -100, 0x100, 0x2000, 0x7FF
"""https://man7.org/linux/man-pages/man2/statx.2.html"""
ANSWER_BYTES = 256
NOT_KNOWN = (errno.ENOSYS, errno.EPERM, errno.EINVAL)
"""An old kernel, or a container that lets nobody ask so."""


def ask_anew(path: bytes, folder: int | None) -> bool:
    """Have the file's status fetched from where it lies: the next `lstat` says that. False where the system cannot be
    asked so. Raises OSError where the share does not answer: the next `lstat` may do so, from memory."""
    statx = _statx()
    if statx is None:
        return False
    refused = statx(HERE if folder is None else folder, path)
    if refused and refused not in NOT_KNOWN:
        raise OSError(refused, os.strerror(refused))
    return not refused


@cache
def _statx() -> Callable[[int, bytes], int] | None:
    """Gives the number of the error; 0 for none."""
    if sys.platform != "linux":
        return None
    import ctypes  # seldom needed, and slow to load

    found = getattr(ctypes.CDLL(None, use_errno=True), "statx", None)
    if found is None:
        return None

    def ask(folder: int, path: bytes) -> int:
        answer = ctypes.create_string_buffer(ANSWER_BYTES)
        return ctypes.get_errno() if found(folder, path, NO_FOLLOW | FORCE_SYNC, BASIC, answer) else 0

    return ask
