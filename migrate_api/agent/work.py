"""What a kind of work looks like to the agent: scan, run, and how far it is. Pause, cancel and a lost lease reach it by
its control; a resume is another run over the same ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from migrate_api.protocol.messages import EntityCounts, FailedItem, Totals
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import MigrateError


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a job is, recounted from its ledger."""

    completed: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    bytes_completed: int = 0
    entities: Mapping[str, EntityCounts] = field(default_factory=dict)
    bytes_left: int | None = None
    """Bytes of items without an outcome that are still to be read; None where nobody knows them before."""
    sent: int | None = None
    """Bytes that went over the wire in this attempt, whose growth is the speed; None: what was completed is taken."""
    total: Totals | None = None
    """Of which these are; None where that stays what the scan found. What has no outcome at the end is the rest."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended by itself: without an error it is completed. `result` and `runs` are told as they are."""

    error: MigrateError | None = None
    result: dict[str, Any] | None = None
    runs: tuple[str, ...] = ()


class Runner(Protocol):
    """One job's work over its ledger. Both calls may be made again after any stop: what is done stays done.

    Raises Stopped when the control says so (after what is in flight has finished, unless cancelled), MigrateError when
    the work cannot go on.
    """

    def scan(self, control: Control) -> Totals:
        """Find out what there is to do."""

    def run(self, control: Control, tell: Callable[[Standing], None]) -> Ending:
        """Do it; `tell` hears every few seconds how far it is."""

    def standing(self) -> Standing:
        """How far it is."""

    def failed(self) -> Iterator[FailedItem]:
        """The items that failed, so far."""

    def log(self) -> str:
        """What the work had to say, its end if it is long."""
