"""What is to be done with a listed item: take it, or leave it by a named rule. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from typing import TypeAlias
from zoneinfo import ZoneInfo

from wcmatch import fnmatch, glob
from wcmatch._wcparse import PatternLimitException  # it has no public name

from migrate_transfer.core.backend import Features, Item, Oddity, Stored
from migrate_transfer.core.errors import InvalidRequest
from migrate_transfer.core.names import shown

NAME_FLAGS = fnmatch.BRACE | fnmatch.CASE | fnmatch.DOTMATCH
PATH_FLAGS = glob.GLOBSTAR | glob.BRACE | glob.DOTGLOB | glob.CASE
_BRACES = re.compile(r"[^{}]*|(?:[^{}\\]|\{[^{}\\]*\})*")
"""Parts whose braces do not go on in the next part."""
_Part: TypeAlias = list[re.Pattern[str]] | None


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
        if self.exclude and self._excluded.matches(f"{path}/\0/\0" if oddity.folder else path):
            return "excluded"
        if oddity.folder:
            return None if self.reaches(oddity.key) else "not_included"
        return "not_included" if self.include and not self._included.matches(path) else None

    def reaches(self, folder: str) -> bool:
        """Whether something in the folder of that key, at any depth, may be included."""
        return not self.include or self._included.reach(shown(folder))

    @cached_property
    def _before(self) -> int | None:
        if self.older_than is None:
            return None
        midnight = datetime.combine(self.older_than, time(), ZoneInfo(self.zone))
        return int(midnight.timestamp()) * 1_000_000_000

    @cached_property
    def _excluded(self) -> _Patterns:
        return _Patterns(self.exclude, self.ignore_case)

    @cached_property
    def _included(self) -> _Patterns:
        return _Patterns(self.include, self.ignore_case)


class _Patterns:
    """Raises InvalidRequest."""

    def __init__(self, patterns: Sequence[str], ignore_case: bool) -> None:
        names, paths = written_out(patterns, ignore_case)
        self._names, self._paths = _compiled(names), _compiled(paths)
        flags = _flags(PATH_FLAGS, ignore_case)
        self._ways = [[*_way(path, flags)] for path in _paths(patterns)]

    def matches(self, path: str) -> bool:
        name = path.rpartition("/")[2]
        return any(p.match(name) for p in self._names) or any(p.match(path) for p in self._paths)

    def reach(self, folder: str) -> bool:
        """Whether a path below the folder may match. Says rather yes than no."""
        return bool(self._names) or any(_leads(way, folder.split("/")) for way in self._ways)


def written_out(patterns: Sequence[str], ignore_case: bool = False) -> tuple[list[str], list[str]]:
    """As regular expressions, those for names and those for paths. Raises InvalidRequest."""
    names = [pattern for pattern in patterns if "/" not in pattern]
    try:
        return (
            fnmatch.translate(names, flags=_flags(NAME_FLAGS, ignore_case))[0] if names else [],
            glob.translate(paths, flags=_flags(PATH_FLAGS, ignore_case))[0] if (paths := _paths(patterns)) else [],
        )
    except PatternLimitException:
        raise InvalidRequest(
            "The patterns stand for more than 1,000, their braces written out.",
            code="BAD_PATTERN",
            remedy="Write fewer alternatives in braces, or fewer patterns.",
        ) from None


def _paths(patterns: Sequence[str]) -> list[str]:
    return [pattern.lstrip("/") for pattern in patterns if "/" in pattern]


def _way(path: str, flags: int) -> Iterator[_Part]:
    """What the parts of a path must match, one by one; None from where on there may be any number of them."""
    for part in filter(None, path.split("/")):
        if "**" in part or part.endswith("\\") or not _BRACES.fullmatch(part):
            yield None
            return
        yield _compiled(glob.translate(part, flags=flags)[0])


def _leads(way: Sequence[_Part], parts: Sequence[str]) -> bool:
    for step, part in zip(way, parts, strict=False):
        if step is None:
            return True
        if not any(pattern.match(part) for pattern in step):
            return False
    return len(way) > len(parts)


def _flags(flags: int, ignore_case: bool) -> int:
    return flags & ~fnmatch.CASE | fnmatch.IGNORECASE if ignore_case else flags


def _compiled(patterns: Sequence[str]) -> list[re.Pattern[str]]:
    return [re.compile(pattern) for pattern in patterns]


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


def same(item: Item, stored: Stored) -> bool:
    """Whether size and time of modification say that the object is this very item: enough for a sync's quiet pass."""
    return stored.size == item.size and stored.modified == item.modified != 0
