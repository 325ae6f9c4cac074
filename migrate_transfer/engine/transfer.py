"""A transfer as its job folder holds it: scan, run, and how far it is. May be killed at any point and made again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from time import monotonic

from migrate_transfer.core.backend import Destination, Meter, Sender, Source, Streams
from migrate_transfer.core.bandwidth import Bucket
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import InvalidRequest, MigrateError, SourceError, Stopped, TargetError
from migrate_transfer.engine.copier import SMALL, Copier, Rows
from migrate_transfer.engine.far import FarSender, helpers
from migrate_transfer.engine.removals import Removals
from migrate_transfer.engine.scanner import require_listed, scan
from migrate_transfer.engine.shares import Shares
from migrate_transfer.forecast import Forecast, Speed, forecast
from migrate_transfer.ledger.item_records import FileTotals
from migrate_transfer.ledger.items import ItemLedger
from migrate_transfer.ledger.passes import LISTED_AT
from migrate_transfer.spec import TransferSpec

LOOK_SECONDS = 0.25
LARGEST = 2**63 - 1
MANY = 2_000
"""Small files from which a process more pays for its start."""
REMOVED = 500
"""So many deletions of a sync are written down together."""
REST_SECONDS = 5.0
DUTY = 20
"""A recount may take a twentieth of the time: of ten million items it takes seconds."""
Tell = Callable[[FileTotals], None]


@dataclass
class Pace:
    """Tells how far the ledger is, not too often."""

    ledger: ItemLedger
    tell: Tell
    in_flight: Callable[[], int] = int
    """Bytes of what has no outcome yet; none where nothing is moved."""
    _next: float = field(default_factory=monotonic)

    def __call__(self) -> None:
        if monotonic() < self._next:
            return
        begun = monotonic()
        self.tell(replace(self.ledger.totals(), in_flight=self.in_flight()))
        now = monotonic()
        self._next = now + max(LOOK_SECONDS, DUTY * (now - begun))


@dataclass
class Transfer:
    """`folder` holds the ledger; the spec of a folder never changes. Raises InvalidRequest when it would."""

    folder: Path
    spec: TransferSpec
    source: Source
    destination: Destination
    many: int = MANY
    meter: Meter = field(default_factory=Meter)
    """What went over the wire since this was made."""

    def __post_init__(self) -> None:
        self.ledger = ItemLedger(self.folder / "items.sqlite")
        if self.spec.kind == "sync":
            self.ledger.passes.prepare()
        before = self.ledger.fact("spec")
        if before is None:
            self.ledger.note("spec", self.spec.text())
        elif TransferSpec.of(before).identity() != self.spec.identity():
            raise InvalidRequest(
                "The job folder belongs to a transfer with other settings.",
                code="OTHER_TRANSFER",
                remedy="Give the settings it was begun with, or another job folder.",
            )

    def close(self) -> None:
        self.ledger.close()

    def scan(self, control: Control, tell: Tell = lambda totals: None) -> FileTotals:
        """Find out what there is; nothing moves. Raises FatalError, TransientError, Stopped, AlreadyRunning."""
        with self.ledger.lease():
            self._scan(control, tell)
        return self.ledger.totals()

    def _scan(self, control: Control, tell: Tell) -> None:
        if not self.ledger.scanned:
            if self.spec.kind == "sync":
                self._begin_elsewhere()
                self.ledger.passes.begin_again()
            self._look_what_is_mounted()
            scan(self.source, self.destination, self.ledger, self.spec.filters, control, Pace(self.ledger, tell))
            self._look_what_is_mounted()  # what is mounted meanwhile was there one time or the other

    def _begin_elsewhere(self) -> None:
        """A pass that was listing another folder than its link leads to now begins anew: nothing was copied for it."""
        listing = self.ledger.fact("source_listed") is None
        if listing and self.ledger.fact(LISTED_AT) not in (None, self.source.place()) and self._lists_something():
            self.ledger.passes.begin()

    def _lists_something(self) -> bool:
        """The folder below a share that is not mounted has nothing in it."""
        with closing(self.source.pages()) as pages:
            return any(page.entries for page in pages)

    def _look_what_is_mounted(self) -> None:
        if self.spec.deletions:
            self.ledger.mounts.see(self.source.mounts())

    def forecast(self, speeds: Sequence[Speed], line: Bucket) -> Forecast:
        """What the rest will take. Scan first."""
        files, size = self.ledger.moving()
        return forecast(files, size, speeds, line)

    def run(self, control: Control, tell: Tell = lambda totals: None, passes: int | None = None) -> FileTotals:
        """Scan if that is not done, and give every item its outcome. A sync does so again and again, `passes` times or
        until it is stopped. Raises as `scan`."""
        with self.ledger.lease():
            while True:
                if self.ledger.passes.ended:
                    self.ledger.passes.begin()
                self._scan(control, tell)
                if self.ledger.wait_at_least(1, LARGEST):
                    self._require_listed()
                    Shares(self.source, self.ledger).fail(in_flight=self.spec.kind != "sync")
                if self.spec.deletions:
                    self.ledger.mounts.judge()
                    self._require_same_place()
                self._work(control, tell)
                passes = None if passes is None else passes - 1
                if self.spec.kind != "sync" or passes == 0:
                    return self.ledger.totals()
                self._rest(control, tell)

    def _work(self, control: Control, tell: Tell) -> None:
        try:
            self._copy(control, tell)
            self._copy_rest(control, tell)
            if self.spec.kind == "sync":
                self._end_pass(control)
                tell(self.ledger.totals())
        except TargetError:
            self.ledger.doubt()  # a container may be gone with all that was copied
            raise

    def _require_listed(self) -> None:
        """The source of a sync may be a link that leads to another snapshot by now, in which all has other names: what
        is gone fails then, and the next pass lists that. Raises SourceError."""
        try:
            require_listed(self.source, self.ledger)
        except SourceError:
            if self.spec.kind != "sync" or not self._lists_something():
                raise

    def _copy_rest(self, control: Control, tell: Tell) -> None:
        """Of the items of one name in a leg only one is proven: what still waits has another turn."""
        left = LARGEST
        while self.ledger.wait_at_least(1, LARGEST):
            waiting = self.ledger.totals().counts.pending
            if waiting >= left:
                raise TargetError(f"The destination does not say what became of {waiting} items.")
            self._copy(control, tell)
            left = waiting

    def _require_same_place(self) -> None:
        """A folder that lists nothing and is another one than in the last pass is where a share is not mounted: nothing
        is removed for it, and the pass begins anew. Raises SourceError."""
        place, before = self.source.place(), self.ledger.fact("place")
        if self.ledger.totals().counts.discovered:
            self.ledger.note("place", self.ledger.fact(LISTED_AT) or place)  # it may have been unmounted since
        elif before not in (None, place):
            self.ledger.passes.begin()
            raise SourceError(
                "The source is empty, and another folder than in the sync's last pass: nothing was removed for it.",
                code="SOURCE_NOT_MOUNTED",
                remedy="Mount the share, then start again. If it is a new folder, put a file into it first.",
            )

    def _rest(self, control: Control, tell: Tell) -> None:
        """Between two passes. That nothing moves is told too, lest the last speed stays in view."""
        first = min(REST_SECONDS, self.spec.every)
        control.wait(first)
        tell(self.ledger.totals())
        control.wait(self.spec.every - first)

    def _end_pass(self, control: Control) -> None:
        """What was renamed is removed under its old name, what is gone where that is wanted. A pass in which a folder
        could not be read, or an item failed, removes nothing; what stays for that reason, or because it could not be
        removed, is tried in the next one."""
        renamed, refused = not self.spec.deletions, 0
        removals = Removals(self.source, self.destination, self.ledger, self.spec, renamed)
        if not self.ledger.totals().counts.failed:
            sender = self.destination.sender(Streams(self.spec.concurrency, self.meter), control)
            try:
                ended = sender.delete_all(removals.objects())
                while some := list(islice(ended, REMOVED)):
                    removed = [key for key, error in some if _is_gone(error)]
                    refused += len(some) - len(removed)
                    self.ledger.passes.removed(removed)
                    control.check()
            finally:
                sender.close()
        self.ledger.note("not_removed", str(refused + removals.kept))
        self.ledger.note("not_mounted", json.dumps([key or "." for key in sorted(removals.away)]))
        self.ledger.passes.end(self.ledger.totals(), renamed=renamed)
        self.ledger.mounts.forget()

    def _copy(self, control: Control, tell: Tell) -> None:
        together, features = control.child(), self.source.features
        lanes, small_lanes = (min(many, self.spec.concurrency) for many in (features.lanes, features.small_lanes))
        small, large = Rows(self.ledger, 0, SMALL, small_lanes), Rows(self.ledger, SMALL + 1, LARGEST, lanes)
        far = helpers(self.spec.concurrency) if self._pays_helpers() else 0
        each = self.spec.concurrency // (far + 1)
        streams = Streams(self.spec.concurrency - far * each, self.meter)

        def near() -> Sender:
            return self.destination.sender(streams, together)

        def with_helper() -> Sender:
            return FarSender(near(), self.source, self.destination.away, each, together, self.meter)

        work = [self._copier([small], with_helper, together) for _ in range(far)]
        for number in range(max(lanes, small_lanes)):
            rows = ([small] if number < small_lanes else []) + ([large] if number < lanes else [])
            work.append(self._copier(rows, near, together))
        pace = Pace(self.ledger, tell, lambda: sum(one.in_flight for one in work))
        _together([one.run for one in work], together, pace)

    def _copier(self, rows: Sequence[Rows], sender: Callable[[], Sender], control: Control) -> Copier:
        return Copier(self.source, self.destination, self.ledger, self.spec, rows, sender, control)

    def _pays_helpers(self) -> bool:
        return self.source.features.portable and self.ledger.wait_at_least(self.many, SMALL)


def _is_gone(error: Exception | None) -> bool:
    """Removed now, or before a kill that came before it was written down."""
    return error is None or (isinstance(error, MigrateError) and error.error_code == "DESTINATION_GONE")


def _together(work: Sequence[Callable[[], None]], control: Control, look: Callable[[], None]) -> None:
    """Do all of it at once; when one fails, the others stop after what they have under way, and its error is raised."""
    with ThreadPoolExecutor(len(work), "copy") as pool:
        running = {pool.submit(one) for one in work}
        errors: list[BaseException] = []
        try:
            while running:
                ended, running = wait(running, LOOK_SECONDS, FIRST_COMPLETED)
                errors += [error for one in ended if (error := one.exception()) is not None]
                if errors:
                    control.stop("cancelled")
                look()
        except KeyboardInterrupt:
            control.hurry()
            raise
        finally:
            control.stop("cancelled")
    # First that the container is gone, for what was done is gone with it; last those who stopped for the others.
    for error in sorted(errors, key=lambda error: (not isinstance(error, TargetError), isinstance(error, Stopped))):
        raise error
