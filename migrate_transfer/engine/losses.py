"""Items for which the destination could not be reached, though each was tried patiently: have they failed, or is it the
destination that is away? Only in the first case do they end; else the job does, and they wait for its next attempt."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from migrate_transfer.core.backend import Destination
from migrate_transfer.core.errors import ItemError, TransientError
from migrate_transfer.ledger.item_records import Outcome

MANY = 8
"""After so many the destination is asked whether it is there at all."""
ANY = ".migrate-probe"
"""The object that is asked for. Nothing is made ready here: a container that is gone has taken along what was done."""


@dataclass
class Losses:
    """Those of one thread. Raises FatalError and TransientError when the destination is away."""

    destination: Destination
    _held: list[Outcome] = field(default_factory=list)

    def failed(self, outcome: Outcome, error: Exception) -> list[Outcome]:
        """The outcomes of items that have failed, now that `error` was the end of one."""
        if not isinstance(error, TransientError):
            return [outcome]
        self._held.append(outcome)
        return self.settled() if len(self._held) >= MANY else []

    def settled(self) -> list[Outcome]:
        """The outcomes that were held back, if the destination is there."""
        if self._held:
            with suppress(ItemError):  # that is an answer too
                self.destination.find(ANY)
        held, self._held = self._held, []
        return held
