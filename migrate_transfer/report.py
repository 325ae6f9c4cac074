"""What a transfer came to: figures that add up, as JSON and as CSV with every item that was skipped or failed."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from migrate_transfer.ledger.item_records import FAILED, SKIPPED, FileTotals
from migrate_transfer.ledger.items import ItemLedger
from migrate_transfer.spec import TransferSpec

FORMULA = re.compile(r"\s*[=+\-@]")
COLUMNS = ("path", "bytes", "outcome", "code", "message", "remedy")


def summary(spec: TransferSpec, totals: FileTotals, seconds: float) -> dict[str, Any]:
    """Counts, bytes and speed. `balanced` says whether every item has exactly one outcome; the rate of success is null
    where nothing was to be moved."""
    counts = totals.counts
    finished = counts.done + counts.unchanged + counts.failed
    return {
        "source": spec.source,
        "destination": spec.destination,
        "verification": spec.level or "none",
        "items": outcomes(totals),
        "skipped_by_rule": dict(counts.skips),
        "balanced": counts.balanced,
        "success_rate": round((counts.done + counts.unchanged) / finished, 6) if finished else None,
        "bytes_discovered": totals.bytes,
        "bytes_moved": totals.moved,
        "bytes_sent": totals.sent,
        "seconds": round(seconds, 3),
        "bytes_per_second": round(totals.moved / seconds) if seconds > 0 else 0,
    }


def outcomes(totals: FileTotals) -> Mapping[str, int]:
    counts = totals.counts
    return {
        "discovered": counts.discovered,
        "done": counts.done,
        "unchanged": counts.unchanged,
        "skipped": counts.skipped,
        "failed": counts.failed,
        "pending": counts.pending,
    }


def write_csv(ledger: ItemLedger, path: Path) -> None:
    """A block of totals that reconciles, then the items that were left or failed. Raises OSError."""
    totals = ledger.totals()
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerows([name, count] for name, count in outcomes(totals).items())
        out.writerows([["bytes_discovered", totals.bytes], ["bytes_moved", totals.moved], [], COLUMNS])
        for entry in ledger.entries(SKIPPED, FAILED):
            fields = (entry.key, entry.size, entry.outcome, entry.code, entry.message, entry.remedy)
            out.writerow([_safe(field) for field in fields])


def _safe(field: str | int) -> str | int:
    """A spreadsheet takes what begins so for a formula."""
    return f"'{field}" if isinstance(field, str) and FORMULA.match(field) else field
