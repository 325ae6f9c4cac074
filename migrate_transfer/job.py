"""A transfer from its forecast to its papers: manifest, list of items and report, all in the job's folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from migrate_transfer.core.bandwidth import Bucket
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import StorageError
from migrate_transfer.engine.transfer import Tell, Transfer
from migrate_transfer.forecast import recall, remember
from migrate_transfer.ledger.item_records import FileTotals
from migrate_transfer.manifest import write_manifest
from migrate_transfer.report import summary, write_csv

MANIFEST, ITEMS, REPORT, SPEEDS = "manifest.jsonl", "items.csv", "report.json", "speeds.json"


@dataclass
class FileJob:
    """`line` is what limits its bandwidth. The speeds of earlier jobs stand beside the job's folder."""

    transfer: Transfer
    line: Bucket

    @property
    def folder(self) -> Path:
        return self.transfer.folder

    def scan(self, control: Control, tell: Tell = lambda totals: None) -> FileTotals:
        """Find out what there is, and what it will take. Raises as Transfer.scan."""
        totals = self.transfer.scan(control, tell)
        if self.transfer.ledger.fact("forecast") is None:
            found = self.transfer.forecast(recall(self._speeds), self.line)
            self.transfer.ledger.note("forecast", json.dumps(found.as_dict()))
        return totals

    def run(self, control: Control, tell: Tell = lambda totals: None, passes: int | None = None) -> FileTotals:
        """Do it, or what is left of it. Raises as Transfer.run."""
        self.scan(control, tell)
        begun, ledger = monotonic(), self.transfer.ledger
        free = self.line.rate is None
        try:
            totals = self.transfer.run(control, tell, passes)
        finally:
            ledger.note("seconds", str(self._seconds + monotonic() - begun))
        # Of a transfer that was held back, or that mostly read what is there already, the line's speed is not known.
        moving = totals.counts.done >= totals.counts.unchanged and free and self.line.rate is None
        if self.transfer.spec.kind != "sync" and moving:
            remember(self._speeds, totals.counts.done, totals.moved, self._seconds)
        return totals

    @property
    def _speeds(self) -> Path:
        return self.folder.parent / SPEEDS

    @property
    def _seconds(self) -> float:
        """Spent on moving, over all attempts."""
        return float(self.transfer.ledger.fact("seconds") or 0)

    def report(self) -> dict[str, Any]:
        """Figures that add up, and the forecast beside what came of it."""
        ledger = self.transfer.ledger
        found = {
            **summary(self.transfer.spec, ledger.totals(), self._seconds),
            "forecast": json.loads(ledger.fact("forecast") or "null"),
        }
        if self.transfer.spec.kind == "sync":
            found["not_removed"] = int(ledger.fact("not_removed") or 0)
            found["not_mounted"] = json.loads(ledger.fact("not_mounted") or "[]")
        return found

    def write_papers(self) -> dict[str, Any]:
        """Manifest, list and report, whose figures are returned. Raises StorageError."""
        found = self.report()
        try:
            write_manifest(self.transfer.ledger, self.transfer.spec, self.folder / MANIFEST)
            write_csv(self.transfer.ledger, self.folder / ITEMS)
            (self.folder / REPORT).write_text(json.dumps(found, indent=1) + "\n")
        except OSError as error:
            raise StorageError(f"The job's report cannot be written: {error.strerror or error}.") from error
        return found
