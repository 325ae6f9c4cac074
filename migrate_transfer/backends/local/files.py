"""One file of a disk or a mounted share: what is known of it, its content, and what its errors mean."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

from migrate_transfer.backends.local.fresh import ask_anew
from migrate_transfer.core.backend import Item
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import ItemError, SourceError

BORN = hasattr(os.stat_result, "st_birthtime")
"""Whether the system says when a file was made."""
FIRST, LAST = -(2**63), 2**63 - 1
"""Nanoseconds in 64 bits: from 1677 to 2262. A file system may say 2446, or what a broken clock made of it."""
FOLLOW = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Not through a link put there since the listing; a pipe put there does not block."""

TICK, COARSE_TICK = 20_000_000, 2_000_000_000
"""Nanoseconds: the clock of a file system goes in steps of up to 10 ms (Linux with HZ=100), of 16 on Windows; where
times are whole seconds, in steps of one or two (FAT)."""
AT_ONCE = 2**20
"""Bytes that a share gives in one piece. Reading more takes a while, in which another machine may write: what this one
remembers of the file does not show that."""
PATIENCE = 5
"""So often a file that is being written is waited for."""


class LocalReader:
    """An open file. What it gives is of one version, or `finish` says that it is not."""

    def __init__(
        self, number: int, item: Item, found: os.stat_result, path: bytes, broken: Callable[[OSError], ItemError]
    ) -> None:
        self._number, self.item, self._path, self._broken = number, item, path, broken
        self._version = _version(found)

    def read(self, size: int) -> bytes:
        try:
            data = os.read(self._number, size)
            while len(data) < size and (more := os.read(self._number, size - len(data))):
                data += more
        except OSError as error:
            raise self._broken(error) from error
        return data

    def finish(self) -> None:
        if self.item.size > AT_ONCE:
            ask_anew(self._path, None)
        try:
            if _version(os.fstat(self._number)) != self._version:
                raise changed("changed while it was read")
            if _version(os.lstat(self._path)) != self._version:
                raise changed("was replaced while it was read")
        except OSError as error:
            raise self._broken(error) from error


def _version(found: os.stat_result) -> tuple[int, ...]:
    """What `item_of` makes the item's version of, and its size and time: another file or another content differs."""
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def settled(look: Callable[[], os.stat_result]) -> os.stat_result:
    """A file as it is, once its last change lies a tick of its clock behind: the next one gets another time then, and
    shows. Raises ItemError for a file that is written without a pause."""
    for _ in range(PATIENCE):
        found = look()
        rest = _tick_left(found.st_mtime_ns if os.name == "nt" else found.st_ctime_ns)
        if rest <= 0:
            return found
        Control().wait(rest / 1e9)
    raise changed("is being written all the time")


def _tick_left(written: int) -> int:
    """Nanoseconds; 0 where the clock of the file system is another one (a share's may be hours off)."""
    tick, age = COARSE_TICK if written % 10**9 == 0 else TICK, time.time_ns() - written
    return tick - age if abs(age) < tick else 0


def place(number: int, path: bytes) -> bytes:
    """Where an open file lies: a folder above it may have become a link since the listing, and lead elsewhere."""
    try:
        return os.readlink(b"/proc/self/fd/%d" % number)
    except OSError:  # a system without /proc
        return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def listed_at(real: bytes, path: bytes, system: ModuleType = os.path) -> bytes:
    """Where a file of that path below the root lies, if nothing was moved: as `place` says it."""
    return bytes(system.join(real, path.replace(b"/", system.sep.encode())))


@contextmanager
def opened(folder: bytes) -> Iterator[tuple[int | None, bytes]]:
    """A folder's number while it is open, and where it lies; the number is None where folders have none."""
    if os.stat not in os.supports_dir_fd or os.unlink not in os.supports_dir_fd:
        yield None, os.path.realpath(folder)
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        yield number, place(number, folder)
    finally:
        os.close(number)


def item_of(key: str, found: os.stat_result) -> Item:
    """A file as the system knows it."""
    number, modified = found.st_ino, found.st_mtime_ns or 1  # 0 is the sign for a time that nobody knows
    if not FIRST <= modified <= LAST:
        modified = FIRST if modified < 0 else LAST
    created = born(found.st_birthtime) if BORN else 0  # type: ignore[attr-defined, unused-ignore]
    # A share has another device number after each mount; that alone makes no other version of a file.
    version = f"{found.st_ctime_ns}.{number}"
    # Of a file with several names one may go while the others stay: that is no rename.
    stable_id = f"{number}.{found.st_dev}" if found.st_nlink < 2 else ""
    # As Item(...) does, in half the time: this is a good part of what a listing costs.
    return tuple.__new__(Item, (key, found.st_size, modified, version, created, stable_id))


def born(seconds: float) -> int:
    """When a file was made; 0, not known, for what 64 bits do not hold: Windows says 1601 where nothing was noted."""
    created = int(seconds * 1e9)
    return created if FIRST <= created <= LAST else 0


def is_junction(status: os.stat_result) -> bool:
    """Whether a folder of Windows leads elsewhere."""
    return os.name == "nt" and bool(getattr(status, "st_reparse_tag", 0))


def number_of(root: bytes) -> int:
    """It stays the same when a share is mounted again. Raises SourceError."""
    try:
        return os.stat(root).st_ino
    except OSError as error:
        raise gone(root, error.strerror) from error


def require_root(root: bytes, number: int) -> None:
    """Raises SourceError when the folder of the job cannot be read, or is another one than it was: where a share is
    unmounted, the empty folder below it comes to light, and all its files are gone at once."""
    try:
        os.scandir(root).close()
    except OSError as error:
        raise gone(root, error.strerror) from error
    if number_of(root) != number:
        raise gone(root, "another folder is in its place")


def gone(root: bytes, why: str | None) -> SourceError:
    return SourceError(
        f"The folder {os.fsdecode(root)} cannot be read ({why}).",
        remedy="Check that the share is mounted and that the user who runs the job may read it; then start again.",
    )


def changed(how: str, what: str = "file") -> ItemError:
    return ItemError(
        f"The {what} {how}.",
        code="SOURCE_CHANGED",
        remedy="Run the job again when nobody writes the file, or copy from a snapshot.",
    )


def item_error(error: OSError) -> ItemError:
    if error.errno in (errno.EACCES, errno.EPERM):
        return ItemError(
            "The file or folder may not be read by the user who runs the job.",
            code="SOURCE_DENIED",
            remedy="Give that user the right to read it, and retry the failed items.",
        )
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return ItemError(
            "The file was there when it was listed and is gone now.",
            code="SOURCE_GONE",
            remedy="Nothing, if it was deleted on purpose; else restore it and retry the failed items.",
        )
    if error.errno == errno.ELOOP:
        return changed("was moved, or became a link, after it was listed", "file or folder")
    return ItemError(
        f"The file or folder cannot be read ({error.strerror}).",
        code="SOURCE_UNREADABLE",
        remedy="Check the disk and whether another program has locked the file; then retry the failed items.",
    )


def not_deleted(error: OSError) -> ItemError:
    """It could be read: what is missing is a right in its folder."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return item_error(error)
    return ItemError(
        f"The file was copied, and cannot be removed ({error.strerror}).",
        code="SOURCE_NOT_DELETED",
        remedy="Give the user who runs the job the right to write in its folder, and retry the failed items: nothing is"
        " sent again.",
    )
