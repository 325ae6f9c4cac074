"""Transfers of files, in the agent's own process: each job a ledger in its folder, its way into the container renewed
by the service, its bandwidth shared with the other jobs of the same schedule."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import cast

from pydantic import SecretStr

from migrate_api.agent.control_plane import ControlPlane
from migrate_api.agent.home import Home
from migrate_api.agent.work import Ending, Standing
from migrate_api.protocol.messages import REPORT_SECONDS, Assignment, FailedItem, StorageAccess, Totals
from migrate_api.protocol.spec import DAYS, BandwidthSchedule, BlobDestination, JobSpec, LocalSource
from migrate_api.protocol.states import JobType
from migrate_transfer.backends.azure.access import BlobAccess
from migrate_transfer.backends.azure.destination import AzureBlob, BlobConfig
from migrate_transfer.backends.local.source import LocalSource as LocalDisk
from migrate_transfer.core.backend import Item, Source
from migrate_transfer.core.bandwidth import MEGABIT, Bucket, Schedule, Window
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import (
    FatalError,
    ItemError,
    MigrateError,
    Stopped,
    StorageError,
    TargetError,
    TransientError,
)
from migrate_transfer.core.plan import Filters
from migrate_transfer.core.retry import RetryPolicy
from migrate_transfer.engine.only import Only
from migrate_transfer.engine.scanner import require_listed
from migrate_transfer.engine.shares import NOT_MOUNTED
from migrate_transfer.engine.transfer import Transfer
from migrate_transfer.job import MANIFEST, FileJob
from migrate_transfer.ledger.item_records import FAILED, Entry, FileTotals
from migrate_transfer.ledger.items import ItemLedger
from migrate_transfer.net.lane import Link
from migrate_transfer.places import require_apart, require_whole
from migrate_transfer.spec import MIB, Kind, TransferSpec

KINDS: dict[str, Kind] = {JobType.MIGRATE_FILES: "copy", JobType.ARCHIVE: "archive", JobType.SYNC: "sync"}
KEY_LETTERS = 4_096
LEDGER = "items.sqlite"
AGAIN = timedelta(minutes=1)


class Buckets:
    """One bucket for all jobs of an agent that follow the same schedule."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shared: dict[Schedule, Bucket] = {}

    def of(self, limit: float | None, bandwidth: BandwidthSchedule | None, zone: str) -> Bucket:
        """A job's own limit goes before the project's schedule."""
        if limit is not None or bandwidth is None:
            return Bucket(limit * MEGABIT if limit is not None else None)
        windows = tuple(Window(one.start, one.end, frozenset(map(DAYS.index, one.days))) for one in bandwidth.windows)
        schedule = Schedule(windows, bandwidth.throttled_mbps * MEGABIT, zone)
        with self._lock:
            return self._shared.setdefault(schedule, Bucket(schedule=schedule))


BUCKETS = Buckets()


class Way:
    """Access to the job's container, asked of the service again when half of its time is over, by the service's clock.
    Raises what ControlPlane.storage_access raises, and Stopped."""

    def __init__(self, plane: ControlPlane, assignment: Assignment, control: Control) -> None:
        self._plane, self._job, self._token = plane, assignment.job_id, assignment.token
        self._control = control
        self._lock = threading.Lock()
        self._keep(assignment.storage or RetryPolicy().run(self._asked, control))

    def _asked(self) -> StorageAccess:
        return self._plane.storage_access(self._job, self._token)

    def _keep(self, access: StorageAccess) -> None:
        now = self._plane.service_time()
        self.access = access
        self._renew_at = None if access.expires_at is None else now + (access.expires_at - now) / 2

    def blob_access(self) -> BlobAccess:
        """As the backend wants it."""
        access, clock = self.access, self._plane.service_time
        if access.connection_string is not None:
            return BlobAccess(connection_string=access.connection_string.get_secret_value(), clock=clock)
        if access.sas is not None:
            return BlobAccess(signature=lambda: cast("SecretStr", self._now().sas).get_secret_value(), clock=clock)
        return BlobAccess(token=self._bearer, renew=self._renew, clock=clock)

    def _bearer(self) -> tuple[str, float]:
        access = self._now()
        until = access.expires_at or datetime.max.replace(tzinfo=UTC)
        return cast("SecretStr", access.bearer_token).get_secret_value(), until.timestamp()

    def _renew(self) -> None:
        """The token was refused before its time: without another one nothing moves."""
        with self._lock:
            self._keep(RetryPolicy().run(self._asked, self._control))

    def _now(self) -> StorageAccess:
        with self._lock:
            now = self._plane.service_time()
            if self._renew_at is not None and now > self._renew_at:
                # Half of the time is left: a service that is away now is asked again by and by.
                self._renew_at = now + AGAIN
                with suppress(TransientError, TargetError):
                    self._keep(self._asked())
            return self.access


