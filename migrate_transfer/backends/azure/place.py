"""What every call into a container has to know: where it is, how to get in, how objects are to be stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote

from migrate_transfer.backends.azure.renewal import Renewal
from migrate_transfer.core.backend import Tier, Upload

MIB = 2**20
MAX_BLOCKS = 50_000


def over(signature: str, now: datetime) -> bool:
    """Whether a shared access signature says of itself that its time is over."""
    (until, *_) = parse_qs(signature).get("se", [""])
    try:
        return datetime.fromisoformat(until).astimezone(UTC) <= now
    except ValueError:
        return False


@dataclass(slots=True)
class Place:
    """`staged`, `clear`: see `blocks.py`. `lapsed`: whether such a status means that access has ended; `checks_crc64`:
    whether the service has shown that it checks a CRC-64, asked before the first upload only, for who reads need not be
    allowed to write."""

    url: str
    container: str
    signature: Callable[[], str]
    lapsed: Callable[[int], bool]
    headers: Callable[[], list[str]]
    renewal: Renewal
    tier: Tier
    chunk: int
    staged: Callable[[str], dict[str, int]]
    clear: Callable[[Upload], None]
    checks_crc64: Callable[[], bool]
    _crc64: bool | None = None

    @property
    def crc64(self) -> bool:
        if self._crc64 is None:
            self._crc64 = self.checks_crc64()
        return self._crc64

    def distrust_crc64(self) -> None:
        self._crc64 = False

    def address(self, key: str, query: str = "") -> str:
        parts = "&".join(part for part in (query, self.signature()) if part)
        return f"{self.url}{quote(key, safe='/')}{'?' if parts else ''}{parts}"

    def wanted_tier(self) -> list[str]:
        """The header of a request that makes an object: nothing goes to the Archive tier before it was read back."""
        if self.tier == "hot":
            return []
        return [f"x-ms-access-tier: {'Cool' if self.tier == 'archive' else self.tier.title()}"]
