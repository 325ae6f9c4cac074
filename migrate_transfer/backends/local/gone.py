"""Whether a file that was not listed is gone. To be asked before its copy is removed: rather no than yes."""

from __future__ import annotations

import os
import stat

from migrate_transfer.backends.local.files import is_junction


def is_gone(root: bytes, path: bytes) -> bool:
    """Whether there certainly is nothing of that name below the root now. What is behind a link, or cannot be looked
    at, may only be out of reach."""
    try:
        status = _reached(root, path)
        if stat.S_ISLNK(status.st_mode) or is_junction(status):
            return False
        return stat.S_ISDIR(status.st_mode) or (_has_another_name(root, path, status) and not is_listed(root, path))
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False


def _reached(root: bytes, path: bytes) -> os.stat_result:
    """What is there, or the link on the way there. Raises OSError."""
    here, parts = root, path.split(b"/")
    for part in parts[:-1]:
        here = os.path.join(here, part)
        status = os.lstat(here)
        if stat.S_ISLNK(status.st_mode) or is_junction(status):
            return status
    return os.lstat(os.path.join(here, parts[-1]))


def _has_another_name(root: bytes, path: bytes, status: os.stat_result) -> bool:
    """Whether upper and lower case are one there, as on a share of Windows: it may have been renamed to the other."""
    other = os.fsencode(os.fsdecode(path).swapcase())
    try:
        return other != path and os.path.samestat(os.lstat(os.path.join(root, other)), status)
    except OSError:
        return False


def is_listed(root: bytes, path: bytes) -> bool:
    """Whether the folders have exactly these names in them. Raises OSError."""
    here = root
    for part in path.split(b"/"):
        with os.scandir(here) as found:
            if not any(each.name == part for each in found):
                return False
        here = os.path.join(here, part)
    return True
