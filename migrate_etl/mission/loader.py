"""Load: mapped records into Mission, batch by batch, over the ledger.

One thread plans and keeps the books; a few threads only send, or one where parents must be there before children. A
batch is in the ledger with its bytes before it is sent, its records are in the receipts book before the ledger calls it
done: killed between any two instructions, the next run sends the same bytes under the same key and Mission changes
nothing twice.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import polars as pl

from checks.rules import RULES
from migrate_etl.dataset import Dataset
from migrate_etl.entity import Entity
from migrate_etl.mapping import REJECT
from migrate_etl.mission.api import BatchAnswer, BatchRefused, MissionApi, RecordError
from migrate_etl.mission.encode import Encoded, encode, fingerprints
from migrate_etl.mission.receipts import ReceiptsBook
from migrate_transfer.core.control import Control
from migrate_transfer.ledger import Batch, FailedItem, Ledger, PlannedBatch

SLICE = 10_000
"""Rows planned at a time: twenty batches, so that planning never keeps the senders waiting for long."""

MAX_BYTES = 4 * 2**20
"""A batch ends early when its records reach this size: a group may have thousands of members."""


Answer = BatchAnswer | BatchRefused


@dataclass(frozen=True, slots=True)
class Loader:
    """Loads one part after another; the ledger, the receipts and the API are shared by all parts of a job."""

    job_id: str
    api: MissionApi
    ledger: Ledger
    receipts: ReceiptsBook
    control: Control
    batch_size: int
    concurrency: int
    resend: bool

    def load(
        self, part: str, entity: Entity, dataset: Dataset, progress: Callable[[int], None] = lambda rows: None
    ) -> None:
        """Send what Mission does not have yet, until every row of the dataset has its outcome in the ledger.
        `progress` is told how many rows of the dataset are through.

        Raises AccessDenied, TargetError, TransientError (Mission stayed away), StorageError, Stopped; all of them
        leave a ledger that the next call goes on from. The caller holds the part's lease.
        """
        road = _Road(self, part, entity)
        first = _first_of_each(dataset)
        self.ledger.skips(part, _skips(dataset, first))
        self._drive(road, _waiting(road, dataset, first), progress)
        progress(dataset.rows)

    def replay(self, part: str, entity: Entity, ids: Sequence[int], lines: Sequence[bytes]) -> None:
        """Send these records (encoded, one JSON object each) whatever the receipts say; otherwise as `load`."""
        road = _Road(self, part, entity)
        self._drive(road, _replayed(road, ids, lines), lambda rows: None)

    def _drive(self, road: _Road, waiting: Iterator[Batch], progress: Callable[[int], None]) -> None:
        again: deque[Batch] = deque()
        control = self.control.child()
        at_once = 1 if road.entity.load_order else 4 * self.concurrency + 8
        sending: dict[Future[Answer], Batch] = {}
        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="send") as senders:
            try:
                while True:
                    while len(sending) < at_once:
                        batch = again.popleft() if again else next(waiting, None)
                        if batch is None:
                            break
                        sending[senders.submit(road.send, batch, control)] = batch
                    if not sending:
                        return
                    for future in wait(sending, return_when=FIRST_COMPLETED).done:
                        again.extendleft(reversed(road.settle(sending[future], future.result())))
                        del sending[future]
                    open_rows = sum(batch.count for batch in (*again, *sending.values()))
                    progress(self.ledger.cursor(road.part) - open_rows)
            finally:
                _finish_in_flight(road, sending, control)


def _finish_in_flight(road: _Road, sending: dict[Future[Answer], Batch], control: Control) -> None:
    """Whatever stopped the load, an answer that is on its way is written down; the rest stays open in the ledger.

    Nobody waits for a Mission that asked for patience: a revoked key ends the load though another batch was put off.
    """
    control.stop("cancelled")
    for future in sending:
        future.cancel()
    for future, batch in sending.items():
        if not future.cancelled() and future.exception() is None:
            road.settle(batch, future.result())


@dataclass(frozen=True, slots=True)
class _Road:
    """What is the same for all batches of one part."""

    loader: Loader
    part: str
    entity: Entity

    def send(self, batch: Batch, control: Control) -> Answer:
        return self.loader.api.send(self.entity.path, batch.key, batch.payload, batch.count, control)

    def key(self, label: str, lines: Sequence[bytes]) -> str:
        """SHA-256 of job, entity, batch number and content: a change back to an older value has another key."""
        head = f"{self.loader.job_id}\n{self.part}\n{label}\n".encode()
        return hashlib.sha256(head + b"\n".join(lines)).hexdigest()

    def batch(self, label: str, ids: Sequence[int], lines: Sequence[bytes]) -> PlannedBatch:
        key = self.key(label, lines)
        return PlannedBatch(key=key, ids=pack(ids), payload=self.loader.api.payload(key, lines))

    def settle(self, batch: Batch, answer: Answer) -> Sequence[Batch]:
        """Write the outcome down; the halves of a refused batch come back to be sent."""
        lines = self.loader.api.lines(batch.payload)
        ids = unpack(batch.ids)
        if isinstance(answer, BatchAnswer) and answer.errors and not answer.errors.keys() <= set(self._externals(ids)):
            message = "Mission named records that are not in the batch."
            answer = BatchRefused(RecordError("ANSWER_INCONSISTENT", message))
        if isinstance(answer, BatchRefused):
            if len(ids) > 1:
                return self._bisect(batch, ids, lines)
            answer = BatchAnswer("counts", errors={self._external(ids[0]): answer.error})
        self._book(batch, ids, lines, answer)
        return ()

    def _externals(self, ids: Sequence[int]) -> list[str]:
        return [self._external(id) for id in ids]

    def _external(self, rock_id: int) -> str:
        return f"{self.entity.prefix}{rock_id}"

    def _bisect(self, batch: Batch, ids: Sequence[int], lines: Sequence[bytes]) -> Sequence[Batch]:
        half = len(ids) // 2
        halves = [
            self.batch(f"{batch.key}.{n}", ids[cut], lines[cut])
            for n, cut in enumerate((slice(None, half), slice(half, None)))
        ]
        return self.loader.ledger.split(batch, halves)

    def _book(self, batch: Batch, ids: Sequence[int], lines: Sequence[bytes], answer: BatchAnswer) -> None:
        failed: list[FailedItem] = []
        if answer.errors:
            refused = [answer.errors.get(external) for external in self._externals(ids)]
            failed = [
                FailedItem(ids[n], self._external(ids[n]), error.code, error.message, error.remedy, lines[n])
                for n, error in enumerate(refused)
                if error is not None
            ]
            taken = [n for n, error in enumerate(refused) if error is None]
            ids, lines = [ids[n] for n in taken], [lines[n] for n in taken]
        if ids:
            self.loader.receipts.accepted(self.entity.name, batch.key, ids, fingerprints(lines))
        counts = (answer.imported, answer.updated, answer.skipped) if answer.grade == "counts" else None
        self.loader.ledger.settle(batch, failed, counts)


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


def _waiting(road: _Road, dataset: Dataset, first: pl.Series | None) -> Iterator[Batch]:
    """First what an earlier run left open, to the byte; then the rows that no run has planned yet."""
    ledger = road.loader.ledger
    yield from _left_open(road, dataset)
    done, at = ledger.cursor(road.part), 0
    for chunk in dataset.chunks():
        for start in range(0, chunk.height, SLICE):
            rows = chunk.slice(start, SLICE)
            at += rows.height
            if at > done:
                due = min(rows.height, at - done)
                rows = rows.tail(due)
                yield from _plan(road, rows if first is None else rows.filter(first.slice(at - due, due)), at)


def _left_open(road: _Road, dataset: Dataset) -> Iterator[Batch]:
    """The open batches; where parents go first in the dataset's order, for the ledger puts halves behind the rest."""
    found = road.loader.ledger.open_batches(road.part)
    if road.entity.load_order is None:
        yield from found
    elif batches := list(found):
        ids = dataset.scan().select("id").collect()["id"]
        place = {id: n for n, id in enumerate(ids)}
        yield from sorted(batches, key=lambda batch: place[unpack(batch.ids)[0]])


