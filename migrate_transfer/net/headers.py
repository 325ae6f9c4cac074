"""What the headers of an answer say about when to come again. Knows no client: each of ours asks here."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from migrate_transfer.net.rate import LONGEST_WAIT


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks for (a number, or a date against the server's own), or None."""
    value = headers.get("retry-after")
    seconds = number(value)
    if seconds is None and (until := _moment(value)) is not None:
        seconds = until - _server_time(headers)
    return None if seconds is None else min(max(0.0, seconds), LONGEST_WAIT)


def reset_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until the limit's window ends: `X-RateLimit-Reset` is a Unix time with some servers, a delay with
    others."""
    value = number(headers.get("x-ratelimit-reset"))
    if value is None:
        return None
    seconds = value - _server_time(headers) if value > 1e9 else value
    return min(max(0.0, seconds), LONGEST_WAIT)


def _server_time(headers: Mapping[str, str]) -> float:
    """The server's clock; where ours agrees with it, ours, which knows more than whole seconds."""
    ours = time.time()
    theirs = _moment(headers.get("date"))
    return ours if theirs is None or abs(theirs - ours) < 2.0 else theirs


def number(value: str | None) -> float | None:
    found = re.fullmatch(r"\s*(\d{1,18})(\.\d{1,18})?\s*", value or "", re.ASCII)
    return None if found is None else float(found[0])


def _moment(value: str | None) -> float | None:
    if value is None:
        return None
    from email.utils import parsedate_to_datetime  # seldom asked, and slow to load

    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
