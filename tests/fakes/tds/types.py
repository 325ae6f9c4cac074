"""PostgreSQL's columns and values in the types of T-SQL, as TDS writes them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from tests.fakes.tds.tokens import LATIN_CI_AS

MAX = 0xFFFF


@dataclass(frozen=True, slots=True)
class Column:
    """`size` in bytes; of a decimal its precision, of a moment the digits of its seconds."""

    name: str
    kind: str
    size: int
    nullable: bool = True
    scale: int = 2
    write: Callable[[Any], Any] = field(default=lambda value: value, compare=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """The type a server has for a column of Rock's, and how it writes a value in it."""

    kind: str
    size: int
    scale: int = 2
    write: Callable[[Any], Any] = lambda value: value


def column_of(found: psycopg.Column, nullable: bool, sent: str | Sent | None = None) -> Column:
    """The column in T-SQL; `sent` stands for a type that PostgreSQL has no word for."""
    name = "" if found.name == "?column?" else found.name
    if isinstance(sent, Sent):
        return Column(name, sent.kind, sent.size, nullable, sent.scale, sent.write)
    usual, size = _kind(found)
    return Column(name, *((usual, size) if sent is None else (sent, SIZES[sent])), nullable)


SIZES = {"money": 8, "datetime2": 7, "datetimeoffset": 7, "smalldatetime": 4, "bigint": 8, "smallint": 2}


def _kind(column: psycopg.Column) -> tuple[str, int]:
    match column.type_code:
        case 16:
            return "bit", 1
        case 20 | 21 | 23:  # what T-SQL counts and adds up is an int
            return "int", 4
        case 1700:
            return "decimal", column.precision or 38
        case 1114:
            return "datetime", 8
        case 1082:
            return "date", 3
        case 2950:
            return "guid", 16
        case 1043:
            return "text", column.display_size * 2 if column.display_size else MAX
    return "text", MAX


def described(columns: list[Column]) -> bytes:
    head = struct.pack("<BH", 0x81, len(columns))
    for column in columns:
        name = bytes([len(column.name)]) + column.name.encode("utf-16le")
        head += struct.pack("<IH", 0, 0x08 | column.nullable) + _type(column) + name
    return head


