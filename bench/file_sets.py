"""Folders of files to move or to list. Contents cannot be compressed; the same size and number each time, not the same
bytes."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from pathlib import Path

KIB, MIB, GIB = 2**10, 2**20, 2**30


@dataclass(frozen=True, slots=True)
class FileSet:
    """So many files of `smallest` to `largest` bytes in so many folders."""

    name: str
    count: int
    smallest: int
    largest: int
    folders: int

    def make(self, root: Path) -> int:
        """Write them; the bytes of all together."""
        sizes, whole = random.Random(5), 0
        for number in range(self.folders):
            (root / f"{number:04d}").mkdir(parents=True)
        for number in range(self.count):
            size = sizes.randint(self.smallest, self.largest)
            _write(root / f"{number % self.folders:04d}" / f"file-{number:07d}.bin", size)
            whole += size
        return whole


SETS = {
    "small": FileSet("20,000 of 4-16 KiB", 20_000, 4 * KIB, 16 * KIB, 40),
    "mid": FileSet("2,000 of 1 MiB", 2_000, MIB, MIB, 20),
    "big": FileSet("4 of 1 GiB", 4, GIB, GIB, 1),
}


def million(count: int) -> FileSet:
    """Empty files, a thousand to a folder."""
    return FileSet(f"{count:,} empty files", count, 0, 0, max(1, count // 1000))


def _write(path: Path, size: int) -> None:
    with path.open("wb", buffering=0) as file:
        while size > 0:
            size -= file.write(os.urandom(min(size, 4 * MIB)))
