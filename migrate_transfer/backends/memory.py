"""A backend in memory: the reference that says in the fewest lines what a backend has to do."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from migrate_transfer.core.backend import (
    Content,
    Features,
    Item,
    Meant,
    Page,
    Receipt,
    Rename,
    Stored,
    Streams,
    Tier,
    Upload,
    all_meant,
)
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import ItemError, RejectedItem

VERSIONS = count(1)
"""Of all objects in memory: a version is never that of another content."""


@dataclass(slots=True)
class Kept:
    """One object: content, version, and what was stored with it."""

    data: bytes
    version: int
    number: int
    """Stays when the object is renamed."""
    sha256: str = ""
    modified: int = 0
    tier: str = "hot"
    source: str = ""
    moved: bool = False
    origin: str = ""


@dataclass
class Memory:
    """Source and destination at once. Change `objects` as somebody else would."""

    objects: dict[str, Kept] = field(default_factory=dict)
    features: Features = field(
        default_factory=lambda: Features(exact_versions=True, tiers=True, copies=True, marks=True)
    )
    mark: str = "0123456789abcdef"
    earlier: frozenset[str] = frozenset()

    def keep(self, key: str, data: bytes, modified: int = 1) -> None:
        """Write an object as a user of the source would."""
        version, there = next(VERSIONS), self.objects.get(key)
        self.objects[key] = Kept(data, version, there.number if there else version, modified=modified)

    def mark_moved(self, key: str, moved: bool) -> str:
        """The object's etag after its metadata were written."""
        self.objects[key].version, self.objects[key].moved = next(VERSIONS), moved
        return str(self.objects[key].version)

    def item(self, key: str) -> Item:
        kept = self.objects[key]
        return Item(key, len(kept.data), kept.modified, str(kept.version), stable_id=str(kept.number))

    def pages(self, cursor: str | None = None, meant: Meant = all_meant) -> Generator[Page]:
        for key in sorted(self.objects):
            if cursor is None or key > cursor:
                yield Page((self.item(key),), key)

    def place(self) -> str:
        return self.mark

    def mounts(self) -> dict[str, str]:
        return {}

    def is_gone(self, key: str) -> bool:
        return key not in self.objects

    @contextmanager
    def open(self, item: Item) -> Iterator[MemoryReader]:
        if item.key not in self.objects:
            raise ItemError("The object is gone.", code="SOURCE_GONE", remedy="Nothing, if that was on purpose.")
        yield MemoryReader(self, item.key)

    def delete(self, item: Item) -> None:
        if item.key not in self.objects:
            raise ItemError("The object is gone.", code="SOURCE_GONE", remedy="Nothing, if that was on purpose.")
        if self.item(item.key) != item:
            raise ItemError("The object changed.", code="SOURCE_CHANGED", remedy="Run the job again.")
        del self.objects[item.key]

    def prepare(self) -> None:
        """Memory is always there."""

    def stored(self) -> Iterator[Stored]:
        yield from (self._stored(key) for key in self.objects)

    def find(self, key: str) -> Stored | None:
        return self._stored(key) if key in self.objects else None

    def _stored(self, key: str) -> Stored:
        kept = self.objects[key]
        said = (kept.sha256, kept.modified, kept.tier, kept.source, kept.moved, kept.origin)
        return Stored(key, len(kept.data), str(kept.version), *said)

    def name(self, key: str) -> str:
        return key

    def away(self) -> None:
        """What is in this process is not in another."""

    def sender(self, streams: Streams, control: Control) -> MemorySender:
        return MemorySender(self, control)


class MemoryReader:
    """An object as it was when it was opened."""

    def __init__(self, memory: Memory, key: str) -> None:
        self._memory, self.item, self._left = memory, memory.item(key), memory.objects[key].data

    def read(self, size: int) -> bytes:
        data, self._left = self._left[:size], self._left[size:]
        return data

    def finish(self) -> None:
        key = self.item.key
        if key not in self._memory.objects or self._memory.item(key) != self.item:
            raise ItemError("The object changed while it was read.", code="SOURCE_CHANGED", remedy="Run the job again.")


class MemorySender:
    """One at a time."""

    def __init__(self, memory: Memory, control: Control) -> None:
        self._memory, self._control = memory, control

    def put_all(self, contents: Iterator[Content]) -> Iterator[tuple[Upload, Receipt | Exception]]:
        for content in contents:
            self._control.check()
            try:
                yield content.upload, self._put(content)
            except ItemError as error:
                yield content.upload, error

    def _put(self, content: Content) -> Receipt:
        upload = content.upload
        with content.open():
            data = content.read(upload.item.size)
            content.finish()
        there = self._memory.find(upload.item.key)
        if there is not None and upload.sha256 and (there.sha256, there.size) == (upload.sha256, len(data)):
            return Receipt(there.etag, len(data), there.moved)
        if there is not None and not upload.overwrite and there.etag != upload.replaces:
            remedy = "Retry the failed items."
            raise RejectedItem("Another object has this name by now.", code="DESTINATION_EXISTS", remedy=remedy)
        self._memory.keep(upload.item.key, data, upload.item.modified)
        self._memory.objects[upload.item.key].sha256 = upload.sha256
        self._memory.objects[upload.item.key].source = upload.properties.get("source", "")
        self._memory.objects[upload.item.key].origin = upload.properties.get("version", "")
        return Receipt(self._memory.item(upload.item.key).version, len(data))

    def reread_all(self, keys: Iterator[str]) -> Iterator[tuple[str, str | Exception]]:
        for key in keys:
            kept = self._memory.objects.get(key)
            lost = RejectedItem("The object is not there.", code="DESTINATION_GONE", remedy="Retry the failed items.")
            yield key, hashlib.sha256(kept.data).hexdigest() if kept else lost

    def tier_all(self, keys: Iterator[str], tier: Tier) -> Iterator[tuple[str, Exception | None]]:
        for key in keys:
            self._memory.objects[key].tier = tier
            yield key, None

    def delete_all(self, objects: Iterator[tuple[str, str]]) -> Iterator[tuple[str, Exception | None]]:
        for key, etag in objects:
            there = self._memory.find(key)
            if there is None or there.etag != etag:
                yield key, RejectedItem("The object is another one now.", code="DESTINATION_CHANGED")
            else:
                del self._memory.objects[key]
                yield key, None

    def mark_all(self, objects: Iterator[tuple[str, str]], *, moved: bool) -> Iterator[tuple[str, str | Exception]]:
        for key, etag in objects:
            there = self._memory.find(key)
            if there is None or there.etag != etag:
                yield key, RejectedItem("The object is another one now.", code="DESTINATION_CHANGED")
            else:
                yield key, self._memory.mark_moved(key, moved)

    def copy_all(self, renames: Iterator[Rename]) -> Iterator[tuple[Rename, Receipt | Exception]]:
        for one in renames:
            there = self._memory.find(one.old_key)
            if there is None or there.etag != one.etag or self._memory.find(one.item.key) is not None:
                yield one, RejectedItem("The object is another one now.", code="DESTINATION_CHANGED")
                continue
            kept = self._memory.objects[one.old_key]
            self._memory.keep(one.item.key, kept.data, kept.modified)
            self._memory.objects[one.item.key].sha256 = kept.sha256
            self._memory.objects[one.item.key].source = kept.source
            self._memory.objects[one.item.key].origin = kept.origin
            yield one, Receipt(self._memory.item(one.item.key).version, 0)

    def close(self) -> None:
        """Nothing to let go."""
