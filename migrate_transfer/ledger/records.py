"""What goes into the ledger and what comes out of it. Values only; how they are kept is in `ledger.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """A batch before it is in the ledger: idempotency key, packed ids, the very bytes to send."""

    key: str
    ids: bytes
    payload: bytes

    @property
    def count(self) -> int:
        return len(self.ids) // 8


@dataclass(frozen=True, slots=True)
class Batch(PlannedBatch):
    """A batch that the ledger knows."""

    part: str
    number: int


@dataclass(frozen=True, slots=True)
class FailedItem:
    """A record that ended failed: why, what to do, and its payload as it was (to be) sent."""

    id: int
    external_id: str
    code: str
    message: str
    remedy: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts recomputed from the ledger; `skips` says how many were skipped under each rule.

    `pending` counts what stands in open batches, and what is not planned yet while planning goes on.
    """

    discovered: int
    done: int
    unchanged: int
    skipped: int
    failed: int
    pending: int
    skips: Mapping[str, int]

    @property
    def balanced(self) -> bool:
        """The invariant: every item has exactly one outcome or is still pending."""
        return self.discovered == self.done + self.unchanged + self.skipped + self.failed + self.pending
