"""Files of a local disk or a mounted share, as a source.

Links, sockets, pipes and devices are skipped and named; a folder that cannot be read is a failed entry; nothing is
followed out of the root. Listing goes folder by folder, the files of a folder before its folders, by name.
"""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from operator import attrgetter
from pathlib import Path

from migrate_transfer.core.backend import Features, Item, Meant, Oddity, Page, all_meant
from migrate_transfer.core.errors import InvalidRequest, ItemError, SourceError
from migrate_transfer.core.names import key_of, keys_of, path_of

NAME = attrgetter("name")
SORTED = 100_000
"""A folder with more entries is listed in the file system's own order, so that the memory it takes is bounded."""
BORN = hasattr(os.stat_result, "st_birthtime")
"""Whether the system says when a file was made."""
FIRST, LAST = -(2**63), 2**63 - 1
"""Nanoseconds in 64 bits: from 1677 to 2262. A file system may say 2446, or what a broken clock made of it."""
FOLLOW = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Not through a link put there since the listing; a pipe put there does not block."""


class LocalSource:
    """`root` is a folder; keys are relative to it. Raises InvalidRequest when it is none."""

    features = Features(
        lanes=2, small_lanes=1, stable_ids=True, folds_case=sys.platform in ("win32", "darwin"), portable=True
    )

    def __init__(self, root: str | Path) -> None:
        self.root = os.fsencode(os.path.abspath(root))
        self.mark = hashlib.sha256(socket.gethostname().encode() + b"\0" + self.root).hexdigest()[:16]
        self._real = os.path.realpath(self.root)
        if not os.path.isdir(self.root):
            raise InvalidRequest(
                f"{os.fsdecode(self.root)} is no folder that can be read.",
                code="SOURCE_NOT_FOUND",
                remedy="Check the path on the machine that does the work, and that its share is mounted.",
            )

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Iterator[Page]:
        """A page a folder; a cursor is the path of a folder that could be read. Raises SourceError when the root cannot
        be read."""
        waiting, lost = [b""], list[Oddity]()
        if cursor is not None:
            waiting = self._behind(path_of(cursor) if cursor else b"", lost, meant)
            yield Page(lost, None)
        while waiting:
            folder = waiting.pop()
            below: list[bytes] = []
            failed = False
            for entries in self._folder(folder, below, meant):
                failed = bool(_of(folder, entries))
                yield Page(entries, None)
            waiting.extend(sorted(below, reverse=True))
            yield Page((), None if failed else key_of(folder))

    def _behind(self, folder: bytes, lost: list[Oddity], meant: Meant) -> list[bytes]:
        """The folders that come after `folder` in the listing, last first. `lost` gets those among it and the ones
        above it that could be read before, and cannot be now."""
        waiting: list[bytes] = []
        done = b""
        for part in folder.split(b"/") if folder else []:
            here = done + b"/" + part if done else part
            waiting.extend(name for name in sorted(self._folders(done, lost, meant), reverse=True) if name > here)
            done = here
        return [*waiting, *sorted(self._folders(folder, lost, meant), reverse=True)]

    def _folders(self, folder: bytes, lost: list[Oddity], meant: Meant) -> list[bytes]:
        found: list[bytes] = []
        for entries in self._folder(folder, found, meant):
            lost += [one for one in _of(folder, entries) if one.code != "SOURCE_GONE"]
        return found

    def _folder(self, folder: bytes, below: list[bytes], meant: Meant) -> Iterator[list[Item | Oddity]]:
        """What lies in a folder, in slices; the folders in it go to `below`."""
        try:
            with os.scandir(os.path.join(self.root, folder)) as found:
                self._require_place(folder)
                for entries in _slices(found):
                    keys = keys_of(folder, [each.name for each in entries])
                    yield [
                        entry
                        for key, each in zip(keys, entries, strict=True)
                        if (entry := self._entry(key, each, below, meant)) is not None
                    ]
        except OSError as error:
            if not folder:
                raise self._gone(error) from error
            self._require_root()
            yield [_unreadable(key_of(folder), error, folder=True)]

    def _require_place(self, folder: bytes) -> None:
        """A folder may have become a link since it was listed: what that leads to is not listed. Raises OSError."""
        if not folder or not hasattr(os, "O_DIRECTORY"):
            return
        path = os.path.join(self.root, folder)
        number = os.open(path, FOLLOW)
        try:
            if _place(number, path) != os.path.join(self._real, folder):
                raise OSError(errno.ELOOP, "moved")
        finally:
            os.close(number)

    def _entry(self, key: str, entry: os.DirEntry[bytes], below: list[bytes], meant: Meant) -> Item | Oddity | None:
        try:
            if entry.is_dir(follow_symlinks=False):
                if _is_junction(entry):
                    return _left(key, "link", "A junction or mount point is not followed.")
                if not meant(key):
                    return Oddity(key, "skipped", "not_included", "The job's filters leave it out.", folder=True)
                below.append(path_of(key))
                return None
            found = entry.stat(follow_symlinks=False)
        except OSError as error:
            return _unreadable(key, error)
        if stat.S_ISREG(found.st_mode):
            return item_of(key, found)
        if stat.S_ISLNK(found.st_mode):
            return _left(key, "link", "A symbolic link is not followed.")
        return _left(key, "special_file", "A pipe, socket or device has no content to move.")

    def _require_root(self) -> None:
        try:
            os.scandir(self.root).close()
        except OSError as error:
            raise self._gone(error) from error

    def _gone(self, error: OSError) -> SourceError:
        return SourceError(
            f"The folder {os.fsdecode(self.root)} cannot be read ({error.strerror}).",
            remedy="Check that the share is mounted and that the user who runs the job may read it; then start again.",
        )

    @contextmanager
    def open(self, item: Item) -> Iterator[LocalReader]:
        path = os.path.join(self.root, path_of(item.key))
        with self._translated():
            number = os.open(path, FOLLOW)
        try:
            found = os.fstat(number)
            if not stat.S_ISREG(found.st_mode):
                raise _changed("is no regular file any more")
            if _place(number, path) != os.path.join(self._real, path_of(item.key)):
                raise _changed("was moved, or a folder above it became a link, after it was listed")
            yield LocalReader(number, item_of(item.key, found), found, path, self._broken)
        finally:
            os.close(number)

    def delete(self, item: Item) -> None:
        path = os.path.join(self.root, path_of(item.key))
        with self._translated():
            if item_of(item.key, os.lstat(path)) != item:
                raise _changed("changed after it was copied, and was not deleted")
            os.unlink(path)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._broken(error) from error

    def _broken(self, error: OSError) -> ItemError:
        """What it means for the item; raises SourceError when the root is gone."""
        self._require_root()
        return _item_error(error)


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
        try:
            if _version(os.fstat(self._number)) != self._version:
                raise _changed("changed while it was read")
            if _version(os.lstat(self._path)) != self._version:
                raise _changed("was replaced while it was read")
        except OSError as error:
            raise self._broken(error) from error


def _version(found: os.stat_result) -> tuple[int, ...]:
    """What `item_of` makes the item's version of, and its size and time: another file or another content differs."""
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _place(number: int, path: bytes) -> bytes:
    """Where an open file lies: a folder above it may have become a link since the listing, and lead elsewhere."""
    try:
        return os.readlink(b"/proc/self/fd/%d" % number)
    except OSError:  # a system without /proc
        return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def item_of(key: str, found: os.stat_result) -> Item:
    created = int(found.st_birthtime * 1e9) if BORN else 0  # type: ignore[attr-defined, unused-ignore]
    modified = found.st_mtime_ns
    if not FIRST <= modified <= LAST:
        modified = FIRST if modified < 0 else LAST
    # A share has another device number after each mount; that alone makes no other version of a file.
    version = f"{found.st_ctime_ns:x}.{found.st_ino:x}"
    return Item(key, found.st_size, modified, version, created, f"{found.st_ino:x}.{found.st_dev:x}")


