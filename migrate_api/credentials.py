"""Making and recognising codes, keys and tokens. Only their hashes are kept.

Keys and tokens have 256 random bits, so a plain SHA-256 cannot be searched; their last six characters are a checksum,
so that a mistyped one is refused without asking the database. A registration code has 40 bits and lives a day: its hash
is a slow one, and guesses are limited per address.
"""

from __future__ import annotations

import hashlib
import secrets
import zlib
from typing import Literal

ALPHABET = "ACDEFGHJKMNPQRTUVWXY34679"
"""A–Z and 2–9 without what looks or sounds alike in any typeface: no B/8, I/1/L, O/0, S/5, Z/2."""
CODE_LENGTH = 8
_PEPPER = b"migrate registration code"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

Prefix = Literal["mak", "mat", "mas"]
"""Agent key, API token, signed-in browser."""


def new_credential(prefix: Prefix) -> tuple[str, str]:
    """A credential, and the hash to keep of it."""
    body = secrets.token_urlsafe(32).replace("-", "A").replace("_", "B")
    credential = f"{prefix}_{body}{_checksum(body)}"
    return credential, hashed(credential)


def well_formed(credential: str, prefix: Prefix) -> bool:
    """Whether it can be one of ours at all."""
    start, _, rest = credential.partition("_")
    return start == prefix and rest.isascii() and len(rest) == 49 and rest[-6:] == _checksum(rest[:-6])


def hashed(credential: str) -> str:
    return hashlib.sha256(credential.encode()).hexdigest()


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits


def new_code() -> tuple[str, str]:
    """A registration code, and the hash to keep of it."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    return code, hashed_code(code)


def hashed_code(code: str) -> str:
    """The hash of a code as somebody typed it: case, blanks and dashes do not matter."""
    plain = "".join(code.upper().split()).replace("-", "")
    return hashlib.scrypt(plain.encode(), salt=_PEPPER, n=2**12, r=8, p=1, dklen=32).hex()
