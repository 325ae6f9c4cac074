"""What lies on a disk or a mounted share, folder by folder: the files of a folder before its folders, by name."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing

from migrate_transfer.backends.local.ahead import PAYS, Ahead
from migrate_transfer.backends.local.folder import Folders
from migrate_transfer.core.backend import Item, Meant, Oddity, Page
from migrate_transfer.core.names import key_of, path_of

MOST = 100_000


class Listing:
    """The folders below `root`, which is at `real` and has that number, as far as something in them is `meant`. Of a
    folder with more than `most` entries as many are listed together, so that the memory it takes is bounded. After
    `pays` entries a second process lists ahead."""

    def __init__(self, root: bytes, real: bytes, number: int, meant: Meant, most: int = MOST, pays: int = PAYS) -> None:
        self._found, self._meant, self._most, self._pays = Folders(root, real, number), meant, most, pays

    def pages(self, cursor: str | None) -> Generator[Page]:
        """A page a folder, or several for a large one; a cursor is the path of a folder that could be read. Raises
        SourceError when the root cannot be read."""
        waiting, lost = [b""], list[Oddity]()
        if cursor is not None:
            waiting = self._behind(path_of(cursor) if cursor else b"", lost)
            yield Page(lost, None)
        with closing(Ahead(self._found, self._most, self._pays)) as ahead:
            while waiting:
                yield from self._pages(waiting.pop(), waiting, ahead)

    def _pages(self, folder: bytes, waiting: list[bytes], ahead: Ahead) -> Iterator[Page]:
        """Those of one folder. The folders in it come before those that wait."""
        below: list[bytes] = []
        last: list[Item | Oddity] = []
        for entries in ahead.slices(folder, below, waiting):
            if last:
                yield Page(last, None)
            last = entries
        broken = bool(_of(folder, last))
        if left := [_left_out(path) for path in below if not self._is_meant(path)]:
            yield Page(last, None)
            last = [*left]
        waiting += self._last_first(below)
        yield Page(last, None if broken else key_of(folder))

    def _behind(self, folder: bytes, lost: list[Oddity]) -> list[bytes]:
        """The folders that come after `folder` in the listing, last first. `lost` gets those among it and the ones
        above it that could be read before, and cannot be now."""
        waiting: list[bytes] = []
        done = b""
        for part in folder.split(b"/") if folder else []:
            here = done + b"/" + part if done else part
            waiting.extend(name for name in self._folders(done, lost) if name > here)
            done = here
        return [*waiting, *self._folders(folder, lost)]

    def _folders(self, folder: bytes, lost: list[Oddity]) -> list[bytes]:
        below: list[bytes] = []
        for entries in self._found.slices(folder, below, self._most):
            lost += [one for one in _of(folder, entries) if one.code != "SOURCE_GONE"]
        return self._last_first(below)

    def _last_first(self, below: list[bytes]) -> list[bytes]:
        return sorted(filter(self._is_meant, below), reverse=True)

    def _is_meant(self, folder: bytes) -> bool:
        return self._meant(key_of(folder))


def _left_out(folder: bytes) -> Oddity:
    return Oddity(key_of(folder), "skipped", "not_included", "The job's filters leave it out.", folder=True)


def _of(folder: bytes, entries: Sequence[Item | Oddity]) -> list[Oddity]:
    """What is said of the folder itself: that it cannot be read."""
    return [one for one in entries[:1] if isinstance(one, Oddity) and one.folder and one.key == key_of(folder)]
