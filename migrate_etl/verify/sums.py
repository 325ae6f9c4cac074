"""Sums by key of more cells than memory holds: what grows too large is put on disk in order, and merged at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from migrate_etl.verify.runs import Runs

KEPT_ROWS = 300_000
"""Cells that are gathered in memory before they are added up, and after that put on disk if they are still so many."""


class SpilledSums:
    """Whole numbers by key, added to frame by frame; null is a key like any other.

    `folder` is filled when the cells are too many for memory; its owner removes it.
    """

    def __init__(self, keys: Sequence[str], sums: Sequence[str], folder: Path, kept_rows: int = KEPT_ROWS) -> None:
        self._keys, self._sums, self._kept_rows = list(keys), list(sums), kept_rows
        self._runs = Runs(keys, folder)
        self._parts: list[pl.DataFrame] = []
        self._rows = 0

    def add(self, cells: pl.DataFrame) -> None:
        """`cells` has the keys and the sums; negative ones take away."""
        self._parts.append(cells.select(*self._keys, *self._sums))
        self._rows += cells.height
        if self._rows > self._kept_rows:
            self._compact()
            if self._rows > self._kept_rows // 2:
                self._runs.add(self._parts.pop())
                self._rows = 0

    def _compact(self) -> None:
        self._parts = [self._added_up(pl.concat(self._parts))] if self._parts else []
        self._rows = sum(part.height for part in self._parts)

    def merged(self) -> Iterator[pl.DataFrame]:
        """Every cell once, in order of its keys, some at a time. More may be added afterwards, and all merged again."""
        self._compact()
        kept = [part.sort(self._keys, nulls_last=True) for part in self._parts]
        for frame in self._runs.merged(*kept):
            yield self._added_up(frame).sort(self._keys, nulls_last=True)

    def _added_up(self, cells: pl.DataFrame) -> pl.DataFrame:
        return cells.group_by(self._keys).agg(pl.col(self._sums).sum())
