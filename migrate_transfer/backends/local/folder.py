"""What lies in one folder of a disk or a mounted share, by name.

To ask the file system for a file takes a microsecond and a half. What is done for each file here is to take less.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from operator import eq
from typing import TypeAlias

from migrate_transfer.backends.local.files import FOLLOW, gone, is_junction, item_error, item_of, place, require_root
from migrate_transfer.core.backend import Item, Oddity
from migrate_transfer.core.names import key_of, path_of, plain

BY_NUMBER = os.scandir in os.supports_fd and os.stat in os.supports_dir_fd
"""Whether an open folder can be asked for what is in it: a shorter way for each file, and the folder cannot become
another one meanwhile."""
KIND = 0o170000
"""The bits of a mode that say what it is."""
WINDOWS = os.name == "nt"
DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{kind}{number}" for kind in ("COM", "LPT") for number in range(1, 10))}
)
Entry: TypeAlias = os.DirEntry[str]
Name: TypeAlias = str | bytes
Listed: TypeAlias = tuple[list[Item | Oddity], list[bytes]]
"""What lies in a folder, and the paths of the folders in it."""


class Folders:
    """The folders below `root`, which is at `real` and has that number; each is named by its path from there."""

    def __init__(self, root: bytes, real: bytes, number: int) -> None:
        self._root, self._real, self._number = root, real, number

    @property
    def places(self) -> tuple[bytes, bytes, int]:
        """What makes another one."""
        return self._root, self._real, self._number

    def slices(self, folder: bytes, below: list[bytes], most: int) -> Iterator[list[Item | Oddity]]:
        """What lies in a folder, `most` entries together, as the file system has them; the folders in it go to
        `below`. Raises SourceError when the root cannot be read."""
        try:
            with self._opened(folder) as (found, number):
                while some := list(islice(found, most)):
                    yield self._entries(folder, some, number, below)
        except OSError as error:
            yield [self._broken(folder, error)]

    def whole(self, folder: bytes, most: int) -> Listed | None:
        """All that lies in a folder; None where that is more than `most`. Raises as `slices`."""
        below: list[bytes] = []
        try:
            with self._opened(folder) as (found, number):
                some = list(islice(found, most + 1))
                return None if len(some) > most else (self._entries(folder, some, number, below), below)
        except OSError as error:
            return [self._broken(folder, error)], below

    def _broken(self, folder: bytes, error: OSError) -> Oddity:
        if not folder:
            raise gone(self._root, error.strerror) from error
        require_root(self._root, self._number)
        return _unreadable(key_of(folder), error, folder=True)

    @contextmanager
    def _opened(self, folder: bytes) -> Iterator[tuple[Iterator[Entry], int | None]]:
        """Its entries, and its number while it is open. It may have become a link since it was listed: what that leads
        to is not listed. Raises OSError, SourceError."""
        if not folder:
            require_root(self._root, self._number)
        path = os.path.join(self._root, folder)
        if not BY_NUMBER:
            with os.scandir(os.fsdecode(path)) as found:
                yield found, None
            return
        number = os.open(path, FOLLOW if folder else os.O_RDONLY)
        try:
            if folder and place(number, path) != os.path.join(self._real, folder):
                raise OSError(errno.ELOOP, "moved")
            with os.scandir(number) as found:
                yield found, number
        finally:
            os.close(number)

    def _entries(
        self, folder: bytes, found: Sequence[Entry], number: int | None, below: list[bytes]
    ) -> list[Item | Oddity]:
        """Raises SourceError when the root is gone, and with it each of them."""
        entries: list[Item | Oddity] = []
        folders: set[bytes] | None = None
        for key, name in _named(folder, found):
            if WINDOWS and misread(os.fsdecode(name)):
                entries.append(_misread(key))
                continue
            try:
                # By its path where a folder has no number.
                status = os.lstat(name if BY_NUMBER else os.path.join(self._root, path_of(key)), dir_fd=number)
            except OSError as error:
                folders = _folders(found) if folders is None else folders
                if os.fsencode(name) not in folders:
                    require_root(self._root, self._number)
                    entries.append(_unreadable(key, error))
                    continue
                kind = stat.S_IFDIR  # looked into, it says itself why it cannot be read
            else:
                kind = status.st_mode & KIND
                if kind == stat.S_IFREG:
                    entries.append(item_of(key, status))
                    continue
                if kind != stat.S_IFDIR or is_junction(status):
                    entries.append(_left(key, kind))
                    continue
            below.append(path_of(key))
        return entries


def _named(folder: bytes, found: Iterable[Entry]) -> Iterable[tuple[str, Name]]:
    """Key and name of each, by name, byte by byte. Looked at together: most need no second look. XFS and NFS show a
    name twice that was deleted and made anew, or replaced, while they are asked: it counts once."""
    names = sorted(each.name for each in found)
    if any(map(eq, names, names[1:])):
        names = sorted({*names})
    if not names:
        return []
    together, prefix = os.fsencode("/".join(names)), folder + b"/" if folder else b""
    if plain(prefix + together):
        before = prefix.decode("ascii")
        return zip([before + name for name in names], names, strict=True)
    return [(key_of(prefix + name), name) for name in sorted(together.split(b"/"))]


def misread(name: str) -> bool:
    """Whether Windows, asked for a name that another system has given, takes it for another one: dots and spaces at the
    end are dropped, and `aux.c` is a device."""
    return name.endswith((".", " ")) or name.partition(".")[0].rstrip().upper() in DEVICES


def _folders(found: Iterable[Entry]) -> set[bytes]:
    """Those of the entries that are folders by the word of the folder itself, though they cannot be asked for."""
    folders = set()
    for each in found:
        with suppress(OSError):
            if each.is_dir(follow_symlinks=False):
                folders.add(os.fsencode(each.name))
    return folders


def _left(key: str, kind: int) -> Oddity:
    if kind == stat.S_IFDIR:
        return Oddity(key, "skipped", "link", "A junction or mount point is not followed.")
    if kind == stat.S_IFLNK:
        return Oddity(key, "skipped", "link", "A symbolic link is not followed.")
    return Oddity(key, "skipped", "special_file", "A pipe, socket or device has no content to move.")


def _misread(key: str) -> Oddity:
    message = "Windows takes this name for that of another file, or of a device."
    return Oddity(key, "failed", "SOURCE_UNREADABLE", message, "Rename it, or move it from the system that named it.")


def _unreadable(key: str, error: OSError, *, folder: bool = False) -> Oddity:
    found = item_error(error)
    return Oddity(key, "failed", found.error_code, found.message, found.remedy, folder=folder)
