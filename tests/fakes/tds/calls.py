"""The stored procedure that drivers call on their own: which of the server's types stand for a type of ODBC."""

from __future__ import annotations

import re
import struct
from typing import Any

from tests.fakes.tds.tokens import call_done, refused
from tests.fakes.tds.types import Column, described, row

NAME = "sp_datatype_info_100"
TYPES = {-9: ("nvarchar", 4000), 12: ("varchar", 8000), -3: ("varbinary", 8000), 93: ("datetime2", 27)}
"""ODBC's number -> name and most digits or letters."""

_TEXTS = ("TYPE_NAME", "LITERAL_PREFIX", "LITERAL_SUFFIX", "CREATE_PARAMS", "LOCAL_TYPE_NAME")
_NAMES = [
    "TYPE_NAME",
    "DATA_TYPE",
    "PRECISION",
    "LITERAL_PREFIX",
    "LITERAL_SUFFIX",
    "CREATE_PARAMS",
    "NULLABLE",
    "CASE_SENSITIVE",
    "SEARCHABLE",
    "UNSIGNED_ATTRIBUTE",
    "MONEY",
    "AUTO_INCREMENT",
    "LOCAL_TYPE_NAME",
    "MINIMUM_SCALE",
    "MAXIMUM_SCALE",
    "SQL_DATA_TYPE",
    "SQL_DATETIME_SUB",
    "NUM_PREC_RADIX",
    "INTERVAL_PRECISION",
    "USERTYPE",
]


def _column(name: str) -> Column:
    return Column(name, "text", 256) if name in _TEXTS else Column(name, "int", 4 if name == "PRECISION" else 2)


COLUMNS = [_column(name) for name in _NAMES]


def called_in_words(sql: str) -> bytes | None:
    """FreeTDS writes its call as a statement."""
    found = re.fullmatch(rf"{NAME} (-?\d+),\d", sql)
    return None if found is None else _types(int(found[1]))


def name_of_call(said: bytes) -> str:
    """Empty where it is called by a number."""
    (length,) = struct.unpack_from("<H", said)
    return said[2 : 2 + length * 2].decode("utf-16le") if length != 0xFFFF else ""


def called(said: bytes) -> bytes:
    """A call as Microsoft's driver makes it: `said` without its headers."""
    (length,) = struct.unpack_from("<H", said)
    name = name_of_call(said)
    if not name.endswith(NAME):
        return refused(2812, f"Could not find stored procedure '{name}'.")
    # Behind the name: options, a parameter without name and status, an int of two bytes.
    (wanted,) = struct.unpack_from("<h", said, 2 + length * 2 + 2 + 2 + 3)
    return _types(wanted)


def _types(wanted: int) -> bytes:
    found = [_row(wanted, *TYPES[wanted])] if wanted in TYPES else []
    return described(COLUMNS) + b"".join(row(COLUMNS, values) for values in found) + call_done(len(found))


def _row(number: int, name: str, precision: int) -> tuple[Any, ...]:
    known = {"TYPE_NAME": name, "LOCAL_TYPE_NAME": name, "DATA_TYPE": number, "SQL_DATA_TYPE": number}
    known |= {"PRECISION": precision, "NULLABLE": 1, "CASE_SENSITIVE": 0, "SEARCHABLE": 3, "MONEY": 0}
    return tuple(known.get(column) for column in _NAMES)
