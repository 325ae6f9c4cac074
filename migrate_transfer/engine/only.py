"""A source of which only some items are meant: those that failed in an earlier job."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Set
from contextlib import AbstractContextManager

from migrate_transfer.core.backend import Item, Meant, Oddity, Page, Reader, Source, all_meant


class Only:
    """The items of `source` with these keys, and all in a folder of such a key: one that could not be read stands for
    what lies in it."""

    def __init__(self, source: Source, keys: Set[str]) -> None:
        self._source, self._keys, self.features, self.mark = source, keys, source.features, source.mark
        self._above = frozenset(folder for key in keys for folder in _folders(key))

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
        for page in self._source.pages(cursor, meant):
            yield Page([entry for entry in page.entries if self._is_meant(entry)], page.cursor)

    def _is_meant(self, entry: Item | Oddity) -> bool:
        """A folder that cannot be read now, and in which one of them was, hides it: that is told."""
        if entry.key in self._keys or any(folder in self._keys for folder in _folders(entry.key)):
            return True
        return isinstance(entry, Oddity) and entry.key in self._above

    def place(self) -> str:
        return self._source.place()

    def mounts(self) -> dict[str, str]:
        return self._source.mounts()

    def is_gone(self, key: str) -> bool:
        return self._source.is_gone(key)

    def open(self, item: Item) -> AbstractContextManager[Reader]:
        return self._source.open(item)

    def delete(self, item: Item) -> None:
        self._source.delete(item)


def _folders(key: str) -> Iterator[str]:
    """The keys of the folders that it lies in."""
    end = key.rfind("/")
    while end > 0:
        yield key[:end]
        end = key.rfind("/", 0, end)