class TransferRunner:
    """A migrate_files, archive or sync job from the agent's disks or shares to Azure Blob Storage."""

    def __init__(self, assignment: Assignment, home: Home, plane: ControlPlane) -> None:
        self._job = JobSpec.model_validate(assignment.spec)
        self._assignment, self._home = assignment, home
        if not isinstance(self._job.source, LocalSource) or not isinstance(self._job.destination, BlobDestination):
            raise FatalError(
                "This agent moves files from its own disks and shares to Azure Blob Storage only.",
                code="NOT_SUPPORTED_BY_AGENT",
                remedy="Update the agent, or assign the job to one that can.",
            )
        self._plane, self._local = plane, self._job.source
        require_whole(self._local.path)
        self._folder = home.jobs / assignment.job_id

    def _spec(self, access: StorageAccess) -> TransferSpec:
        settings, filters = self._job.transfer, self._job.filters
        return TransferSpec(
            KINDS[self._job.type],
            self._local.path,
            f"azure_blob://{access.account}/{access.container}/{access.prefix}",
            Filters(
                filters.older_than,
                filters.include_patterns,
                filters.exclude_patterns,
                zone=self._assignment.time_zone,
            ),
            concurrency=settings.concurrency,
            chunk=settings.chunk_size_mb * MIB,
            verify=settings.verify_integrity,
            delete_source=settings.delete_after_upload,
            overwrite=settings.overwrite,
            tier=access.tier,
        )

    @contextmanager
    def _opened(self, control: Control) -> Iterator[FileJob]:
        line = BUCKETS.of(
            self._job.transfer.bandwidth_limit_mbps, self._assignment.bandwidth, self._assignment.time_zone
        )
        way = Way(self._plane, self._assignment, control)
        access, spec = way.access, self._spec(way.access)
        require_apart(self._local.path, self._home.jobs, spec.filters)
        config = BlobConfig(
            access.account,
            access.container,
            access.prefix,
            tier=access.tier,
            endpoint=access.endpoint,
            chunk=spec.chunk,
        )
        destination = AzureBlob(config, way.blob_access(), Link(control, bandwidth=line))
        with closing(Transfer(self._folder, spec, self._source(), destination)) as transfer:
            yield FileJob(transfer, line)

    def _source(self) -> Source:
        source = LocalDisk(self._local.path, self._assignment.earlier_hosts)
        old = self._assignment.retry_of
        if old is None:
            return source
        failed = self._failed_before(self._home.jobs / old / LEDGER, source)
        items = {one.key: Item(one.key, one.size, one.modified, "") for one in failed}
        shares = [one.key for one in failed if one.code == NOT_MOUNTED]
        return Only(source, items, shares)

    def _failed_before(self, ledger: Path, source: Source) -> list[Entry]:
        found: list[Entry] = []
        if ledger.exists():
            with ItemLedger(ledger) as books:
                require_listed(source, books)
                found = list(books.entries(FAILED))
        if not found:  # none, or those of an agent that had the job before the files failed with another one
            raise FatalError(
                "The books of the job whose failed files are meant are not on this machine.",
                code="RETRY_ELSEWHERE",
                remedy="Give the job to the agent that did the first one, or run it again as a whole.",
            )
        return found

    def scan(self, control: Control) -> Totals:
        with self._opened(control) as job:
            found = job.scan(control)
        return Totals(items=found.counts.discovered, bytes=found.bytes)

    def run(self, control: Control, tell: Callable[[Standing], None]) -> Ending:
        told = monotonic()

        def look(totals: FileTotals) -> None:
            nonlocal told
            if monotonic() - told >= REPORT_SECONDS or not totals.counts.pending:
                tell(_standing(job.transfer.ledger, totals, job.transfer.meter.total))
                told = monotonic()

        with self._opened(control) as job:
            try:
                totals = job.run(control, look)
            except (MigrateError, Stopped) as ended:
                if isinstance(ended, MigrateError) or ended.reason == "cancelled":  # else it goes on
                    with suppress(StorageError):
                        job.write_papers()
                raise
            result = {**job.write_papers(), "manifest": str(self._folder / MANIFEST)}
        return Ending(_items_failed(totals), result)

    def standing(self) -> Standing:
        if not (self._folder / LEDGER).exists():
            return Standing()
        with ItemLedger(self._folder / LEDGER) as ledger:
            return _standing(ledger, ledger.totals())

    def failed(self) -> Iterator[FailedItem]:
        if not (self._folder / LEDGER).exists():
            return
        with ItemLedger(self._folder / LEDGER) as ledger:
            for entry in ledger.entries(FAILED):
                yield FailedItem(
                    key=entry.key[:KEY_LETTERS], code=entry.code, message=entry.message, remedy=entry.remedy
                )

    def log(self) -> str:
        """The last of what failed."""
        return "\n".join(f"{item.key}: {item.code} {item.message}" for item in list(self.failed())[-1_000:])


def _standing(ledger: ItemLedger, totals: FileTotals, sent: int | None = None) -> Standing:
    """Of a sync, what all passes moved, and what the last one left."""
    _, done, moved = ledger.passes.moved()
    now = totals.counts
    if ledger.passes.ended:
        done, moved = done - now.done, moved - totals.moved  # the last pass is in both
    return Standing(
        done + now.done,
        now.unchanged,
        now.skipped,
        now.failed,
        moved + totals.moved,
        bytes_left=max(0, totals.bytes - totals.settled - totals.in_flight),
        sent=sent,
        total=Totals(items=done + now.discovered, bytes=moved + totals.bytes),
    )


def _items_failed(totals: FileTotals) -> ItemError | None:
    if not totals.counts.failed:
        return None
    return ItemError(
        f"{totals.counts.failed} of {totals.counts.discovered} files failed.",
        code="ITEMS_FAILED",
        remedy="See the list of failed items; correct what it says and retry them.",
    )
