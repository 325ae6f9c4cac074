"""What every call into a container has to know: where it is, how to get in, how objects are to be stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from migrate_transfer.core.backend import Tier

MIB = 2**20
MAX_BLOCKS = 50_000


@dataclass(slots=True)
class Place:
    """`crc64`: whether the service has shown that it checks it; `lapsed`: whether the signature's time is over."""

    url: str
    container: str
    signature: Callable[[], str]
    lapsed: Callable[[], bool]
    headers: Callable[[], list[str]]
    tier: Tier
    chunk: int
    staged: Callable[[str], dict[str, int]]
    clear: Callable[[str], None]
    crc64: bool = True

    def address(self, key: str, query: str = "") -> str:
        parts = "&".join(part for part in (query, self.signature()) if part)
        return f"{self.url}{quote(key, safe='/')}{'?' if parts else ''}{parts}"
