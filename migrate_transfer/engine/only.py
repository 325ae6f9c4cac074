"""A source of which only some items are meant: those that failed in an earlier job."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import islice

from migrate_transfer.core.backend import Item, Meant, Oddity, Page, Reader, Source, all_meant
from migrate_transfer.engine.passage import is_missing
from migrate_transfer.engine.shares import lost
from migrate_transfer.ledger.mounts import is_above

SLICE = 1_000


class Only:
    """The items of `source` with these keys, and all in a folder of such a key: one that could not be read stands for
    what lies in it. Those that are gone are listed too, as they were known: each is to have an outcome. So are `shares`
    of them that were not mounted, or lay where one was not, and still are not."""

    def __init__(self, source: Source, items: Mapping[str, Item], shares: Collection[str] = ()) -> None:
        self._source, self._items, self._shares = source, items, shares
        self.features, self.mark, self.earlier = source.features, source.mark, source.earlier
        self._above = frozenset(folder for key in items for folder in _folders(key))

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
        seen = set[str]()
        before = self._away()  # a share may come back once its folder is listed
        yield from self._lost(filter(self._is_share, before))
        for page in self._source.pages(cursor, meant):
            yield Page([entry for entry in page.entries if self._is_meant(entry, seen)], page.cursor)
        # Asked for, because it may be hidden, or listed before a kill; or it is a folder that has become empty.
        both = dict.fromkeys((*before, *self._away()))
        away = [key for key in both if self._is_share(key) or key not in seen]
        listed = {*seen, *away}
        missing = (item for key, item in self._items.items() if key not in listed and is_missing(self._source, item))
        while some := list(islice(missing, SLICE)):
            yield Page(some, None, recalled=True)
        yield from self._lost(away)

    def _away(self) -> list[str]:
        """Those of the shares, and of the files that lay on one, where nothing is mounted now. What is listed in the
        folder of a share may be a stray file below."""
        for folder in {key if self._is_share(key) else key.rpartition("/")[0] for key in self._shares}:
            self._source.is_gone(f"{folder}/.")  # looked into, as `Shares` does
        there = self.mounts().keys() if self._shares else frozenset[str]()
        return [key for key in self._shares if there.isdisjoint((key,) if self._is_share(key) else _folders(key))]

    def _is_share(self, key: str) -> bool:
        """A file has a time, a share has none in the books."""
        return not self._items[key].modified

    def _lost(self, keys: Iterable[str]) -> Iterator[Page]:
        entries = map(self._told, keys)
        while some := list(islice(entries, SLICE)):
            yield Page(some, None, recalled=True)

    def _told(self, key: str) -> Oddity:
        """With what is known of a file, for the next retry."""
        item = self._items[key]
        return lost(key)._replace(folder=self._is_share(key), size=item.size, modified=item.modified)

    def _is_meant(self, entry: Item | Oddity, seen: set[str]) -> bool:
        """A folder that cannot be read now, and in which one of them was, hides it: that is told."""
        named = [key for key in (entry.key, *_folders(entry.key)) if key in self._items]
        seen.update(named)
        return bool(named) or (isinstance(entry, Oddity) and entry.key in self._above)

    def _concerns(self, folder: str) -> bool:
        """Whether one of them is in that folder, or may be."""
        return folder in self._above or any(key in self._items for key in (folder, *_folders(folder)))

    def place(self) -> str:
        return self._source.place()

    def mounts(self) -> dict[str, str]:
        return {key: place for key, place in self._source.mounts().items() if is_above(key) or self._concerns(key)}

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
