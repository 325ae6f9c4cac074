"""Listing folders before their turn, on two cores: a lister, which is a process of its own, takes some of those that
come next, and this process others. In what order the folders come, nobody but the listing decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrate_transfer.backends.local.folder import Folders, Listed
from migrate_transfer.backends.local.lister import FEW, Lister, unpacked
from migrate_transfer.core.backend import Item, Oddity
from migrate_transfer.core.cores import cores

PAYS = 5_000
"""Entries after which a lister is started: it takes a tenth of a second to begin."""
AT_ONCE = 2_000
"""Entries that a lister is to find with one order, by what the folders had so far."""
MOST_AT_ONCE = 64
ORDERS = 2
"""Orders that a lister has at a time: the next one, while we take note of the last."""
HELD = 20_000
"""Entries found before their turn that are kept, or nearly so: this bounds the memory."""
WINDOW = 256
"""How far ahead folders are looked for, counted from the one that is next."""
WAIT_SECONDS = 1.0


class Ahead:
    """For one listing. Without a second core, or a lister, each folder is listed in its turn."""

    def __init__(self, folders: Folders, most: int, pays: int) -> None:
        self._folders, self._most = folders, most
        self._pays = pays if cores() > 1 else None
        self._lister: Lister | None = None
        self._asked: set[bytes] = set()
        self._found: dict[bytes, tuple[int, Listed | bytes | None]] = {}
        """How many entries, and them; None: too many, they are listed in their turn."""
        self._held, self._entries, self._count = 0, 0, 0

    def close(self) -> None:
        """End the lister."""
        if self._lister is not None:
            self._lister.close()

    def slices(self, folder: bytes, below: list[bytes], waiting: Sequence[bytes]) -> Iterator[list[Item | Oddity]]:
        """What lies in `folder`, and in `below` the folders in it. `waiting` are those that come after it, last first.
        Raises SourceError when the root cannot be read."""
        self._count += 1
        listed = self._before_its_turn(folder, waiting)
        if listed is not None:
            below += listed[1]
            self._entries += len(listed[0])
            yield listed[0]
            return
        for entries in self._folders.slices(folder, below, self._most):
            self._entries += len(entries)
            yield entries

    def _before_its_turn(self, folder: bytes, waiting: Sequence[bytes]) -> Listed | None:
        lister = self._started(waiting)
        while lister is not None:
            self._hear(lister)
            self._order(lister, waiting)
            if folder in self._found:
                return self._take(folder)
            if folder not in self._asked:
                return None
            if not self._list_one(waiting):
                lister.wait(WAIT_SECONDS)
        return None

    def _started(self, waiting: Sequence[bytes]) -> Lister | None:
        if self._lister is None and self._pays is not None and self._entries >= self._pays and waiting:
            try:
                self._lister = Lister(self._folders)
            except OSError:  # no memory for a process, or no leave to start one
                self._pays = None
        return self._lister

    def _take(self, folder: bytes) -> Listed | None:
        count, found = self._found.pop(folder)
        self._held -= count
        return unpacked(found) if isinstance(found, bytes) else found

    def _keep(self, folder: bytes, count: int, found: Listed | bytes | None) -> None:
        self._found[folder] = count, found
        self._held += count

    def _hear(self, lister: Lister) -> None:
        for folder, count, found in lister.told():
            self._asked.discard(folder)
            self._keep(folder, count, found)
        if lister.lost:
            self._asked.clear()

    def _order(self, lister: Lister, waiting: Sequence[bytes]) -> None:
        while lister.ready and lister.orders < ORDERS and self._held < HELD:
            many = AT_ONCE * self._count // max(1, self._entries)
            some = list(self._next(waiting, max(1, min(MOST_AT_ONCE, many))))
            if not some:
                return
            lister.order(some)
            self._asked.update(some)

    def _list_one(self, waiting: Sequence[bytes]) -> bool:
        """List one more here, rather than wait; whether there was one."""
        if self._held >= HELD:
            return False
        for folder in self._next(waiting, 1):
            found = self._folders.whole(folder, FEW)
            self._keep(folder, 0 if found is None else len(found[0]), found)
            return True
        return False

    def _next(self, waiting: Sequence[bytes], most: int) -> Iterator[bytes]:
        """The next that nobody has looked into."""
        for number in range(1, min(WINDOW, len(waiting)) + 1):
            folder = waiting[-number]
            if folder not in self._found and folder not in self._asked:
                yield folder
                most -= 1
                if not most:
                    return
