"""The tokens of an answer that are not rows."""

from __future__ import annotations

import struct

VERSION = bytes([16, 0, 4125 >> 8, 4125 & 0xFF])
"""SQL Server 2022."""

MORE, FAILED, COUNTED, CANCELLED = 0x01, 0x02, 0x10, 0x20
DATABASE, LANGUAGE, PACKET_SIZE, COLLATION, BEGUN, ROLLED_BACK = 1, 2, 4, 7, 8, 10
LATIN_CI_AS = b"\x09\x04\xd0\x00\x34"


def error(number: int, text: str, severity: int) -> bytes:
    return _message(0xAA, number, text, severity)


def info(number: int, text: str) -> bytes:
    return _message(0xAB, number, text, 0)


def _message(token: int, number: int, text: str, severity: int) -> bytes:
    words = struct.pack("<H", len(text)) + text.encode("utf-16le")
    body = struct.pack("<iBB", number, 1, severity) + words + _short("SQL") + _short("") + struct.pack("<i", 1)
    return struct.pack("<BH", token, len(body)) + body


def changed(what: int, new: str, old: str = "") -> bytes:
    return _environment(bytes([what]) + _short(new) + _short(old))


def changed_bytes(what: int, new: bytes, old: bytes = b"") -> bytes:
    return _environment(bytes([what, len(new)]) + new + bytes([len(old)]) + old)


def _environment(body: bytes) -> bytes:
    return struct.pack("<BH", 0xE3, len(body)) + body


def sent_on(port: int) -> bytes:
    """The login belongs to another server; the client goes there by itself."""
    host = "localhost"
    place = struct.pack("<BHH", 0, port, len(host)) + host.encode("utf-16le")
    return _environment(bytes([20]) + struct.pack("<H", len(place)) + place + b"\0\0")


def recoverable() -> bytes:
    """A client may log in again when its connection broke while nothing was under way, and go on."""
    return bytes([0xAE, 1]) + struct.pack("<I", 0) + b"\xff"


def logged_in(database: str, packet_size: int, version: int, product: str) -> bytes:
    """What SQL Server says to a login it takes."""
    body = b"\x01" + version.to_bytes(4, "big") + _short(f"{product}\0\0") + VERSION
    return (
        changed(DATABASE, database, "master")
        + info(5701, f"Changed database context to '{database}'.")
        + changed_bytes(COLLATION, LATIN_CI_AS)
        + changed(LANGUAGE, "us_english")
        + info(5703, "Changed language setting to us_english.")
        + struct.pack("<BH", 0xAD, len(body))
        + body
        + changed(PACKET_SIZE, str(packet_size), "4096")
    )


def done(status: int = 0, rows: int = 0) -> bytes:
    return struct.pack("<BHHQ", 0xFD, status, 0xC1 if status & COUNTED else 0, rows)


def ordered_by(column: int) -> bytes:
    return struct.pack("<BHH", 0xA9, 2, column)


def call_done(rows: int) -> bytes:
    """The end of a stored procedure that selected these rows and returned 0."""
    selected = struct.pack("<BHHQ", 0xFF, COUNTED | 1, 0xC1, rows)
    return selected + struct.pack("<Bi", 0x79, 0) + struct.pack("<BHHQ", 0xFE, 0, 0xE0, 0)


def refused(number: int, text: str, severity: int = 16) -> bytes:
    return error(number, text, severity) + done(FAILED)


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16le")
