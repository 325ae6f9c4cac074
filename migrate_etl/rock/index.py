"""Index: the rows of a lookup found by their id, at a cost that does not grow with the lookup."""

from __future__ import annotations

import polars as pl

ROOM = 1_000_000
"""Ids that may be missing before a table of places is thought wasteful; Rock's ids have gaps, but not many."""


class Index:
    """A frame and where the row of each id stands in it.

    A join would hash the whole lookup again for every chunk: with a million people that took 85 ms for 50,000 rows,
    looking the places up takes 2 ms. Where ids are so sparse that a place for each would waste memory, only the
    lookup's rows that the chunk names are joined.
    """

    def __init__(self, frame: pl.DataFrame, key: str) -> None:
        """`key`: a column of unique ids."""
        self._frame, self._key = frame, key
        self._top = -1
        self._places: pl.Series | None = None
        if frame.height and frame[key].to_physical().min() >= 0:  # type: ignore[operator]
            top = int(frame[key].max())  # type: ignore[arg-type]
            if top <= 8 * frame.height + ROOM:
                self._top, self._places = top, _places(frame[key], top)

    def beside(self, chunk: pl.DataFrame, on: str, **columns: str) -> pl.DataFrame:
        """The chunk with columns of the lookup's row whose id stands in `on` (new name = column of the lookup).

        Rows keep their order; where nothing is found the columns are null. Enumerations come as text, whole numbers,
        which a lookup may keep narrow, as Int64.
        """
        wanted = [_plain(self._frame, column).alias(name) for name, column in columns.items()]
        if self._places is None:
            key = pl.col(self._key).cast(pl.Int64)
            named = self._frame.filter(key.is_in(chunk[on].unique().implode()))
            found = named.select(key.alias(on), *wanted)
            return chunk.join(found, on=on, how="left", maintain_order="left")
        known = chunk.select(pl.when(pl.col(on).is_between(0, self._top)).then(on)).to_series()
        at = self._places.gather(known)
        return chunk.hstack(self._frame.select(pl.col(*set(columns.values())).gather(at)).select(wanted))


def _places(ids: pl.Series, top: int) -> pl.Series:
    empty = pl.Series([None], dtype=pl.UInt32).new_from_index(0, top + 1)
    return empty.scatter(ids, pl.int_range(ids.len(), dtype=pl.UInt32, eager=True))


def _plain(frame: pl.DataFrame, column: str) -> pl.Expr:
    kind = frame.schema[column]
    if isinstance(kind, pl.Enum):
        return pl.col(column).cast(pl.String)
    return pl.col(column).cast(pl.Int64) if kind.is_integer() else pl.col(column)
