"""Takes out of a text what looks like a secret, before the text leaves the machine."""

from __future__ import annotations

import re

SECRET = re.compile(
    r"ma[kts]_[A-Za-z0-9_-]+|(?i:(password|pwd|key|token|secret|authorization)(\"?\s*[:=]\s*\"?)(?:bearer )?[^\s\";,]+)"
)


def redacted(text: str) -> str:
    """The text without what looks like a key, a token or a password."""
    return SECRET.sub(lambda match: f"{match[1]}{match[2]}***" if match[1] else "***", text)
