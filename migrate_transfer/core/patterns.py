"""Patterns of names and paths, as `--include` and `--exclude` have them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from typing import TypeAlias

from wcmatch import fnmatch, glob
from wcmatch._wcparse import PatternLimitException  # it has no public name

from migrate_transfer.core.errors import InvalidRequest

NAME_FLAGS = fnmatch.BRACE | fnmatch.CASE | fnmatch.DOTMATCH
PATH_FLAGS = glob.GLOBSTAR | glob.BRACE | glob.DOTGLOB | glob.CASE
_BRACES = re.compile(r"[^{}]*|(?:[^{}\\]|\{[^{}\\]*\})*")
"""Parts whose braces do not go on in the next part."""
_ENDING = re.compile(r"[^{}\[\]\\]*\.(\w+|\{\w+(?:,\w+)+\})", re.ASCII)
"""Part of a pattern that only names of these endings match: `*.docx`, `report.{doc,pdf}`."""
OTHERS = "\0 0A"
"""What a class of letters may mean: anything else, a space, a digit, a capital."""
LONGEST = 255
_Part: TypeAlias = list[re.Pattern[str]] | None


class Patterns:
    """Raises InvalidRequest."""

    def __init__(self, patterns: Sequence[str], ignore_case: bool) -> None:
        self._patterns, self._ignore_case = patterns, ignore_case
        names, paths = written_out(patterns, ignore_case)
        self._names, self._paths = _compiled(names), _compiled(paths)
        flags = _flags(PATH_FLAGS, ignore_case)
        self._ways = [[*_way(path, flags)] for path in _paths(patterns)]

    def matches(self, path: str) -> bool:
        name = path.rpartition("/")[2]
        return any(p.fullmatch(name) for p in self._names) or any(p.fullmatch(path) for p in self._paths)

    def cover(self, folder: str) -> bool:
        """Whether they match whatever may lie in the folder, at any depth. Tried with names that are short and long,
        of each letter by which the patterns may tell names apart. Says rather no than yes."""
        letters = {*"".join(self._patterns), *OTHERS} - {"/", "."}
        deepest = 2 + max((pattern.count("/") for pattern in self._patterns), default=0)
        below = ("/" + "/".join([name] * depth) for depth in range(1, deepest + 1) for name in _names(letters))
        return all(self.matches(folder + path) for path in below)

    def reach(self, folder: str) -> bool:
        """Whether a path below the folder may match. Says rather yes than no."""
        return bool(self._names) or any(_leads(way, folder.split("/")) for way in self._ways)

    def of_endings(self, endings: Set[str]) -> Patterns:
        """Those that may match a name with such an ending."""
        some = [one for one in self._patterns if (found := _endings(one)) is None or found & endings]
        return Patterns(some, self._ignore_case)


def written_out(patterns: Sequence[str], ignore_case: bool = False) -> tuple[list[str], list[str]]:
    """As regular expressions, those for names and those for paths. Raises InvalidRequest, also for one that nothing can
    match: a job that moves nothing would end well, and one that deletes its source would take what was to be spared."""
    for pattern in patterns:
        _require_sense(pattern)
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


def _require_sense(pattern: str) -> None:
    if not pattern:  # as of a script's variable that is not set
        raise InvalidRequest("A pattern is empty.", code="BAD_PATTERN", remedy="Write it, or leave the option out.")
    if pattern.endswith("/") or not {".", ".."}.isdisjoint(pattern.split("/")):
        raise InvalidRequest(
            f"No path is like {pattern}: none has a slash at its end, or a dot or two for a part.",
            code="BAD_PATTERN",
            remedy="Write docs/** for all that lies in the folder docs.",
        )


def _names(letters: Set[str]) -> Iterator[str]:
    yield "." * LONGEST
    for letter in letters:
        yield letter
        yield letter * LONGEST


def _paths(patterns: Sequence[str]) -> list[str]:
    return [pattern.lstrip("/") for pattern in patterns if "/" in pattern]


def _endings(pattern: str) -> frozenset[str] | None:
    """One of which a name must have to match; None where that is not plain to see."""
    found = _ENDING.fullmatch(pattern.rpartition("/")[2])
    return frozenset(found[1].strip("{}").lower().split(",")) if found else None


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
        if not any(pattern.fullmatch(part) for pattern in step):
            return False
    return len(way) > len(parts)


def _flags(flags: int, ignore_case: bool) -> int:
    return flags & ~fnmatch.CASE | fnmatch.IGNORECASE if ignore_case else flags


def _compiled(patterns: Sequence[str]) -> list[re.Pattern[str]]:
    # `*` matches neither `.` nor `..`; a `$` would also take the newline of the names `.\n` and `..\n` for their end.
    return [re.compile(pattern.replace("(?:$|", r"(?:\Z|")) for pattern in patterns]
