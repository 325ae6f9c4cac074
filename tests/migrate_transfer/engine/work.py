"""A transfer between two places as the tests of the engine run it, and what they ask of its books."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrate_transfer.backends.memory import Memory
from migrate_transfer.core.backend import Destination, Source
from migrate_transfer.core.control import Control
from migrate_transfer.engine.transfer import MANY, Transfer
from migrate_transfer.ledger.item_records import Entry, FileTotals
from migrate_transfer.ledger.items import ItemLedger
from migrate_transfer.spec import MIB, Kind, TransferSpec


@dataclass
class Work:
    """Jobs between two places; each run is one attempt at the job `name`, in books that are opened anew."""

    folder: Path
    source: Source = field(default_factory=Memory)
    destination: Destination = field(default_factory=Memory)
    kind: Kind = "copy"
    many: int = MANY
    """Small files from which helpers pay."""

    def spec(self, **options: Any) -> TransferSpec:
        return TransferSpec(self.kind, "source", "destination", **{"chunk": MIB, **options})

    def run(
        self, name: str = "first", control: Control | None = None, passes: int | None = None, **options: Any
    ) -> FileTotals:
        transfer = Transfer(self.folder / name, self.spec(**options), self.source, self.destination, self.many)
        try:
            return transfer.run(control or Control(), passes=passes)
        finally:
            transfer.close()

    def scan(self, name: str = "first", **options: Any) -> None:
        """The beginning of an attempt that is broken off once all is listed."""
        transfer = Transfer(self.folder / name, self.spec(**options), self.source, self.destination)
        try:
            transfer.scan(Control())
        finally:
            transfer.close()

    @contextmanager
    def books(self, name: str = "first", **options: Any) -> Iterator[ItemLedger]:
        """The ledger of a job."""
        transfer = Transfer(self.folder / name, self.spec(**options), self.source, self.destination)
        try:
            yield transfer.ledger
        finally:
            transfer.close()

    def entries(self, name: str = "first", **options: Any) -> dict[str, Entry]:
        """Every item of a job by its key, as the manifest has it."""
        with self.books(name, **options) as ledger:
            assert ledger.totals().counts.balanced
            return {entry.key: entry for entry in ledger.entries()}

    def outcomes(self, name: str = "first", **options: Any) -> dict[str, str]:
        """Of every item its outcome, and the code where there is one."""
        return {key: entry.code or entry.outcome for key, entry in self.entries(name, **options).items()}


def holding(given: Mapping[str, bytes] | None = None, **objects: bytes) -> Memory:
    """A place with these objects."""
    memory = Memory()
    for key, data in {**(given or {}), **objects}.items():
        memory.keep(key, data)
    return memory


def contents(memory: Destination) -> dict[str, bytes]:
    """What lies in a place in memory."""
    assert isinstance(memory, Memory)
    return {key: kept.data for key, kept in memory.objects.items()}
