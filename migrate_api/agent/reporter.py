"""Tells the service how far a job is: what changed since the last report, numbered, each counted once.

Reports are sent in order. What cannot be sent is kept and sent later; the work goes on meanwhile. When a process dies,
the next attempt's deltas begin at what the service has counted, so nothing needs to be kept on disk.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from migrate_api.agent.control_plane import LOST, ControlPlane
from migrate_api.agent.redaction import redacted
from migrate_api.agent.work import Ending, Runner, Standing
from migrate_api.protocol.messages import Assignment, FailedItem, Failure, LogChunk, Progress, Recount, Totals
from migrate_api.protocol.states import JobStatus
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import MigrateError, Refused, TargetError, TransientError

ITEMS_AT_ONCE = 200
WAIT_SECONDS = 2.0
LOG_LETTERS = 65_536
DELTAS = ("files_completed", "files_unchanged", "files_skipped", "files_failed", "bytes_completed")
SAID_ONCE = {"status", "totals", "failed_items", "recount"}
log = logging.getLogger(__name__)


class Reporter:
    """Reports of one attempt, under its token. Used by one thread. `control` is stopped when the service says so."""

    def __init__(self, plane: ControlPlane, assignment: Assignment, control: Control) -> None:
        counted = assignment.counted
        self._plane, self._control = plane, control
        self._job, self._token, self._sequence = assignment.job_id, assignment.token, 0
        self._told = Standing(
            counted.completed, counted.unchanged, counted.skipped, counted.failed, counted.bytes_completed
        )
        self._told_at, self._speed = time.monotonic(), 0.0
        self._unsent: deque[Progress] = deque()

    def status(self, status: JobStatus, totals: Totals | None = None) -> None:
        """The job has come to another state."""
        self._push(status=status, totals=totals)
        self.flush()

    def standing(self, standing: Standing) -> None:
        """The job is so far now; nothing is said where nothing changed, but for a speed that is none any more."""
        if standing != self._told or self._speed:
            changed = self._changed(standing)
            if not self._merged(changed):
                self._push(**changed)
        self.flush()

    def final(self, runner: Runner, status: JobStatus | None, ending: Ending) -> None:
        """The last words: every failed item, then the ledger's recount with the final status (None for a job that the
        service has cancelled). Waits until the service has them. Raises Stopped when the agent ends first."""
        items: list[FailedItem] = []
        for item in runner.failed():
            items.append(item)
            if len(items) == ITEMS_AT_ONCE:
                self._push(failed_items=tuple(items))
                items = []
        now = runner.standing()
        self._push(
            **self._changed(now),
            failed_items=tuple(items),
            status=status,
            totals=now.total,
            error=failure(ending.error) if ending.error else None,
            recount=_recount(now),
            result=ending.result,
            runs=ending.runs,
        )
        self.drain()

    def log(self, text: str) -> None:
        """Send the job's log, without what looks like a secret; a network that is away now has no use for it."""
        with suppress(TransientError, TargetError, Refused):
            self._plane.log(self._job, LogChunk(token=self._token, number=1, text=redacted(text)[-LOG_LETTERS:]))

    def failed(self, error: MigrateError) -> None:
        """The job failed before it could run, or its books cannot be read: what was told last is the last word."""
        self._push(status=JobStatus.FAILED, error=failure(error), recount=_recount(self._told))
        self.drain()

    def drain(self) -> None:
        """Wait until everything is sent, or the service wants no more of it."""
        patience = Control()
        while self._unsent:
            if not self.flush():
                if self._control.reason == "lease_lost":
                    return
                patience.wait(WAIT_SECONDS)

    def flush(self) -> bool:
        """Send what is unsent; whether all is sent now."""
        while self._unsent:
            try:
                answer = self._plane.report(self._unsent[0])
            except (TransientError, TargetError):  # a proxy's page is as good as no answer
                return False
            except Refused as refused:
                self._refused(refused)
                return True
            self._unsent.popleft()
            if answer.stop is not None:
                self._control.stop("cancelled" if answer.stop == "cancel" else "paused")
        return True

    def _refused(self, refused: Refused) -> None:
        log.warning("Job %s: the service refuses a report (%s).", self._job, refused.error_code)
        self._unsent.clear()
        if refused.error_code in LOST:
            self._control.stop("lease_lost")
        else:
            raise refused

    def _changed(self, now: Standing) -> dict[str, Any]:
        before, moment = self._told, time.monotonic()
        moved = max(0, now.bytes_completed - before.bytes_completed)
        seconds = max(0.001, moment - self._told_at)
        sent = moved if now.sent is None else max(0, now.sent - (before.sent or 0))
        self._told, self._told_at, self._speed = now, moment, sent / seconds
        return {
            "files_completed": max(0, now.completed - before.completed),
            "files_unchanged": max(0, now.unchanged - before.unchanged),
            "files_skipped": max(0, now.skipped - before.skipped),
            "files_failed": max(0, now.failed - before.failed),
            "bytes_completed": moved,
            "bytes_per_second": self._speed,
            "bytes_left": now.bytes_left,
            "entities": dict(now.entities),
        }

    def _merged(self, changed: Mapping[str, Any]) -> bool:
        """Whether the newest unsent report took it up, so that after a night without network there are a few reports
        and not ten thousand. Never the first: the service may have had it, and repeats are known by their number."""
        newest = self._unsent[-1] if len(self._unsent) > 1 else None
        if newest is None or newest.model_fields_set & SAID_ONCE:
            return False
        sums = {name: getattr(newest, name) + changed[name] for name in DELTAS}
        self._unsent[-1] = newest.model_copy(update={**changed, **sums})
        return True

    def _push(self, **fields: Any) -> None:
        self._sequence += 1
        self._unsent.append(Progress(job_id=self._job, token=self._token, sequence=self._sequence, **fields))


def _recount(standing: Standing) -> Recount:
    return Recount(
        completed=standing.completed,
        unchanged=standing.unchanged,
        skipped=standing.skipped,
        failed=standing.failed,
        bytes_completed=standing.bytes_completed,
    )


def failure(error: MigrateError) -> Failure:
    """An error as it is told."""
    code = error.error_code if error.error_code.replace("_", "").isalnum() else "FAILED"
    return Failure(code=code[:64], message=error.message[:4_000], remedy=error.remedy[:4_000])
