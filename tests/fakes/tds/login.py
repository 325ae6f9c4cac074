"""The first two messages of a client: what it can do, and who it is."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Encryption = Literal["none", "login", "all"]
"""What a server that has no certificate does; one that has one; one that is told to force encryption."""

SESSION_RECOVERY = 1
OFF, ON, NOT_SUPPORTED, REQUIRED = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Login:
    """As much of LOGIN7 as a server heeds."""

    user: str
    password: str
    database: str
    application: str
    packet_size: int
    version: int
    read_only: bool
    features: frozenset[int]
    """What else the client can do: numbers of MS-TDS 2.2.6.4."""


def asked_encryption(prelogin: bytes) -> int:
    at = 0
    while prelogin[at] != 0xFF:
        kind, offset, length = struct.unpack_from(">BHH", prelogin, at)
        if kind == 1 and length:
            return prelogin[offset]
        at += 5
    return NOT_SUPPORTED


def agreed_encryption(asked: int, server: Encryption) -> tuple[int, Encryption]:
    """What the server answers, and what comes of it, by the table of MS-TDS 2.2.6.5."""
    if server == "none":
        return NOT_SUPPORTED, "none"
    if asked == NOT_SUPPORTED:
        return (REQUIRED, "all") if server == "all" else (NOT_SUPPORTED, "none")
    if asked in (ON, REQUIRED):
        return ON, "all"
    return (REQUIRED, "all") if server == "all" else (OFF, "login")


def prelogin_answer(encryption: int, version: bytes) -> bytes:
    """Version, encryption, instance (the right one), thread (none), MARS (no)."""
    values = [(0, version + b"\0\0"), (1, bytes([encryption])), (2, b"\0"), (3, b""), (4, b"\0")]
    offset, head, body = len(values) * 5 + 1, b"", b""
    for kind, value in values:
        head += struct.pack(">BHH", kind, offset + len(body), len(value))
        body += value
    return head + b"\xff" + body


def read_login(data: bytes) -> Login:
    def text(at: int) -> bytes:
        offset, length = struct.unpack_from("<HH", data, at)
        return data[offset : offset + length * 2]

    version, packet_size = struct.unpack_from("<II", data, 4)
    password = bytes(((byte ^ 0xA5) << 4 | (byte ^ 0xA5) >> 4) & 0xFF for byte in text(44))
    return Login(
        user=text(40).decode("utf-16le"),
        password=password.decode("utf-16le"),
        database=text(68).decode("utf-16le"),
        application=text(48).decode("utf-16le"),
        packet_size=packet_size if 512 <= packet_size <= 32_767 else 4096,
        version=version,
        read_only=bool(data[26] & 0x20),
        features=frozenset(_features(data)),
    )


def _features(data: bytes) -> Iterator[int]:
    if not data[27] & 0x10:
        return
    (pointer,) = struct.unpack_from("<H", data, 56)
    (at,) = struct.unpack_from("<I", data, pointer)
    while data[at] != 0xFF:
        yield data[at]
        at += 5 + struct.unpack_from("<I", data, at + 1)[0]
