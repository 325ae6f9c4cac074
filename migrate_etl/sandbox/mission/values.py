"""What a value of a record must look like, and how the books keep it. No records, no database.

A reader takes a JSON value and returns what the books store, or raises `Unfit` with a message that does not repeat it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Any

import orjson

Stored = str | int | None
Reader = Callable[[Any], Stored]


class Unfit(ValueError):
    """A value breaks the contract; the message says what is expected."""


_EXTERNAL_ID = re.compile(r"[!-~]{1,128}").fullmatch
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+").fullmatch
_DIGIT = re.compile(r"[0-9]").search
_MONEY = re.compile(r"(?:-(?!0\.00\Z))?(?:0|[1-9][0-9]{0,15})\.[0-9]{2}").fullmatch
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_TIME = re.compile(
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
).fullmatch


def external_id(value: Any) -> str:
    if type(value) is str and _EXTERNAL_ID(value):
        return value
    raise Unfit("1 to 128 printable ASCII characters without blanks expected")


def text(shortest: int, longest: int) -> Reader:
    """A text of so many Unicode code points."""

    def read(value: Any) -> str:
        if type(value) is str and shortest <= len(value) <= longest:
            return value
        raise Unfit(f"a text of {shortest} to {longest} characters expected")

    return read


def one_of(*words: str) -> Reader:
    allowed = frozenset(words)

    def read(value: Any) -> str:
        if type(value) is str and value in allowed:
            return value
        raise Unfit(f"one of {', '.join(words)} expected")

    return read


def optional(read: Reader) -> Reader:
    return lambda value: None if value is None else read(value)


def email(value: Any) -> str:
    if type(value) is str and len(value) <= 254 and _EMAIL(value):
        return value
    raise Unfit("an e-mail address of at most 254 characters expected")


def phone(value: Any) -> str:
    if type(value) is str and len(value) <= 50 and _DIGIT(value):
        return value
    raise Unfit("a text of at most 50 characters with a digit expected")


def flag(value: Any) -> int:
    if value is True or value is False:
        return int(value)
    raise Unfit("true or false expected")


def count(value: Any) -> int:
    """A whole number; JSON Schema calls 5.0 whole too."""
    whole = type(value) is int or (type(value) is float and value.is_integer())
    if whole and 0 <= value <= 2_147_483_647:
        return int(value)
    raise Unfit("a whole number of 0 to 2147483647 expected")


def cents(value: Any) -> int:
    """Money as the wire has it, a string with two decimals; stored in whole cents."""
    if type(value) is str and _MONEY(value):
        return int(value.replace(".", ""))
    raise Unfit('a string with two decimals expected, such as "10.00"')


def day(value: Any) -> str:
    if type(value) is str and len(value) == 10 and _is_day(value):
        return value
    raise Unfit("a day expected, such as 2024-03-10")


def moment(value: Any) -> str:
    if type(value) is str and _TIME(value, 10) and _is_day(value[:10]):
        return value
    raise Unfit("an RFC 3339 time with offset expected, such as 2024-03-10T02:30:00-05:00")


@lru_cache(maxsize=65_536)
def _is_day(value: str) -> bool:
    if not _DAY(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def address(value: Any) -> str | None:
    """Kept as JSON text with its keys in contract order."""
    if value is None:
        return None
    parts = ("street1", "street2", "city", "state", "postal_code", "country")
    if type(value) is not dict or value.keys() != set(parts):
        raise Unfit(f"null or an object with {', '.join(parts)} expected")
    line = optional(text(0, 100))
    try:
        return orjson.dumps({part: line(value[part]) for part in parts}).decode()
    except Unfit as error:
        raise Unfit(f"each part: {error}") from error


def members(*roles: str) -> Reader:
    """Kept as JSON text ordered by person, so that the same members in another order are the same."""
    role = one_of(*roles)

    def read(value: Any) -> str:
        if type(value) is not list:
            raise Unfit("a list of members expected")
        rows = [_member(member, role) for member in value]
        return orjson.dumps(sorted(rows, key=lambda row: row["external_person_id"])).decode()

    return read


def _member(value: Any, role: Reader) -> dict[str, Any]:
    if type(value) is not dict or value.keys() != {"external_person_id", "role"}:
        raise Unfit("each member: an object with external_person_id and role expected")
    try:
        return {"external_person_id": external_id(value["external_person_id"]), "role": role(value["role"])}
    except Unfit as error:
        raise Unfit(f"each member: {error}") from error
