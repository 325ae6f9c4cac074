"""A way into a container for a helper: it sends with a signature that it is given, and knows nothing of Microsoft's
client, whose import would take as long as a thousand small files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from migrate_transfer.backends.azure.answers import busy
from migrate_transfer.backends.azure.place import Place, over
from migrate_transfer.backends.azure.renewal import Renewal
from migrate_transfer.backends.azure.sender import BlobSender
from migrate_transfer.core.backend import Streams, Tier, Upload
from migrate_transfer.core.control import Control
from migrate_transfer.net.lane import Link


@dataclass(frozen=True, slots=True)
class BlobsAway:
    """`access` is a shared access signature."""

    access: str
    url: str
    container: str
    tier: Tier
    chunk: int
    crc64: bool
    authorities: str | None

    def sender(self, streams: Streams, control: Control, access: Callable[[], str]) -> BlobSender:
        place = Place(
            url=self.url,
            container=self.container,
            signature=access,
            lapsed=lambda status: over(access(), datetime.now(UTC)),
            headers=list,
            renewal=Renewal(None),
            tier=self.tier,
            chunk=self.chunk,
            staged=lambda key: {},
            clear=_not_here,
            checks_crc64=lambda: self.crc64,
        )
        return BlobSender(place, Link(control, authorities=self.authorities), streams)


def _not_here(upload: Upload) -> None:
    """A small file needs no blocks; of one that has grown since, the next run takes care."""
    raise busy()
