"""Which ids are known, of millions: a bit each."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

SPARSE = 64
"""Bits an id may take: as many as the id itself. Where they lie further apart they are kept as they are."""

ROOM = 8_000_000
"""Bits that are no matter, however few the ids."""


class IdSet:
    """A set of Int64 ids, made of pieces that may say an id again."""

    def __init__(self, pieces: Iterable[pl.Series], low: int, high: int, count: int) -> None:
        """All ids lie between `low` and `high`; `count`: how many there are, about."""
        self._low, self._high = low, high
        self._bits: pl.Series | None = None
        self._ids = pl.Series("id", [], dtype=pl.Int64)
        if high - low < SPARSE * count + ROOM:
            self._bits = _bits(pieces, low, high - low + 1)
        else:
            self._ids = pl.concat([self._ids, *(piece.alias("id") for piece in pieces)]).unique()

    def has(self, ids: pl.Series) -> pl.Series:
        """Of each id whether it is in the set: Boolean, false for null."""
        if self._bits is None:
            return ids.is_in(self._ids.implode()).fill_null(False)
        place = ids.to_frame("id").select(
            pl.when(pl.col("id").is_between(self._low, self._high)).then("id") - self._low
        )
        return self._bits.gather(place.to_series()).fill_null(False)


def _bits(pieces: Iterable[pl.Series], low: int, length: int) -> pl.Series:
    bits = pl.repeat(False, length, dtype=pl.Boolean, eager=True)
    for piece in pieces:
        bits = bits.scatter(piece - low, True)
    return bits
