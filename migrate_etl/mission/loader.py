"""Load: mapped records into Mission, batch by batch, over the ledger.

One thread encodes, one plans, one keeps the books, a few only send (one where parents must be there before children).
A batch is in the ledger with its bytes before it is sent, its records are in the receipts book before the ledger calls
it done: killed between any two instructions, the next run sends the same bytes under the same key and Mission changes
nothing twice.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from migrate_etl.dataset import Dataset
from migrate_etl.mission.api import BatchAnswer, BatchRefused, MissionApi, RecordError
from migrate_etl.mission.encode import fingerprints
from migrate_etl.mission.planning import Loadable, Planning, Slice, unpack
from migrate_etl.mission.receipts import ReceiptsBook
from migrate_transfer.core.ahead import one_ahead
from migrate_transfer.core.control import Control
from migrate_transfer.ledger import Batch, FailedItem, Ledger

Answer = BatchAnswer | BatchRefused

TOGETHER, AT_MOST = 8, 0.25
"""Answers written down in one transaction, and the seconds that the first of them waits for the others: each has its
price, and a kill in between only means to ask again."""


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
    planner: ThreadPoolExecutor
    """Two threads, which encode records and make batches of them while others are on their way; they keep their
    connections to the books."""

    def load(
        self, part: str, entity: Loadable, dataset: Dataset, progress: Callable[[int], None] = lambda rows: None
    ) -> None:
        """Send what Mission does not have yet, until every row of the dataset has its outcome in the ledger.
        `progress` is told how many rows of the dataset are through.

        Raises AccessDenied, TargetError, TransientError (Mission stayed away), StorageError, Stopped; all of them
        leave a ledger that the next call goes on from. The caller holds the part's lease.
        """
        planning = self._planning(part, entity)
        self._drive(_Road(self, planning), planning.of_dataset(dataset), progress)
        progress(dataset.rows)

    def replay(self, part: str, entity: Loadable, ids: Sequence[int], lines: Sequence[bytes]) -> None:
        """Send these records (encoded, one JSON object each) whatever the receipts say; otherwise as `load`."""
        planning = self._planning(part, entity)
        self._drive(_Road(self, planning), planning.of_lines(ids, lines), lambda rows: None)

    def _planning(self, part: str, entity: Loadable) -> Planning:
        return Planning(
            self.job_id,
            part,
            entity,
            self.api,
            self.ledger,
            self.receipts,
            self.batch_size,
            self.resend,
            self.planner,
        )

    def _drive(self, road: _Road, waiting: Iterator[Slice], progress: Callable[[int], None]) -> None:
        control = self.control.child()
        at_once = 1 if road.entity.load_order else 4 * self.concurrency + 8
        due: deque[Batch] = deque()
        planned = 0
        with (
            closing(one_ahead(waiting, self.planner)) as slices,
            ThreadPoolExecutor(self.concurrency, thread_name_prefix="send") as senders,
        ):
            flight = _Flight(road, senders, control)
            try:
                while True:
                    while flight.under_way < at_once:
                        if due:
                            flight.send(due.popleft())
                        elif (slice := next(slices, None)) is not None:
                            planned = slice.cursor
                            due.extend(slice.batches)
                        else:
                            break
                    if not flight.under_way:
                        return
                    due.extendleft(reversed(flight.settle_some()))
                    progress(planned - sum(batch.count for batch in due) - flight.count)
            finally:
                control.stop("cancelled")
                flight.land()


class _Flight:
    """The batches that are under way, and those whose answers wait to be written down together."""

    def __init__(self, road: _Road, senders: ThreadPoolExecutor, control: Control) -> None:
        self._road, self._senders, self._control = road, senders, control
        self._batches: dict[Future[Answer], Batch] = {}
        self._ended: SimpleQueue[Future[Answer]] = SimpleQueue()
        self._answered: list[Future[Answer]] = []

    @property
    def under_way(self) -> int:
        return len(self._batches) - len(self._answered)

    @property
    def count(self) -> int:
        """Records that are not written down yet."""
        return sum(batch.count for batch in self._batches.values())

    def send(self, batch: Batch) -> None:
        future = self._senders.submit(self._road.send, batch, self._control)
        self._batches[future] = batch
        future.add_done_callback(self._ended.put)

    def settle_some(self) -> list[Batch]:
        """Wait for an answer and write it down with those that come soon after; halves of what was refused.

        Raises what a batch ended with, at once."""
        self._take(self._ended.get())
        until = time.monotonic() + AT_MOST
        with suppress(Empty):
            while self.under_way and len(self._answered) < TOGETHER:
                self._take(self._ended.get(timeout=max(0.0, until - time.monotonic())))
        answered, self._answered = self._answered, []
        halves = self._road.settle([(self._batches[future], future.result()) for future in answered])
        for future in answered:
            del self._batches[future]
        return halves

    def _take(self, ended: Future[Answer]) -> None:
        ended.result()
        self._answered.append(ended)

    def land(self) -> None:
        """Whatever stopped the load, an answer that is on its way is written down; the rest stays open in the ledger.

        Nobody waits for a Mission that asked for patience: a revoked key ends the load though another batch was put
        off.
        """
        for future in self._batches:
            future.cancel()
        self._road.settle(
            [
                (batch, future.result())
                for future, batch in self._batches.items()
                if not future.cancelled() and future.exception() is None
            ]
        )


@dataclass(frozen=True, slots=True)
class _Ended:
    """A batch whose outcome is known: what Mission took, what it refused, its counts where it gave them."""

    batch: Batch
    ids: Sequence[int]
    prints: Sequence[bytes]
    failed: Sequence[FailedItem]
    counts: tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class _Road:
    """What becomes of the batches of one part once they are planned."""

    loader: Loader
    planning: Planning

    @property
    def entity(self) -> Loadable:
        return self.planning.entity

    def send(self, batch: Batch, control: Control) -> Answer:
        return self.loader.api.send(self.entity.path, batch.key, batch.payload, batch.count, control)

    def settle(self, answered: Sequence[tuple[Batch, Answer]]) -> list[Batch]:
        """Write the outcomes down; the halves of refused batches come back to be sent."""
        halves: list[Batch] = []
        ended: list[_Ended] = []
        for batch, answer in answered:
            outcome = self._outcome(batch, answer)
            if outcome is None:
                halves += self._bisect(batch)
            else:
                ended.append(outcome)
        if ended:
            self._book(ended)
        return halves

    def _outcome(self, batch: Batch, answer: Answer) -> _Ended | None:
        """None for a batch that must be tried in halves."""
        ids = unpack(batch.ids)
        if isinstance(answer, BatchAnswer) and answer.errors and not answer.errors.keys() <= set(self._externals(ids)):
            message = "Mission named records that are not in the batch."
            answer = BatchRefused(RecordError("ANSWER_INCONSISTENT", message))
        if isinstance(answer, BatchRefused):
            if len(ids) > 1:
                return None
            answer = BatchAnswer("counts", errors={self._external(ids[0]): answer.error})
        counts = (answer.imported, answer.updated, answer.skipped) if answer.grade == "counts" else None
        prints = self.planning.prints.pop(batch.key, None) or fingerprints(self.loader.api.lines(batch.payload))
        if not answer.errors:
            return _Ended(batch, ids, prints, (), counts)
        lines = self.loader.api.lines(batch.payload)
        refused = [answer.errors.get(external) for external in self._externals(ids)]
        failed = [
            FailedItem(ids[n], self._external(ids[n]), error.code, error.message, error.remedy, lines[n])
            for n, error in enumerate(refused)
            if error is not None
        ]
        taken = [n for n, error in enumerate(refused) if error is None]
        return _Ended(batch, [ids[n] for n in taken], [prints[n] for n in taken], failed, counts)

    def _book(self, ended: Sequence[_Ended]) -> None:
        """The receipts first: what the ledger calls done must be in them."""
        with self.loader.receipts.together():
            for one in ended:
                self.loader.receipts.accepted(self.entity.name, one.batch.key, one.ids, one.prints)
        with self.loader.ledger.together(self.planning.part):
            for one in ended:
                self.loader.ledger.settle(one.batch, one.failed, one.counts)

    def _externals(self, ids: Sequence[int]) -> list[str]:
        return [self._external(id) for id in ids]

    def _external(self, rock_id: int) -> str:
        return f"{self.entity.prefix}{rock_id}"

    def _bisect(self, batch: Batch) -> Sequence[Batch]:
        ids, lines = unpack(batch.ids), self.loader.api.lines(batch.payload)
        half = len(ids) // 2
        halves = [
            self.planning.batch(f"{batch.key}.{n}", ids[cut], lines[cut])
            for n, cut in enumerate((slice(None, half), slice(half, None)))
        ]
        return self.loader.ledger.split(batch, halves)
