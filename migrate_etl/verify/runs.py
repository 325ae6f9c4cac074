"""More rows than memory holds, in order: sorted runs in Arrow files, read back and merged piece by piece."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pyarrow as pa

PIECE_ROWS = 16_000
"""Rows of a run read at a time: small, because every run has one piece open."""


class Piece(NamedTuple):
    """Some consecutive rows of a run, and how to read them."""

    rows: int
    load: Callable[[], pl.DataFrame]


def write_pieces(rows: pl.DataFrame, file: Path) -> list[Piece]:
    """Write one Arrow file, a record batch per piece. Nothing is mapped into memory when it is read.

    Text is written as plain strings: of string views, each piece would carry the words of the whole run.
    """
    table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    with pa.ipc.new_file(str(file), table.schema) as writer:
        writer.write_table(table, max_chunksize=PIECE_ROWS)
    with pa.ipc.open_file(str(file)) as reader:
        sizes = [reader.get_batch(n).num_rows for n in range(reader.num_record_batches)]
    return [Piece(size, _reader(file, number)) for number, size in enumerate(sizes)]


def _reader(file: Path, number: int) -> Callable[[], pl.DataFrame]:
    def load() -> pl.DataFrame:
        with pa.OSFile(str(file)) as source, pa.ipc.open_file(source) as reader:
            frame = pl.from_arrow(reader.get_batch(number))
        assert isinstance(frame, pl.DataFrame)
        return frame

    return load


class Runs:
    """Rows by their keys, smallest first and nulls last. No two rows of one run have the same keys."""

    def __init__(self, keys: Sequence[str], folder: Path) -> None:
        self._keys, self._folder = list(keys), folder
        self._runs: list[list[Piece]] = []

    def add(self, rows: pl.DataFrame) -> None:
        """Put a run into the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        ordered = rows.sort(self._keys, nulls_last=True)
        self._runs.append(write_pieces(ordered, self._folder / f"{len(self._runs):06d}.arrow"))

    def merged(self, *kept: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """All rows, a few pieces at a time: no row of a frame comes after one of the next, rows with the same keys
        are in one frame; within a frame the runs follow each other. `kept` are further runs, in order, in memory."""
        heads = [_Head(run, self._keys) for run in self._runs] + [_Head([], self._keys, run) for run in kept]
        while heads := [head for head in heads if head.filled()]:
            upto = min(head.last() for head in heads)
            yield pl.concat([head.take(upto) for head in heads])


class _Head:
    """What is read of a run and not yet taken."""

    def __init__(self, run: Sequence[Piece], keys: Sequence[str], rows: pl.DataFrame | None = None) -> None:
        self._pieces, self._keys = deque(run), keys
        self._rows = pl.DataFrame() if rows is None else rows

    def filled(self) -> bool:
        if not self._rows.height and self._pieces:
            self._rows = self._pieces.popleft().load()
        return bool(self._rows.height)

    def last(self) -> tuple[Any, ...]:
        return self._place(self._rows.height - 1)

    def take(self, upto: tuple[Any, ...]) -> pl.DataFrame:
        """The rows up to and including those keys."""
        end = bisect_right(range(self._rows.height), upto, key=self._place)
        taken, self._rows = self._rows.head(end), self._rows.slice(end)
        return taken

    def _place(self, row: int) -> tuple[Any, ...]:
        values = (self._rows[key][row] for key in self._keys)
        return tuple((value is None, value) for value in values)
