"""Two piles of Parquet chunks, walked together in order of id, a window at a time, in bounded memory.

Where the chunks of a side come nearly in key order they are merged as they lie; a side in another order (Mission may
page by anything) is sorted first: into sorted runs on disk, which are then merged in the same way. What is compared
inside a window is none of this file's business.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from migrate_etl.verify.runs import write_pieces

WINDOW_ROWS = 100_000
"""Rows of both sides together that a window aims at; what is compared at once, and so most of the memory."""

OPEN_ROWS = 600_000
"""Rows that may lie read but unused before a side is sorted instead; also the length of a sorted run."""

SAMPLE_EVERY = 64


@dataclass(frozen=True, slots=True)
class Span:
    """A chunk or a piece of one: its lowest and highest id, its rows that have one, and how to read them."""

    low: int
    high: int
    rows: int
    load: Callable[[], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Side:
    """Parquet files and the columns to read of them; the first expression yields `id` (Int64).

    Rows without an id belong to no window: `nameless` is called with them once, with the columns of `keep` beside
    the projected ones.
    """

    files: Sequence[Path]
    columns: Sequence[pl.Expr]
    nameless: Callable[[pl.DataFrame], None] = lambda frame: None
    keep: Sequence[str] = ()

    def read(self, file: Path) -> pl.DataFrame:
        """The projected rows of one file that have an id."""
        frame = pl.scan_parquet(file).select(*self.columns).collect()
        return frame.filter(pl.col("id").is_not_null()) if frame["id"].null_count() else frame

    def empty(self) -> pl.DataFrame:
        return pl.scan_parquet(self.files[0]).select(*self.columns).head(0).collect()


@dataclass(frozen=True, slots=True)
class Window:
    """A range of ids: all rows that either side has in it, each side sorted by id."""

    left: pl.DataFrame
    right: pl.DataFrame


def windows(left: Side, right: Side | None, scratch: Path) -> Iterator[Window]:
    """The two sides side by side; without a right side, windows over the left one, their right frames without columns.

    Every side has at least one file (an empty dataset has an empty chunk). `scratch` is a folder to sort in; its
    owner removes it.
    """
    with ThreadPoolExecutor(2, thread_name_prefix="verify") as pool:
        sides = [side for side in (left, right) if side is not None]
        surveys = [_survey(side, pool) for side in sides]
        piles = [
            _Pile(_in_order(side, spans, scratch / str(number), pool), side.empty(), pool)
            for number, (side, (spans, _)) in enumerate(zip(sides, surveys, strict=True))
        ]
        for upto in _bounds([ids for _, ids in surveys], WINDOW_ROWS // 2 * len(sides)):
            frames = [pile.take(upto) for pile in piles]
            yield Window(frames[0], frames[1] if right is not None else pl.DataFrame())


def _survey(side: Side, pool: ThreadPoolExecutor) -> tuple[list[Span], pl.Series]:
    """Every chunk's span, and a thin sample of all ids; rows without an id are handed to `nameless`."""
    spans, samples = [], [pl.Series("id", [], dtype=pl.Int64)]
    for file, ids in zip(side.files, pool.map(_ids, side.files), strict=True):
        if ids.null_count():
            rows = pl.scan_parquet(file).filter(pl.col("id").is_null()).select(*side.columns, *side.keep)
            side.nameless(rows.collect())
            ids = ids.drop_nulls()
        if len(ids):
            low, high = ids.min(), ids.max()
            assert isinstance(low, int)
            assert isinstance(high, int)
            spans.append(Span(low, high, len(ids), _reader(side, file)))
            samples += [ids.gather_every(SAMPLE_EVERY), pl.Series("id", [high], dtype=pl.Int64)]
    return spans, pl.concat(samples)


def _ids(file: Path) -> pl.Series:
    return pl.read_parquet(file, columns=["id"])["id"]


def _reader(side: Side, file: Path) -> Callable[[], pl.DataFrame]:
    return lambda: side.read(file)


def _bounds(samples: Sequence[pl.Series], rows: int) -> list[int]:
    """Upper ends of windows of about so many rows: quantiles of the sample, then the highest id of all."""
    ids = pl.concat(samples).sort()
    step = max(1, rows // SAMPLE_EVERY)
    ends = ids.gather_every(step, offset=step - 1).to_list() if len(ids) >= step else []
    return sorted({*ends, *ids.tail(1).to_list()})


def _in_order(side: Side, spans: list[Span], folder: Path, pool: ThreadPoolExecutor) -> list[Span]:
    """The spans as they are, or, if too many rows would lie open at once, sorted runs of the same rows."""
    return list(_runs(spans, folder, pool)) if _most_open(spans) > OPEN_ROWS else spans


def _most_open(spans: Sequence[Span]) -> int:
    """The most rows that lie read but unused when the chunks are taken in order of their lowest id."""
    events = sorted([(span.low, span.rows) for span in spans] + [(span.high + 1, -span.rows) for span in spans])
    most = now = 0
    for _, change in events:
        now += change
        most = max(most, now)
    return most


def _runs(spans: Sequence[Span], folder: Path, pool: ThreadPoolExecutor) -> Iterator[Span]:
    folder.mkdir(parents=True)
    waiting: list[pl.DataFrame] = []
    rows, left = 0, len(spans)
    for frame in _ahead((span.load for span in spans), pool):
        waiting.append(frame)
        rows, left = rows + frame.height, left - 1
        if rows >= OPEN_ROWS or not left:
            yield from _write_run(pl.concat(waiting).sort("id"), folder / f"{left:06d}.arrow")
            waiting, rows = [], 0


def _write_run(run: pl.DataFrame, file: Path) -> list[Span]:
    """One file of sorted rows; the spans read one piece each."""
    spans, start, ids = [], 0, run["id"]
    for piece in write_pieces(run, file):
        spans.append(Span(ids[start], ids[start + piece.rows - 1], piece.rows, piece.load))
        start += piece.rows
    return spans


def _ahead(loads: Iterable[Callable[[], pl.DataFrame]], pool: ThreadPoolExecutor) -> Iterator[pl.DataFrame]:
    """What the loads give, in their order, two of them under way while the one before is used."""
    under_way: deque[Future[pl.DataFrame]] = deque()
    for load in loads:
        under_way.append(pool.submit(load))
        if len(under_way) > 2:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


class _Pile:
    """The rows of one side that are read but not yet taken."""

    def __init__(self, spans: Sequence[Span], empty: pl.DataFrame, pool: ThreadPoolExecutor) -> None:
        ordered = sorted(spans, key=lambda span: span.low)
        self._lows = deque(span.low for span in ordered)
        self._frames = _ahead((span.load for span in ordered), pool)
        self._empty = empty
        self._rest: list[pl.DataFrame] = []

    def take(self, upto: int) -> pl.DataFrame:
        """All rows with an id up to and including `upto` that were not taken before, sorted by id."""
        while self._lows and self._lows[0] <= upto:
            self._lows.popleft()
            self._rest.append(_sorted(next(self._frames)))
        ends = [int(frame["id"].search_sorted(upto, side="right")) for frame in self._rest]
        taken = [frame.head(end) for frame, end in zip(self._rest, ends, strict=True)]
        rest = [frame.slice(end) for frame, end in zip(self._rest, ends, strict=True)]
        self._rest = [frame for frame in rest if frame.height]
        return _sorted(pl.concat([self._empty, *taken]))


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    return rows if rows["id"].is_sorted() else rows.sort("id", maintain_order=True)
