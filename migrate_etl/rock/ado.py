"""The grammar of ADO.NET connection strings: keyword=value pairs. What the keywords mean is in `connection.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate_transfer.core.errors import SourceError

_REMEDY = "Write it as Server=host;Database=RockDB;User Id=user;Password=secret;TrustServerCertificate=true."

_KEYWORD = re.compile(r"\s*((?:[^;=]|==)+?)\s*=(?!=)\s*")
_QUOTED = {
    '"': re.compile(r'"((?:[^"]|"")*)"\s*(?:;|$)'),
    "'": re.compile(r"'((?:[^']|'')*)'\s*(?:;|$)"),
}
_BRACED = re.compile(r"\{((?:[^}]|\}\})*)\}\s*(?:;|$)")
_BARE = re.compile(r"([^;]*)(?:;|$)")


def refused(message: str, remedy: str = _REMEDY, *, code: str = "INVALID_CONNECTION_STRING") -> SourceError:
    """The error for a connection string that cannot be used; callers name grammar, never values."""
    return SourceError(message, code=code, remedy=remedy)


def split_pairs(text: str) -> Iterator[tuple[str, str]]:
    """(keyword in lower case, value) in order.

    Values may be quoted by ' or " with the quote doubled inside; == in a keyword is one =. Braces are plain letters
    to ADO.NET, so `{x}` is a value of three letters; only where they hold a semicolon, which would otherwise cut the
    value in two, are they taken for the quotes that ODBC uses. Raises SourceError INVALID_CONNECTION_STRING.
    """
    at = 0
    while at < len(text):
        if text[at] == ";" or text[at].isspace():
            at += 1
            continue
        keyword = _KEYWORD.match(text, at)
        if keyword is None:
            raise refused(
                "The connection string has a part without an equals sign.",
                "Put a value that holds a semicolon in double quotes.",
            )
        value, at = _value(text, keyword.end())
        yield " ".join(keyword.group(1).replace("==", "=").lower().split()), value


def _value(text: str, at: int) -> tuple[str, int]:
    quote = text[at : at + 1]
    if quote in _QUOTED:
        match = _QUOTED[quote].match(text, at)
        if match is None:
            raise refused("A quoted value in the connection string does not end.", "Double every quote inside it.")
        return match.group(1).replace(quote * 2, quote), match.end()
    braced = _BRACED.match(text, at) if quote == "{" else None
    if braced is not None and ";" in braced.group(1):
        return braced.group(1).replace("}}", "}"), braced.end()
    bare = _BARE.match(text, at)
    assert bare is not None  # it matches the empty string
    return bare.group(1).strip(), bare.end()
