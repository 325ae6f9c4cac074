"""What a folder lies on, and folders below it that are places of their own: a share, a disk or a folder from elsewhere.

Linux tells them; elsewhere none are known. (On Windows those below are junctions, which are not followed.)
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from migrate_transfer.core.names import key_of

TABLE = Path("/proc/self/mountinfo")
"""https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html"""
TRIGGER = b"autofs"
"""A folder that is mounted when something in it is asked for: no place before that."""
_OCTAL = re.compile(rb"\\([0-7]{3})")


def mounted(real: bytes, table: Path = TABLE) -> dict[str, str]:
    """By key, what is mounted where below the folder that is at `real`; and what it lies on itself: by the empty key
    what is mounted at it, by `..`, `../..` and so on above it, but for the root of the system."""
    try:
        lines = table.read_bytes().splitlines()
    except OSError:  # no Linux
        return {}
    points = {point: what for point, what in map(_point, lines) if what is not None and point != b"/"}
    ways = {point: way for point in points if (way := _way(real, point)) is not None}
    return {ways[point]: place for point, place in _places({point: points[point] for point in ways})}


def _way(real: bytes, point: bytes) -> str | None:
    """The key of what is mounted there; None where it is neither below nor above."""
    if point == real:
        return ""
    start = real.rstrip(b"/") + b"/"
    if point.startswith(start):
        return key_of(point.removeprefix(start))
    return "/".join([".."] * real.count(b"/", len(point))) if real.startswith(point + b"/") else None


def _point(line: bytes) -> tuple[bytes, bytes | None]:
    """Where something is mounted, and what: kind, origin, and which folder of it. None for what is no place."""
    before, _, after = line.partition(b" - ")
    _, _, _, folder, point, *_ = before.split(b" ")
    kind, origin, *_ = after.split(b" ")
    what = None if kind == TRIGGER else b" ".join((kind, origin, folder))
    return _OCTAL.sub(lambda found: bytes([int(found[1], 8)]), point), what


def _places(points: dict[bytes, bytes]) -> Iterator[tuple[bytes, str]]:
    """With the number of the folder and of its file system: another disk may come by the same name. Its device number
    says nothing: of a share it is another after each mount, and the next mount may have it."""
    for point, what in points.items():
        try:
            number, system = os.stat(point).st_ino, os.statvfs(point).f_fsid
        except OSError:  # a share that does not answer is not there
            continue
        yield point, f"{what.decode('utf-8', 'backslashreplace')} {number} {system}"
