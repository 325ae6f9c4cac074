"""The sources that the conformance suite is about, each with what its owner may do to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.backends.memory import Memory
from migrate_transfer.core.backend import Item, Source
from migrate_transfer.core.names import key_of


@dataclass
class Kept:
    """A source, and how its owner writes, removes and renames things in it, by their names as a person sees them."""

    source: Source
    write: Callable[[str, bytes], None]
    remove: Callable[[str], None]
    rename: Callable[[str, str], object]

    def items(self, cursor: str | None = None) -> list[Item]:
        return [entry for page in self.source.pages(cursor) for entry in page.entries if isinstance(entry, Item)]

    def item(self, key: str) -> Item:
        return next(item for item in self.items() if item.key == key)


def local(folder: Path) -> Kept:
    def write(key: str, data: bytes) -> None:
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(data)

    def rename(key: str, new: str) -> None:
        (folder / key).rename(folder / new)

    return Kept(LocalSource(folder), write, lambda key: (folder / key).unlink(), rename)


def memory(folder: Path) -> Kept:
    kept = Memory()

    def write(name: str, data: bytes) -> None:
        kept.keep(key_of(name.encode()), data)

    def remove(name: str) -> None:
        del kept.objects[key_of(name.encode())]

    return Kept(kept, write, remove, lambda key, new: kept.objects.update({new: kept.objects.pop(key)}))
