"""Takes out of a text what looks like a secret, before the text leaves the machine."""

from __future__ import annotations

import re

_NAME = r"(?i:password|pwd|key|token|secret|authorization)"
_VALUE = r"(?:\{[^}\n]*\}|'[^'\n]*'|\"[^\"\n]*\"|[^;,\"\n]+)"
"""In braces or quotes, as connection strings have it; else to the next separator: a password may hold blanks."""
SECRET = re.compile(rf"ma[kts]_[A-Za-z0-9_-]+|(?P<login>://[^\s/:@]*:)[^\s/]+@|(?P<name>{_NAME}\"?\s*[:=]\s*){_VALUE}")


def redacted(text: str) -> str:
    """The text without what looks like a key, a token or a password. Takes out too much rather than too little."""
    return SECRET.sub(_blackened, text)


def _blackened(match: re.Match[str]) -> str:
    if match["login"]:
        return f"{match['login']}***@"
    return f"{match['name']}***" if match["name"] else "***"
