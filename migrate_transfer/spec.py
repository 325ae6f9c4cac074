"""What a transfer of files is to do, as its job folder keeps it. No secrets: those stay with who starts it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any, Literal, Self

from migrate_transfer.core.backend import Level, Tier
from migrate_transfer.core.errors import InvalidRequest
from migrate_transfer.core.plan import Filters

MIB = 2**20
Kind = Literal["copy", "archive", "sync"]


@dataclass(frozen=True, slots=True)
class TransferSpec:
    """`chunk` in bytes, `every` in seconds. Raises InvalidRequest for what makes no sense together."""

    kind: Kind
    source: str
    destination: str
    filters: Filters = field(default_factory=Filters)
    concurrency: int = 4
    chunk: int = 8 * MIB
    verify: bool = True
    """SHA-256 of everything: new objects are hashed as they are read, and what is there already is compared by content.
    Without it, size and time of modification decide."""
    reread: bool = False
    """Read each object back, though nothing is deleted or archived."""
    delete_source: bool = False
    overwrite: bool = False
    """Objects that did not come from this source, and those whose source was deleted for them, may be replaced."""
    tier: Tier = "hot"
    deletions: bool = False
    """A sync removes from the destination what is no longer in the source."""
    every: float = 300.0
    """From the end of one pass of a sync to the start of the next."""

    def __post_init__(self) -> None:
        if not 1 <= self.concurrency <= 32:
            raise _nonsense("The concurrency goes from 1 to 32.")
        if not MIB <= self.chunk <= 256 * MIB:
            raise _nonsense("The chunk size goes from 1 to 256 MB.")
        if self.kind == "sync" and self.delete_source:
            raise _nonsense("A sync cannot delete its source: the next pass would take that for deletions.")
        if self.kind != "sync" and self.deletions:
            raise _nonsense("Only a sync carries deletions over.")

    @property
    def level(self) -> Level | None:
        """How far each copy is to be proven. Nothing is deleted or archived on trust."""
        if self.reread or self.delete_source or self.tier == "archive":
            return "reread"
        return "received" if self.verify else None

    def moves(self, tier: str) -> bool:
        """Whether what is there already, unchanged and in that tier, is to be moved to the one that is asked for.
        `hot`, the default, asks for none; what is archived is not brought back; in a sync the account's own rules
        hold, which its passes would work against. The Archive tier has its own way: nothing goes there unread."""
        return self.kind != "sync" and self.tier in ("cool", "cold") and tier not in ("", "archive", self.tier)

    def identity(self) -> str:
        """The same for specs that may go on with one another's work: only the pace differs, or the time zone of a day
        that is not asked for."""
        filters = self.filters if self.filters.older_than else replace(self.filters, zone="UTC")
        return replace(self, concurrency=1, every=0.0, filters=filters).text()

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), default=str, indent=1)

    @classmethod
    def of(cls, text: str) -> Self:
        """The spec that `text` was made of."""
        fields: dict[str, Any] = json.loads(text)
        filters = fields.pop("filters")
        day = filters.pop("older_than")
        return cls(**fields, filters=Filters(**filters, older_than=date.fromisoformat(day) if day else None))


def _nonsense(message: str) -> InvalidRequest:
    return InvalidRequest(message, code="BAD_TRANSFER")
