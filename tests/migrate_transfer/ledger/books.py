"""A job's worth of batches for a ledger: planned, sent and settled as a loader would, by records that never change."""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path

from migrate_transfer.ledger import Batch, FailedItem, Ledger, PlannedBatch, Totals

PART = "contributions/2024"
SLICES, SLICE, BATCH = 6, 400, 100
SIZE = SLICES * SLICE


def pack(ids: Iterable[int]) -> bytes:
    return array("q", ids).tobytes()


def planned(ids: Sequence[int], label: str = "") -> PlannedBatch:
    payload = f"{label}{list(ids)}".encode() * 50
    return PlannedBatch(hashlib.sha256(payload).hexdigest(), pack(ids), payload)


def failure(id: int) -> FailedItem:
    return FailedItem(id, f"rock:contribution:{id}", "FUND_NOT_FOUND", "no such fund", "Mend it.", b'{"n":%d}' % id)


def settle(ledger: Ledger, batch: Batch) -> None:
    """Every 50th record fails; a batch whose first record ends in 01 (of four digits) is halved once before."""
    ids = array("q", batch.ids)
    if len(ids) == BATCH and ids[0] % 1000 == 1:
        halves = [planned(ids[:50], "left"), planned(ids[50:], "right")]
        for half in ledger.split(batch, halves):
            settle(ledger, half)
        return
    failed = [failure(id) for id in ids if id % 50 == 0]
    ledger.settle(batch, failed, (len(ids) - len(failed), 0, 0))


def work(ledger: Ledger, say: bool = False) -> None:
    """The whole part, from wherever it stands: of each slice a quarter is unchanged, one record skipped, one broken."""
    with ledger.lease(PART):
        ledger.discovered(PART, SIZE)
        ledger.skips(PART, {"queued": SLICES})
        for batch in ledger.open_batches(PART):
            settle(ledger, batch)
        for start in range(ledger.cursor(PART), SIZE, SLICE):
            for batch in plan_slice(ledger, start):
                settle(ledger, batch)
                if say:
                    print(batch.number, flush=True)


def plan_slice(ledger: Ledger, start: int) -> list[Batch]:
    """Rows start+1 … start+400: the last is skipped, the one before breaks a rule, the 98 before are unchanged."""
    to_send = range(start + 1, start + 301)
    batches = [planned(to_send[n : n + BATCH]) for n in range(0, 300, BATCH)]
    same, broken = pack(range(start + 301, start + 399)), [failure(start + 399)]
    return ledger.plan(PART, batches, unchanged=same, failed=broken, cursor=start + SLICE)


WHOLE = Totals(SIZE, SLICES * 294, SLICES * 98, SLICES, SLICES * 7, 0, {"queued": SLICES})
"""What the part comes to, however often it was interrupted."""

if __name__ == "__main__":
    with Ledger.open(Path(sys.argv[1])) as opened:
        work(opened, say=True)
