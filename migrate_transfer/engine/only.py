"""A source of which only some items are meant: those that failed in an earlier job."""

from __future__ import annotations

from collections.abc import Generator, Set
from contextlib import AbstractContextManager

from migrate_transfer.core.backend import Item, Meant, Page, Reader, Source, all_meant


class Only:
    """The items of `source` with these keys."""

    def __init__(self, source: Source, keys: Set[str]) -> None:
        self._source, self._keys, self.features, self.mark = source, keys, source.features, source.mark

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
        for page in self._source.pages(cursor, meant):
            yield Page([entry for entry in page.entries if entry.key in self._keys], page.cursor)

    def place(self) -> str:
        return self._source.place()

    def open(self, item: Item) -> AbstractContextManager[Reader]:
        return self._source.open(item)

    def delete(self, item: Item) -> None:
        self._source.delete(item)
