"""What is to be done with a listed item: take it, or leave it by a named rule. Pure."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from migrate_transfer.core.backend import Features, Item, Oddity, Stored
from migrate_transfer.core.names import shown

if TYPE_CHECKING:
    from migrate_transfer.core.patterns import Patterns


@dataclass(frozen=True)
class Filters:
    """Which items are meant. A pattern without "/" is matched against the name, one with "/" against the relative path,
    where `**` crosses folders, each as the source shows it, unescaped; exclude goes before include. `older_than`:
    created (or, where the source does not know, modified) before that day began in `zone`."""

    older_than: date | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    zone: str = "UTC"
    ignore_case: bool = False

    @property
    def any(self) -> bool:
        """Whether they may leave something out."""
        return bool(self.include or self.exclude or self.older_than)

    def rule(self, item: Item) -> str | None:
        """The rule that leaves the item out, if one does."""
        if self.exclude and self._excluded.matches(shown(item.key)):
            return "excluded"
        if self.include and not self._included.matches(shown(item.key)):
            return "not_included"
        if self._before is not None and (item.created or item.modified) >= self._before:
            return "not_older"
        return None

    def excuse(self, oddity: Oddity) -> str | None:
        """The rule by which what cannot be read is not meant anyway: a file by its name or path, a folder by a pattern
        that excludes whatever lies in it, at any depth, or because nothing in it is included."""
        path = shown(oddity.key)
        if self.exclude and (self._excluded.cover(path) if oddity.folder else self._excluded.matches(path)):
            return "excluded"
        if oddity.folder:
            return None if self.reaches(oddity.key) else "not_included"
        return "not_included" if self.include and not self._included.matches(path) else None

    def reaches(self, folder: str) -> bool:
        """Whether something in the folder of that key, at any depth, may be included."""
        return not self.include or self._included.reach(shown(folder))

    def spares(self, folder: str, endings: Set[str]) -> bool:
        """Whether it is certain that nothing with such an ending (`csv`) in the folder of that key is included."""
        return bool(self.include) and not self._included.of_endings(endings).reach(shown(folder))

    @cached_property
    def _before(self) -> int | None:
        if self.older_than is None:
            return None
        midnight = datetime.combine(self.older_than, time(), ZoneInfo(self.zone))
        return int(midnight.timestamp()) * 1_000_000_000

    @cached_property
    def _excluded(self) -> Patterns:
        return _patterns(self.exclude, self.ignore_case)

    @cached_property
    def _included(self) -> Patterns:
        return _patterns(self.include, self.ignore_case)


def _patterns(patterns: Sequence[str], ignore_case: bool) -> Patterns:
    from migrate_transfer.core.patterns import Patterns  # most commands have none: they need not load what reads them

    return Patterns(patterns, ignore_case)


def folded(key: str, features: Features) -> str:
    """The same for all names that are one name at the destination."""
    name = unicodedata.normalize("NFC", key) if features.folds_unicode else key
    return name.casefold() if features.folds_case else name


def misfit(item: Item, prefix: str, features: Features) -> Oddity | None:
    """Why the destination cannot hold the item, if so."""
    name = prefix + item.key
    length = len(name)
    if 2 * length > features.longest_key and (length := units(name)) > features.longest_key:
        message = (
            f"The name has {length} characters (an emoji counts as two); the destination takes {features.longest_key}."
        )
        return Oddity(item.key, "failed", "NAME_TOO_LONG", message, "Shorten the path or the prefix.", item.size)
    if name.count("/") >= features.most_parts:
        message = f"The path has more than {features.most_parts} parts."
        return Oddity(item.key, "failed", "NAME_TOO_DEEP", message, "Shorten the path or the prefix.", item.size)
    if item.size > features.largest:
        message = f"The file has {item.size} bytes; the destination takes {features.largest}."
        return Oddity(item.key, "failed", "FILE_TOO_LARGE", message, "Split the file.", item.size)
    return None


def units(name: str) -> int:
    """How long a name is in code units of UTF-16."""
    return len(name) if name.isascii() else len(name.encode("utf-16-le", "surrogatepass")) // 2


def origin(item: Item) -> str:
    """Names a version of an item in letters that every destination can keep: 32 hex digits."""
    return hashlib.sha256(f"{item.stable_id}\0{item.version}".encode()).hexdigest()[:32]


def same(item: Item, stored: Stored) -> bool:
    """Whether size and time of modification say that the object is this very item: enough for a sync's quiet pass."""
    return stored.size == item.size and stored.modified == item.modified != 0
