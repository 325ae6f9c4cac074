"""Whether a SQL Server answers at an address: its first greeting, without a login, for where a driver does not say."""

from __future__ import annotations

import socket
import struct
from typing import Literal

from migrate_etl.rock.server import DEFAULT_PORT, ServerAddress

Greeting = Literal["encrypts", "in clear", "none"]

_PRELOGIN, _ANSWER, _LAST = 0x12, 0x04, 1
_VERSION, _ENCRYPTION, _END = 0, 1, 0xFF
_OFF, _NOT_SUPPORTED = 0, 2


def greeting_of(address: ServerAddress, timeout: float) -> Greeting:
    """What a SQL Server at the address says of encryption; `none` too where only the SQL Browser knows the port."""
    if address.instance is not None:
        return "none"
    try:
        with socket.create_connection((address.host, address.port or DEFAULT_PORT), timeout) as line:
            line.settimeout(timeout)
            line.sendall(_greeting())
            return _said(line.recv(4096))
    except OSError:
        return "none"


def _greeting() -> bytes:
    """PRELOGIN with the two options that must be there (MS-TDS 2.2.6.5)."""
    offset = 11
    head = struct.pack(">BHHBHHB", _VERSION, offset, 6, _ENCRYPTION, offset + 6, 1, _END)
    body = head + bytes(6) + bytes([_OFF])
    return struct.pack(">BBHHBB", _PRELOGIN, _LAST, 8 + len(body), 0, 1, 0) + body


def _said(answer: bytes) -> Greeting:
    if answer[:2] != bytes([_ANSWER, _LAST]):
        return "none"
    body, at = answer[8:], 0
    while at + 5 <= len(body) and body[at] != _END:
        kind, offset, length = struct.unpack_from(">BHH", body, at)
        if kind == _ENCRYPTION and length and offset < len(body):
            return "in clear" if body[offset] == _NOT_SUPPORTED else "encrypts"
        at += 5
    return "none"
