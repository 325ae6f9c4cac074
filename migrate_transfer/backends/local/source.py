"""Files of a local disk or a mounted share, as a source.

Links, sockets, pipes and devices are skipped and named; a folder that cannot be read is a failed entry; nothing is
followed out of the root. How folders are listed is in `listing.py`.
"""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from migrate_transfer.backends.local.files import (
    FOLLOW,
    LocalReader,
    changed,
    item_error,
    item_of,
    listed_at,
    not_deleted,
    number_of,
    opened,
    place,
    require_root,
    settled,
)
from migrate_transfer.backends.local.fresh import ask_anew
from migrate_transfer.backends.local.gone import is_gone
from migrate_transfer.backends.local.listing import Listing
from migrate_transfer.backends.local.mounts import mounted
from migrate_transfer.core.backend import Features, Item, Meant, Page, all_meant
from migrate_transfer.core.errors import InvalidRequest, ItemError
from migrate_transfer.core.names import path_of


class LocalSource:
    """`root` is a folder; keys are relative to it. `hosts` did the same job before. Raises InvalidRequest when it is
    none."""

    features = Features(lanes=2, small_lanes=1, folds_case=sys.platform in ("win32", "darwin"), portable=True)

    def __init__(self, root: str | Path, hosts: Iterable[str] = ()) -> None:
        self.root = os.fsencode(os.path.abspath(root))
        self.mark, self.earlier = self._mark(socket.gethostname()), frozenset(map(self._mark, hosts))
        self._real = os.path.realpath(self.root)
        if not os.path.isdir(self.root):
            raise InvalidRequest(
                f"{os.fsdecode(self.root)} is no folder that can be read.",
                code="SOURCE_NOT_FOUND",
                remedy="Check the path on the machine that does the work, and that its share is mounted.",
            )
        self._number = number_of(self.root)

    def _mark(self, host: str) -> str:
        return hashlib.sha256(host.encode() + b"\0" + self.root).hexdigest()[:16]

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
        """A page a folder, several for a large one; a cursor is the path of a folder that could be read. Raises
        SourceError when the root cannot be read."""
        # Between two passes of a sync it may become another one, by a link that leads to the newest snapshot.
        self._real, self._number = os.path.realpath(self.root), number_of(self.root)
        return Listing(self.root, self._real, self._number, meant).pages(cursor)

    def place(self) -> str:
        """Its number: a share has another device number after each mount. Raises SourceError."""
        return str(number_of(self.root))

    def mounts(self) -> dict[str, str]:
        return mounted(os.path.realpath(self.root))  # asked before the next pass lists, too

    def is_gone(self, key: str) -> bool:
        return is_gone(self.root, path_of(key))

    @contextmanager
    def open(self, item: Item) -> Iterator[LocalReader]:
        path = os.path.join(self.root, path_of(item.key))
        with self._translated():
            number = os.open(path, FOLLOW)
        try:
            with self._translated():
                regular = stat.S_ISREG(os.fstat(number).st_mode)
            if not regular:
                raise changed("is no regular file any more")
            self._require_place(place(number, path), item)
            with self._translated():
                found = settled(lambda: os.fstat(number))
            yield LocalReader(number, item_of(item.key, found), found, path, self._broken)
        finally:
            os.close(number)

    def delete(self, item: Item) -> None:
        folder, name = os.path.split(os.path.join(self.root, path_of(item.key)))
        with self._translated(), opened(folder) as (number, where):
            self._require_place(os.path.join(where, name), item)
            path = os.path.join(folder, name) if number is None else name
            ask_anew(path, number)
            if item_of(item.key, os.lstat(path, dir_fd=number)) != item:
                raise changed("changed after it was copied, and was not deleted")
            self._unlink(path, number)

    def _unlink(self, path: bytes, folder: int | None) -> None:
        try:
            os.unlink(path, dir_fd=folder)
        except OSError as error:
            require_root(self.root, self._number)
            raise not_deleted(error) from error

    def _require_place(self, found: bytes, item: Item) -> None:
        """A folder above it may have become a link since the listing: what that leads to is neither read nor deleted,
        though it were the very file. Raises SourceError where all of it was moved away."""
        if found != listed_at(self._real, path_of(item.key)):
            require_root(self.root, self._number)
            raise changed("was moved, or a folder above it became a link, after it was listed")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._broken(error) from error

    def _broken(self, error: OSError) -> ItemError:
        """What it means for the item; raises SourceError when the root is gone."""
        require_root(self.root, self._number)
        return item_error(error)
