"""Whether a SQL Server answers at an address: its first greeting, without a login, for where a driver does not say."""

from __future__ import annotations

import socket
import struct

from migrate_etl.rock.server import DEFAULT_PORT, ServerAddress

_PRELOGIN, _ANSWER = 0x12, 0x04
_VERSION, _ENCRYPTION, _END, _NOT_SUPPORTED = 0, 1, 0xFF, 2


def sql_server_answers(address: ServerAddress, timeout: float) -> bool:
    """False too where only the SQL Browser knows the port."""
    if address.instance is not None:
        return False
    try:
        with socket.create_connection((address.host, address.port or DEFAULT_PORT), timeout) as line:
            line.settimeout(timeout)
            line.sendall(_greeting())
            return line.recv(1) == bytes([_ANSWER])
    except OSError:
        return False


def _greeting() -> bytes:
    """PRELOGIN with the two options that must be there (MS-TDS 2.2.6.5)."""
    offset = 11
    head = struct.pack(">BHHBHHB", _VERSION, offset, 6, _ENCRYPTION, offset + 6, 1, _END)
    body = head + bytes(6) + bytes([_NOT_SUPPORTED])
    return struct.pack(">BBHHBB", _PRELOGIN, 1, 8 + len(body), 0, 1, 0) + body
