"""What goes into the ledger of a transfer and what comes out of it. Values only; how they are kept is in `items.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from migrate_transfer.core.backend import Item
from migrate_transfer.ledger.records import Totals

PENDING, IN_FLIGHT, DONE, UNCHANGED, SKIPPED, FAILED = range(6)
OUTCOMES = ("pending", "in_flight", "done", "unchanged", "skipped", "failed")
SOURCE = "SOURCE_"
"""What the codes of items begin with that could not be read. One with an etag was put there before."""


class Row(NamedTuple):
    """An item that waits, as the ledger has it."""

    number: int
    item: Item
    resumed: bool
    sha256: str = ""
    etag: str = ""
    """Both of the copy that an earlier attempt has read back; empty where none was."""


class Known(NamedTuple):
    """What was so at the end of a sync's last pass: the source's version, size and time, and the object's etag; and the
    SHA-256 of an object that bears none of ours and was read back."""

    version: str
    size: int
    modified: int
    etag: str
    sha256: str = ""

    def has(self, item: Item) -> bool:
        """Whether the item is as it was. Where no change time is kept, an edited file has the version that it had."""
        return (self.version, self.size, self.modified) == (item.version, item.size, item.modified)


class Before(NamedTuple):
    """Where an item of a stable id was at the end of a sync's last pass."""

    key: str
    etag: str
    size: int
    modified: int


class Outcome(NamedTuple):
    """What came of an item. `sent`: bytes over the wire; `code`, `message`, `remedy`: why it was left or failed."""

    number: int
    state: int
    sha256: str = ""
    etag: str = ""
    level: str = ""
    sent: int = 0
    code: str = ""
    message: str = ""
    remedy: str = ""
    item: Item | None = None
    """The item as it was when it was read, where that differs from the listing."""


class Entry(NamedTuple):
    """A line of the manifest."""

    key: str
    size: int
    modified: int
    outcome: str
    sha256: str
    etag: str
    level: str
    code: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class FileTotals:
    """Counts and bytes recounted from the ledger: of all items, of those with an outcome, of those that ended done, and
    over the wire. `in_flight`: bytes read of what has no outcome yet, which the ledger does not know."""

    counts: Totals
    bytes: int
    settled: int
    moved: int
    sent: int
    in_flight: int = 0