def _replayed(road: _Road, ids: Sequence[int], lines: Sequence[bytes]) -> Iterator[Batch]:
    ledger = road.loader.ledger
    yield from ledger.open_batches(road.part)
    for start in range(ledger.cursor(road.part), len(ids), road.loader.batch_size):
        end = min(start + road.loader.batch_size, len(ids))
        batch = road.batch(f"replay.{start}", ids[start:end], lines[start:end])
        yield from ledger.plan(road.part, [batch], unchanged=b"", failed=[], cursor=end)


def _plan(road: _Road, rows: pl.DataFrame, cursor: int) -> Sequence[Batch]:
    """A record that breaks the contract fails here, unless somebody corrected it and Mission has it: unchanged then."""
    to_load = rows.filter(pl.col("skip").is_null())
    encoded = encode(to_load, road.entity.wire)
    rejected = to_load[REJECT].is_not_null()
    changed = _changed(road, encoded)
    positions = (changed & ~rejected).arg_true().to_list()
    batches = [road.batch(f"{cursor}.{n}", *group) for n, group in enumerate(_groups(road, encoded, positions))]
    failed = [
        FailedItem(id, f"{road.entity.prefix}{id}", rule, RULES[rule].title, RULES[rule].remedy, encoded.lines[n])
        for n, (id, rule) in enumerate(to_load.select("id", REJECT).iter_rows() if rejected.any() else ())
        if rule is not None and changed[n]
    ]
    same = encoded.ids.filter(~changed)
    return road.loader.ledger.plan(road.part, batches, unchanged=pack(same.to_list()), failed=failed, cursor=cursor)


def _changed(road: _Road, encoded: Encoded) -> pl.Series:
    """Whether Mission has not yet accepted this very content of each record."""
    if road.loader.resend:
        return pl.repeat(True, len(encoded.ids), eager=True)
    known = road.loader.receipts.lookup(road.entity.name, encoded.ids)
    return known.ne_missing(encoded.fingerprints)


def _groups(road: _Road, encoded: Encoded, positions: Sequence[int]) -> Iterator[tuple[list[int], list[bytes]]]:
    """Consecutive records, at most a batch's worth and at most MAX_BYTES unless one record alone is larger."""
    all_ids, size = encoded.ids.to_list(), road.loader.batch_size
    for start in range(0, len(positions), size):
        chosen = positions[start : start + size]
        yield from _small_enough([all_ids[n] for n in chosen], [encoded.lines[n] for n in chosen])


def _small_enough(ids: list[int], lines: list[bytes]) -> Iterator[tuple[list[int], list[bytes]]]:
    if len(ids) > 1 and sum(map(len, lines)) > MAX_BYTES:
        half = len(ids) // 2
        yield from _small_enough(ids[:half], lines[:half])
        yield from _small_enough(ids[half:], lines[half:])
    else:
        yield ids, lines


def pack(ids: Sequence[int]) -> bytes:
    """Rock ids as the ledger keeps them: 64-bit little-endian."""
    return array("q", ids).tobytes()


def unpack(packed: bytes) -> Sequence[int]:
    return array("q", packed)
