"""The rate limit: so many requests a window for each organisation, all its keys together."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from migrate_etl.sandbox.mission.answers import too_many


@dataclass(slots=True)
class _Window:
    ends: float
    used: int = 0


@dataclass(slots=True)
class RateLimit:
    """A window begins with its first request. `limit` None means no limit and no headers. `seconds` is its length."""

    limit: int | None
    seconds: int = 60
    _windows: dict[str, _Window] = field(default_factory=dict)

    def enter(self, organization: str) -> dict[str, str]:
        """Count a request and return the headers its answer carries. Raises Refusal (429), which carries them too."""
        if self.limit is None:
            return {}
        now = time.monotonic()
        window = self._windows.get(organization)
        if window is None or now >= window.ends:
            window = self._windows[organization] = _Window(now + self.seconds)
        left = window.ends - now
        allowed = window.used < self.limit
        window.used += allowed
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.limit - window.used),
            "X-RateLimit-Reset": str(math.ceil(time.time() + left)),
        }
        if not allowed:
            name = "1m" if self.seconds == 60 else f"{self.seconds}s"
            refusal = too_many(self.limit, name, math.ceil(left))
            refusal.headers.update(headers)
            raise refusal
        return headers

    def clear(self) -> None:
        self._windows.clear()
