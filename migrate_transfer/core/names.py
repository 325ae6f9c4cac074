"""Names of things as every destination can keep them, and back again: reversible, and two names never become one.

A key is a relative path in Unicode, "/" between its parts. What a destination or a listing in XML cannot hold is
written `%XX`, byte by byte: bytes that are no UTF-8, control characters, the backslash (some clients take it for "/"),
a dot at the end of a part (Azure drops it), and non-characters. A "%" that two hex digits follow is written `%25`, so
that nothing is read back wrongly.
"""

from __future__ import annotations

import re

_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_ ()[],=+@~!#$&;'{}^`/.-"
"""Paths of such letters only need no second look, but for a dot at the end of a part."""
_SPECIAL = re.compile("[\x00-\x1f\x7f-\x9f\\\\\ufdd0-\ufdef\ufffe\uffff\udc80-\udcff]|%(?=[0-9A-Fa-f]{2})|\\.(?=/|$)")


def key_of(path: bytes) -> str:
    """The key of a path as the operating system has it, "/" between its parts."""
    if plain(path):
        return path.decode("ascii")
    return _SPECIAL.sub(_escape, path.decode("utf-8", "surrogateescape"))


def plain(path: bytes) -> bool:
    """Whether the key of the path, and of each of its parts, is the same in ASCII. Of many paths together too."""
    return not path.translate(None, _PLAIN) and not path.endswith(b".") and b"./" not in path


def path_of(key: str) -> bytes:
    """The path that `key_of` was given."""
    parts = _ESCAPED.split(key)
    plain = (part.encode("utf-8", "surrogateescape") for part in parts[::2])
    escaped = (bytes([int(code, 16)]) for code in parts[1::2])
    return next(plain) + b"".join(byte + text for byte, text in zip(escaped, plain, strict=True))


def shown(key: str) -> str:
    """The path as a person sees it: nothing escaped; each byte that is no UTF-8 is one surrogate, as Python has it."""
    return path_of(key).decode("utf-8", "surrogateescape") if "%" in key else key


def _escape(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogateescape"))
