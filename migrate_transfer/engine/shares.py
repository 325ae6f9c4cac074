"""Shares and disks below a source that were there when the job began, and are not any more: what was not listed of
them would be missing without a word."""

from __future__ import annotations

import json
from dataclasses import dataclass

from migrate_transfer.core.backend import Oddity, Source
from migrate_transfer.ledger.item_records import FAILED
from migrate_transfer.ledger.items import ItemLedger
from migrate_transfer.ledger.mounts import is_above

FACT = "shares"
NOT_MOUNTED = "SOURCE_NOT_MOUNTED"


@dataclass
class Shares:
    """To be asked when a listing goes on, for the machine may have started without them, and when it ends. Raises
    StorageError."""

    source: Source
    ledger: ItemLedger

    def note(self) -> None:
        """The job begins, or a pass: what is mounted now counts."""
        self.ledger.note(FACT, json.dumps([key for key in self.source.mounts() if not is_above(key)]))

    def lost(self) -> list[Oddity]:
        """Those that are not there, each told once."""
        gone = self._gone(json.loads(self.ledger.fact(FACT) or "[]"))
        told = {one.key for one in self.ledger.entries(FAILED) if one.code == NOT_MOUNTED} if gone else set()
        return [lost(key) for key in gone if key not in told]

    def _gone(self, noted: list[str]) -> list[str]:
        for key in noted:
            self.source.is_gone(f"{key}/.")  # looked into: some are mounted on demand, and let go when nobody asks
        there = self.source.mounts() if noted else {}
        return [key for key in noted if key not in there]


def lost(key: str) -> Oddity:
    """What is told of one."""
    return Oddity(
        key,
        "failed",
        NOT_MOUNTED,
        "A share or disk that was mounted here when the job began is not there any more.",
        "Mount it, and retry the failed items: all that lies in it is looked at then.",
        folder=True,
    )
