"""One thread's share of a transfer: takes items, decides, copies, proves, and writes down what came of each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic

from migrate_transfer.core.backend import Destination, Receipt, Rename, Sender, Source, Stored, Upload
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import FatalError, MigrateError, Stopped
from migrate_transfer.engine.losses import Losses
from migrate_transfer.engine.passage import Passage
from migrate_transfer.engine.proof import Landed, Prover, failed
from migrate_transfer.engine.verdict import Judge
from migrate_transfer.ledger.item_records import DONE, SOURCE, UNCHANGED, Known, Outcome, Row
from migrate_transfer.ledger.items import ItemLedger
from migrate_transfer.spec import TransferSpec

TAKE, TAKE_BYTES = 256, 16 * 2**20
"""An item is claimed with so many others: after a kill, these are asked about at the destination, and at the end one
thread may be left with so much."""
SETTLE_SECONDS = 1.0
"""Outcomes are written down together, but not later than this: of large files, one a minute is much."""
LEG, LEG_BYTES, LEG_SECONDS = 1_000, 2**30, 2.0
"""After so much, or so long, what waits for it is proven: until then nothing of it is seen done. Where nothing is to be
proven, there is one leg."""
SMALL = 128 * 1024
"""Up to this size the work of a file is in Python rather than in its bytes: more threads would only be in their way."""


class Rows:
    """The items of such sizes that wait, shared by `lanes` threads; an item is claimed as it is taken."""

    def __init__(self, ledger: ItemLedger, smallest: int, largest: int, lanes: int) -> None:
        self._ledger, self._rows = ledger, ledger.waiting(smallest, largest)
        self._most, self._bytes = TAKE // lanes, TAKE_BYTES // lanes  # else one has all of the rest
        self._next: Row | None = next(self._rows, None)
        self._lock = threading.Lock()

    def take(self) -> Sequence[Row]:
        """Some items of together not too many bytes; none at the end."""
        taken: list[Row] = []
        with self._lock:
            size = 0
            while (
                self._next is not None
                and len(taken) < self._most
                and (not taken or size + self._next.item.size <= self._bytes)
            ):
                size += self._next.item.size
                taken.append(self._next)
                self._next = next(self._rows, None)
        if taken:
            self._ledger.claim([row.number for row in taken])
        return taken


@dataclass
class Copier:
    """Works until the rows are at their end. Raises FatalError when the job cannot go on, TransientError when the
    destination stays away, Stopped."""

    source: Source
    destination: Destination
    ledger: ItemLedger
    spec: TransferSpec
    rows: Sequence[Rows]
    """What is to be worked off, one after the other."""
    sender: Callable[[], Sender]
    """Makes this thread's way into the destination."""
    control: Control
    leg_seconds: float = LEG_SECONDS
    _outcomes: list[Outcome] = field(default_factory=list)
    _landed: list[Landed] = field(default_factory=list)
    _renames: list[Rename] = field(default_factory=list)
    _again: list[Upload] = field(default_factory=list)
    _more: bool = True
    _flying: dict[int, Upload] = field(default_factory=dict)
    """By number: given to the sender, and not written down yet."""
    _settled_at: float = 0.0

    @property
    def in_flight(self) -> int:
        """Bytes read of what is on its way. May be asked from another thread."""
        return sum(upload.read for upload in list(self._flying.values()))

    def run(self) -> None:
        sender = self.sender()
        self._losses = Losses(self.destination)
        tools = (sender, self.spec, self.control, self._losses, self.ledger.prove, self._again.append)
        prover = Prover(self.source, self.destination, *tools)
        before = self.ledger.passes.before if self.ledger.passes.moved()[0] else None
        judge = Judge(self.source, self.destination, self.spec, self.control, before)
        try:
            while self._more or self._again:
                self.control.check()  # a sender with nothing to send may not have looked
                try:
                    for upload, result in sender.put_all(self._contents(judge)):
                        self._note(judge, upload, result)
                finally:
                    self._settle()
                self._rename(sender)
                for outcome in prover.prove(self._landed, judge.take_doubtful()):
                    self._end(outcome)
                self._landed.clear()
                self._settle()
            self._end(*self._losses.settled())
            self._settle()
            if self._flying:
                self.control.check()  # a helper leaves what it has not begun: that is no end of the job
        finally:
            sender.close()

    def _contents(self, judge: Judge) -> Iterator[Passage]:
        """What is to be sent; what needs no sending ends here."""
        while self._again:
            again = self._again.pop()
            self._flying[again.number] = again
            yield Passage(self.source, again)
        count = size = 0
        proving, until = self.spec.level == "reread", monotonic() + self.leg_seconds
        while not judge.full and len(self._landed) < LEG:
            if proving and (count >= LEG or size >= LEG_BYTES):
                return
            if (self._landed or judge.doubts) and monotonic() >= until:
                return
            rows = next((taken for some in self.rows if (taken := some.take())), ())
            self._more = bool(rows)
            if not rows:
                return
            stored = self.ledger.stored([row.item.key for row in rows])
            known = self.ledger.passes.known([row.item.key for row in rows]) if self.spec.kind == "sync" else {}
            for row in rows:
                if self.control.stopping:
                    return  # what is under way is finished first
                found = self._judged(judge, row, stored.get(row.item.key), known.get(row.item.key))
                if found is not None:
                    count, size = count + 1, size + found.item.size
                    self._flying[found.number] = found
                    yield Passage(self.source, found, hashing=self.spec.level is not None)

    def _judged(self, judge: Judge, row: Row, stored: Stored | None, known: Known | None) -> Upload | None:
        try:
            verdict = judge.judge(row, stored, known)
        except FatalError:
            raise
        except Stopped:
            if not self.control.stopping:
                raise
            return None  # it waits for the next attempt; what is under way is finished first
        except MigrateError as error:
            self._lose(judge, Upload(row.number, row.item, resumed=row.resumed), error)
            return None
        if isinstance(verdict, Upload):
            return verdict
        if isinstance(verdict, Rename):
            self._renames.append(verdict)
            return None
        if isinstance(verdict, Outcome):
            self._end(verdict)
        elif verdict is not None:
            self._land(verdict)
        return None

    def _note(self, judge: Judge, upload: Upload, result: Receipt | Exception) -> None:
        if isinstance(result, MigrateError):
            self._lose(judge, upload, result)
        elif isinstance(result, Exception):
            raise result
        else:
            there = Landed(upload.number, upload.item, upload.sha256, result.etag, DONE, result.sent)
            self._land(there._replace(moved=result.moved))

    def _lose(self, judge: Judge, upload: Upload, error: MigrateError) -> None:
        try:
            there = judge.moved(upload, error)
        except FatalError:
            raise
        except MigrateError:
            there = None  # the destination does not answer: the first error is the one to tell
        if there is not None:
            self._land(there)
        else:
            outcome, key = failed(upload.number, error, sent=upload.read), upload.item.key
            self._end(*self._losses.failed(self._remembered(outcome, key) if upload.resumed else outcome, error))

    def _remembered(self, outcome: Outcome, key: str) -> Outcome:
        """Of an item that was in flight when the pass was broken off, and cannot be read any more: with the object that
        the pass had put there, so that the sync knows it for its own."""
        if self.spec.kind != "sync" or not outcome.code.startswith(SOURCE):
            return outcome
        found, listed = self.destination.find(key), self.ledger.stored([key]).get(key)
        if found is None or found.moved or found.source != self.source.mark:
            return outcome
        if listed is not None and listed.etag == found.etag:
            return outcome
        return outcome._replace(etag=found.etag)

    def _rename(self, sender: Sender) -> None:
        """What cannot be renamed at the destination is sent."""
        renames, self._renames = self._renames, []
        for one, result in sender.copy_all(iter(renames)):
            if isinstance(result, Receipt):
                self._land(Landed(one.number, one.item, one.sha256, result.etag, DONE))
            else:
                self._again.append(Upload(one.number, one.item))

    def _land(self, landed: Landed) -> None:
        """It is at the destination: that is the end, unless it is to be read back or to be in another tier."""
        if self.spec.level == "reread" or (landed.state == UNCHANGED and self.spec.moves(landed.tier)):
            self._landed.append(landed)
        else:
            self._end(landed.outcome(self.spec.level or ""))

    def _end(self, *outcomes: Outcome) -> None:
        self._outcomes += outcomes
        if len(self._outcomes) >= TAKE or monotonic() >= self._settled_at + SETTLE_SECONDS:
            self._settle()

    def _settle(self) -> None:
        if self._outcomes:
            self.ledger.settle(self._outcomes)
            for outcome in self._outcomes:
                self._flying.pop(outcome.number, None)
            self._outcomes.clear()
            self._settled_at = monotonic()