def _slices(found: Iterator[os.DirEntry[bytes]]) -> Iterator[list[os.DirEntry[bytes]]]:
    """All entries sorted, where they are few enough; else slices of them as they come."""
    while len(slice_ := list(islice(found, SORTED))) == SORTED:
        yield slice_
    yield sorted(slice_, key=NAME)


def _is_junction(entry: os.DirEntry[bytes]) -> bool:
    tag = getattr(entry.stat(follow_symlinks=False), "st_reparse_tag", 0) if os.name == "nt" else 0
    return bool(tag)


def _left(key: str, rule: str, message: str) -> Oddity:
    return Oddity(key, "skipped", rule, message)


def _unreadable(key: str, error: OSError, *, folder: bool = False) -> Oddity:
    found = _item_error(error)
    return Oddity(key, "failed", found.error_code, found.message, found.remedy, folder=folder)


def _of(folder: bytes, entries: Sequence[Item | Oddity]) -> list[Oddity]:
    """What is said of the folder itself: that it cannot be read."""
    return [one for one in entries[:1] if isinstance(one, Oddity) and one.folder and one.key == key_of(folder)]


def _changed(how: str, what: str = "file") -> ItemError:
    return ItemError(
        f"The {what} {how}.",
        code="SOURCE_CHANGED",
        remedy="Run the job again when nobody writes the file, or copy from a snapshot.",
    )


def _item_error(error: OSError) -> ItemError:
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
        return _changed("was moved, or became a link, after it was listed", "file or folder")
    return ItemError(
        f"The file or folder cannot be read ({error.strerror}).",
        code="SOURCE_UNREADABLE",
        remedy="Check the disk and whether another program has locked the file; then retry the failed items.",
    )