def row(columns: list[Column], values: tuple[Any, ...], *, null_bitmap: bool = False) -> bytes:
    """As ROW, or as NBCROW, which says first which values are null and leaves them out."""
    written = [None if v is None else c.write(v) for c, v in zip(columns, values, strict=True)]
    if not null_bitmap:
        return b"\xd1" + b"".join(_value(column, value) for column, value in zip(columns, written, strict=True))
    bits = sum(1 << at for at, value in enumerate(written) if value is None)
    given = [_value(column, value) for column, value in zip(columns, written, strict=True) if value is not None]
    return b"\xd2" + bits.to_bytes((len(columns) + 7) // 8, "little") + b"".join(given)


FIXED = {("int", 4): 0x38, ("int", 2): 0x34, ("int", 8): 0x7F, ("bit", 1): 0x32, ("datetime", 8): 0x3D}
"""A column that is never null says no length with each value."""


def _fixed(column: Column) -> int | None:
    return None if column.nullable else FIXED.get((_whole(column.kind), column.size))


def _whole(kind: str) -> str:
    return "int" if kind in ("bigint", "smallint", "tinyint") else kind


NARROW = {"varchar": ("cp1252", LATIN_CI_AS), "varchar utf8": ("utf-8", b"\x09\x04\xd0\x24\x00")}
"""Code page and collation."""
OLD = {"ntext": 0x63, "text of old": 0x23}


def _type(column: Column) -> bytes:
    fixed = _fixed(column)
    if fixed is not None:
        return bytes([fixed])
    match _whole(column.kind):
        case "int":
            return bytes([0x26, column.size])
        case "bit":
            return bytes([0x68, 1])
        case "decimal":
            return bytes([0x6A, 17, column.size, column.scale])
        case "numeric":
            return bytes([0x6C, 17, column.size, column.scale])
        case "float":
            return bytes([0x6D, column.size])
        case "char":
            return struct.pack("<BH", 0xAF, column.size) + LATIN_CI_AS
        case "varchar" | "varchar utf8":
            return struct.pack("<BH", 0xA7, column.size) + NARROW[column.kind][1]
        case "ntext" | "text of old":
            part = "Rock".encode("utf-16le")
            return struct.pack("<Bi", OLD[column.kind], 2**31 - 2) + LATIN_CI_AS + b"\x01" + struct.pack("<H", 4) + part
        case "money":
            return bytes([0x6E, 8])
        case "datetime" | "smalldatetime":
            return bytes([0x6F, column.size])
        case "date":
            return bytes([0x28])
        case "datetime2":
            return bytes([0x2A, column.size])
        case "datetimeoffset":
            return bytes([0x2B, column.size])
        case "guid":
            return bytes([0x24, 16])
    return struct.pack("<BH", 0xE7, min(column.size, MAX)) + LATIN_CI_AS


def _value(column: Column, value: Any) -> bytes:
    if value is None:
        lengths = column.kind in ("text", "varchar", "varchar utf8", "char")
        return b"\0" if not lengths else b"\xff" * (8 if column.size == MAX else 2)
    if column.kind == "text":
        return _text(column, str(value).replace(*HALF_AN_EMOJI).encode("utf-16le", "surrogatepass"))
    if column.kind in NARROW:
        return _text(column, str(value).encode(NARROW[column.kind][0]))
    if column.kind == "char":
        return _text(column, str(value).encode("cp1252").ljust(column.size))
    if column.kind in OLD:
        data = str(value).encode("utf-16le" if column.kind == "ntext" else "cp1252")
        return b"\x10" + bytes(16) + bytes(8) + struct.pack("<I", len(data)) + data
    data = _plain(column, value)
    return data if _fixed(column) is not None else bytes([len(data)]) + data


def _plain(column: Column, value: Any) -> bytes:
    size = column.size
    match _whole(column.kind):
        case "int":
            return int(value).to_bytes(size, "little", signed=size > 1)
        case "float":
            return struct.pack("<d" if size == 8 else "<f", value)
        case "bit":
            return bytes([value])
        case "decimal" | "numeric":
            digits = _scaled(value, column.scale)
            return bytes([digits >= 0]) + abs(digits).to_bytes(16, "little")
        case "money":
            low_and_high = struct.pack("<q", _scaled(value, 4))
            return low_and_high[4:] + low_and_high[:4]
        case "datetime":
            return _datetime(value)
        case "smalldatetime":
            return struct.pack("<HH", (value - EPOCH).days, (value - EPOCH).seconds // 60)
        case "date":
            return _days(value)
        case "datetime2":
            return _time(value, size) + _days(value.date())
        case "datetimeoffset":
            # The moment in UTC, and the minutes that its place was ahead.
            moment = value.replace(tzinfo=UTC) + timedelta(hours=6)
            return _time(moment, size) + _days(moment.date()) + struct.pack("<h", -360)
    return UUID(str(value)).bytes_le


def _scaled(value: Any, digits: int) -> int:
    return int(Decimal(value).quantize(Decimal(1).scaleb(-digits)).scaleb(digits))


def _text(column: Column, data: bytes) -> bytes:
    if column.size != MAX:
        assert len(data) <= column.size, f"{column.name} cannot hold this text in SQL Server"
        return struct.pack("<H", len(data)) + data
    # In pieces, as SQL Server sends what does not fit a page; before them it does not always say how much there is.
    pieces = [data[at : at + 8000] for at in range(0, len(data), 8000)]
    return struct.pack("<Q", 2**64 - 2) + b"".join(struct.pack("<I", len(p)) + p for p in pieces) + b"\0" * 4


HALF_AN_EMOJI = ("\ue000", "\ud83d")
"""SQL Server keeps what was cut within a letter; in PostgreSQL a letter of nobody's stands for it."""

EPOCH = datetime(1900, 1, 1)


def _datetime(value: datetime) -> bytes:
    """Days from 1900 and three-hundredths of a second; SQL Server's `datetime` begins in 1753."""
    midnight = value.replace(hour=0, minute=0, second=0, microsecond=0)
    return struct.pack("<iI", (midnight - EPOCH).days, round((value - midnight).total_seconds() * 300))


def _days(value: date) -> bytes:
    return (value - date.min).days.to_bytes(3, "little")


def _time(value: datetime, digits: int) -> bytes:
    """Since midnight, in seconds of so many digits."""
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    parts = (seconds * 10**7 + value.microsecond * 10) // 10 ** (7 - digits)
    return parts.to_bytes(3 if digits <= 2 else 4 if digits <= 4 else 5, "little")
