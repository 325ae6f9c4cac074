"""Shares and disks below a source that were there when the job began, and are not any more: what was not listed of
them would be missing without a word."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from migrate_transfer.core.backend import Oddity, Page, Source
from migrate_transfer.core.errors import ItemError
from migrate_transfer.engine.proof import failed
from migrate_transfer.ledger.item_records import FAILED
from migrate_transfer.ledger.items import ItemLedger
from migrate_transfer.ledger.mounts import is_above
from migrate_transfer.ledger.passes import SHARES

NOT_MOUNTED = "SOURCE_NOT_MOUNTED"
SLICE = 2_000
LARGEST = 2**63 - 1


@dataclass
class Shares:
    """To be asked when a listing goes on, for the machine may have started without them, and when it ends. Raises
    StorageError."""

    source: Source
    ledger: ItemLedger

    def note(self) -> None:
        """The job begins, or a pass: what is mounted now counts."""
        self.ledger.note(SHARES, json.dumps([key for key in self.source.mounts() if not is_above(key)]))

    def watched(self, pages: Iterable[Page]) -> Iterator[Page]:
        """With that of a share, if it is not there: it may be back when the listing ends."""
        noted = {*self._noted()}
        for page in pages:
            if page.cursor in noted and (found := [one for one in self.lost() if one.key == page.cursor]):
                yield Page(found, None)
            yield page

    def lost(self) -> list[Oddity]:
        """Those that are not there, each told once."""
        gone = self._gone()
        told = {one.key for one in self.ledger.entries(FAILED) if one.code == NOT_MOUNTED} if gone else set()
        return [lost(key) for key in gone if key not in told]

    def fail(self, *, in_flight: bool) -> None:
        """What was listed in them, waits, and is out of reach fails: it is neither deleted, nor moved by an earlier
        attempt. With what was `in_flight`: a sync, which moves nothing, asks for what it has put of that."""
        if not (gone := self._gone()):
            return
        below, why = tuple(f"{key}/" for key in gone), lost("")
        error = ItemError(why.message, code=why.code, remedy=why.remedy)
        waiting = (row for row in self.ledger.waiting(0, LARGEST) if in_flight or not row.resumed)
        rows = (row for row in waiting if row.item.key.startswith(below))
        away = (row.number for row in rows if self.source.is_gone(row.item.key))
        while some := list(islice(away, SLICE)):
            self.ledger.settle([failed(number, error) for number in some])

    def _noted(self) -> list[str]:
        found: list[str] = json.loads(self.ledger.fact(SHARES) or "[]")
        return found

    def _gone(self) -> list[str]:
        noted = self._noted()
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
