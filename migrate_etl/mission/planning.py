"""Planning a load: mapped records become batches, in the ledger with their bytes before anybody sends them."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

import polars as pl

from checks.rules import RULES
from migrate_etl.dataset import Dataset
from migrate_etl.mapping import REJECT
from migrate_etl.mission.api import MissionApi
from migrate_etl.mission.encode import Encoded, encode
from migrate_etl.mission.receipts import ReceiptsBook
from migrate_etl.spec import RecordKind
from migrate_transfer.core.ahead import one_ahead
from migrate_transfer.ledger import Batch, FailedItem, Ledger, PlannedBatch

SLICE = 20_000
"""Rows planned at a time, with one flush to the disk: forty batches."""

MAX_BYTES = 4 * 2**20
"""A batch ends early when its records reach this size: a group may have thousands of members."""


class Loadable(Protocol):
    """What loading asks of a kind of record: an `Entity` answers it, and so do the funds."""

    @property
    def name(self) -> RecordKind: ...
    @property
    def path(self) -> str: ...
    @property
    def prefix(self) -> str: ...
    @property
    def wire(self) -> tuple[str, ...]: ...
    @property
    def load_order(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Slice:
    """Batches that are in the ledger and not sent yet, and how many rows of the part are planned with them."""

    cursor: int
    batches: Sequence[Batch]


@dataclass(frozen=True, slots=True)
class Planning:
    """What is the same for all batches of one part."""

    job_id: str
    part: str
    entity: Loadable
    api: MissionApi
    ledger: Ledger
    receipts: ReceiptsBook
    batch_size: int
    resend: bool
    pool: ThreadPoolExecutor
    """Encodes a slice while the one before it is planned."""
    prints: dict[str, Sequence[bytes]] = field(default_factory=dict)
    """Fingerprints of the batches that this run planned and that are not booked yet, by key."""

    def batch(self, label: str, ids: Sequence[int], lines: Sequence[bytes]) -> PlannedBatch:
        """Keyed by job, part, batch number and content: a change back to an older value has another key."""
        head = f"{self.job_id}\n{self.part}\n{label}\n".encode()
        key = hashlib.sha256(head + b"\n".join(lines)).hexdigest()
        return PlannedBatch(key=key, ids=pack(ids), payload=self.api.payload(key, lines))

    def of_dataset(self, dataset: Dataset) -> Iterator[Slice]:
        """First what an earlier run left open, to the byte; then the rows that no run has planned yet."""
        first = _first_of_each(dataset)
        # More than the scan counted, where a row came to this year, or to Rock, between scan and reading.
        self.ledger.discovered(self.part, dataset.rows if first is None else int(first.sum()))
        self.ledger.skips(self.part, _skips(dataset, first))
        done = self.ledger.cursor(self.part)
        for batch in self._left_open(dataset):
            yield Slice(done, [batch])
        ready = (_ready(rows, self.entity.wire, at) for rows, at in _due(dataset, first, done))
        with closing(one_ahead(ready, self.pool)) as slices:
            for rows in slices:
                yield self._plan(rows)

    def of_lines(self, ids: Sequence[int], lines: Sequence[bytes]) -> Iterator[Slice]:
        """The same for records that are encoded already, whatever the receipts say."""
        done = self.ledger.cursor(self.part)
        for batch in self.ledger.open_batches(self.part):
            yield Slice(done, [batch])
        for start in range(done, len(ids), self.batch_size):
            end = min(start + self.batch_size, len(ids))
            batches = [self.batch(f"replay.{start}", ids[start:end], lines[start:end])]
            yield Slice(end, self.ledger.plan(self.part, batches, unchanged=b"", failed=[], cursor=end))

    def _left_open(self, dataset: Dataset) -> Iterator[Batch]:
        """The open batches; where parents go first in the dataset's order, for the ledger puts halves behind the
        rest."""
        found = self.ledger.open_batches(self.part)
        if self.entity.load_order is None:
            yield from found
        elif batches := list(found):
            ids = dataset.scan().select("id").collect()["id"]
            place = {id: n for n, id in enumerate(ids)}
            yield from sorted(batches, key=lambda batch: place[unpack(batch.ids)[0]])

    def _plan(self, rows: _Ready) -> Slice:
        """A record that breaks the contract fails here, unless somebody corrected it and Mission has it: unchanged
        then."""
        encoded, rejects = rows.encoded, rows.rejects
        rejected = rejects.is_not_null()
        changed = self._changed(encoded)
        batches = self._batches(encoded, (changed & ~rejected).arg_true().to_list(), rows.cursor)
        broken = zip(encoded.ids, rejects, strict=True) if rejected.any() else ()
        failed = [
            FailedItem(id, f"{self.entity.prefix}{id}", rule, RULES[rule].title, RULES[rule].remedy, encoded.lines[n])
            for n, (id, rule) in enumerate(broken)
            if rule is not None and changed[n]
        ]
        same = pack(encoded.ids.filter(~changed).to_list())
        planned = self.ledger.plan(self.part, batches, unchanged=same, failed=failed, cursor=rows.cursor)
        return Slice(rows.cursor, planned)

    def _changed(self, encoded: Encoded) -> pl.Series:
        """Whether Mission has not yet accepted this very content of each record."""
        if self.resend:
            return pl.repeat(True, len(encoded.ids), eager=True)
        known = self.receipts.lookup(self.entity.name, encoded.ids)
        return known.ne_missing(encoded.fingerprints)

    def _batches(self, encoded: Encoded, positions: Sequence[int], cursor: int) -> list[PlannedBatch]:
        ids, prints, lines = encoded.ids.to_list(), encoded.fingerprints.to_list(), encoded.lines
        batches = []
        for n, group in enumerate(_groups(lines, positions, self.batch_size)):
            batch = self.batch(f"{cursor}.{n}", [ids[at] for at in group], [lines[at] for at in group])
            self.prints[batch.key] = [prints[at] for at in group]
            batches.append(batch)
        return batches


@dataclass(frozen=True, slots=True)
class _Ready:
    """Rows to load, encoded; the rule that each breaks, or null; how many rows of the part are behind them."""

    encoded: Encoded
    rejects: pl.Series
    cursor: int


def _ready(rows: pl.DataFrame, wire: Sequence[str], cursor: int) -> _Ready:
    to_load = rows.filter(pl.col("skip").is_null())
    return _Ready(encode(to_load, wire), to_load[REJECT], cursor)


def _due(dataset: Dataset, first: pl.Series | None, done: int) -> Iterator[tuple[pl.DataFrame, int]]:
    """The rows that are not planned yet, in slices, each with how many rows of the dataset end with it."""
    at = 0
    for chunk in dataset.chunks():
        for start in range(0, chunk.height, SLICE):
            rows = chunk.slice(start, SLICE)
            at += rows.height
            if at > done:
                due = min(rows.height, at - done)
                rows = rows.tail(due)
                yield rows if first is None else rows.filter(first.slice(at - due, due)), at


def _first_of_each(dataset: Dataset) -> pl.Series | None:
    """Which rows are the first of their id, where there are others: a page that was read twice is loaded once."""
    ids = dataset.scan().select("id")
    if ids.select((pl.col("id").diff() > 0).all()).collect().item():
        return None
    first = ids.select(pl.col("id").is_first_distinct()).collect()["id"]
    return None if first.all() else first


def _skips(dataset: Dataset, first: pl.Series | None) -> dict[str, int]:
    rows = dataset.scan().select("skip")
    rows = rows if first is None else rows.collect().filter(first).lazy()
    counts = rows.drop_nulls().group_by("skip").len().collect()
    return dict(counts.iter_rows())


def _groups(lines: Sequence[bytes], positions: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """Positions of consecutive records, at most `size` and at most MAX_BYTES unless one record alone is larger."""
    for start in range(0, len(positions), size):
        yield from _small_enough(lines, positions[start : start + size])


def _small_enough(lines: Sequence[bytes], positions: Sequence[int]) -> Iterator[Sequence[int]]:
    if len(positions) > 1 and sum(map(len, map(lines.__getitem__, positions))) > MAX_BYTES:
        half = len(positions) // 2
        yield from _small_enough(lines, positions[:half])
        yield from _small_enough(lines, positions[half:])
    else:
        yield positions


def pack(ids: Sequence[int]) -> bytes:
    """Rock ids as the ledger keeps them: 64-bit little-endian."""
    return array("q", ids).tobytes()


def unpack(packed: bytes) -> Sequence[int]:
    return array("q", packed)
