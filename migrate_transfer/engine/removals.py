"""What the end of a sync's pass may remove at the destination, and what it keeps though the source does not list it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from migrate_transfer.core.backend import Destination, Source
from migrate_transfer.ledger.items import ItemLedger
from migrate_transfer.ledger.mounts import is_above
from migrate_transfer.spec import TransferSpec

TOGETHER = 20
"""So few are looked for in the source at a time, lest they come back meanwhile; it is asked what is mounted before and
after: where a share was away, they were looked for in vain."""


@dataclass
class Removals:
    """`renamed`: only what is at the destination under its new name. Raises SourceError, FatalError, TransientError."""

    source: Source
    destination: Destination
    ledger: ItemLedger
    spec: TransferSpec
    renamed: bool
    kept: int = 0
    """How many were not to be removed, so far."""
    away: set[str] = field(default_factory=set)
    """Folders at which something else is mounted than before, or nothing, and for which something was kept."""

    def objects(self) -> Iterator[tuple[str, str]]:
        """Key and etag of each object that is to be removed."""
        found = self.ledger.passes.left_over(renamed=self.renamed)
        while some := list(islice(found, TOGETHER)):
            away = self._away()
            gone = {key for key, _ in some if self.source.is_gone(key)}
            away += self._away()
            for key, etag in some:
                if self._is_away(key, away) or key not in gone or self._stays(key):
                    self.kept += 1
                else:
                    yield key, etag

    def _away(self) -> list[str]:
        return [] if self.renamed else self.ledger.mounts.away(self.source.mounts())

    def _is_away(self, key: str, away: Sequence[str]) -> bool:
        """Whether it is in such a folder: then it is no more gone than its share is."""
        folders = [folder for folder in away if is_above(folder) or key.startswith(folder + "/")]
        self.away.update(folders)
        return bool(folders)

    def _stays(self, key: str) -> bool:
        """What may be the only copy, asked now: what another job has moved away from the source, and what lies in the
        Archive tier unless it is the sync that puts things there. And what another source of ours has put: it may have
        the file still; for a rename, what anybody else has put."""
        found = self.destination.find(key)
        if found is None or found.moved:
            return found is not None
        if found.source != self.source.mark and (found.source or self.renamed):
            return True
        return found.tier == "archive" and not (self.renamed or self.spec.tier == "archive")
