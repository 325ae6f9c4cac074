"""Settings that were not understood, in our words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrate_api.cli.known_settings import SETTINGS
from migrate_transfer.core.errors import InvalidRequest

if TYPE_CHECKING:
    from pydantic import ValidationError


def invalid(error: ValidationError) -> InvalidRequest:
    """pydantic's complaints in our words; the values are left out, for one may be a secret."""
    said = "; ".join(
        f"{_named(found['loc'])}: {_wrong(found['type'], found['msg'], found['loc'])}" for found in error.errors()
    )
    return InvalidRequest(f"{said}.", remedy="Correct the named settings; `migrate import --help` describes them.")


def _wrong(kind: str, message: str, place: tuple[int | str, ...]) -> str:
    """The form that the setting has, where pydantic would speak of tuples and patterns."""
    forms = {s.key: s.form for s in SETTINGS if s.form}
    form = forms.get(str(place[0])) if place and kind not in ("value_error", "literal_error") else None
    return f"give {form}" if form else message.removeprefix("Value error, ")


def _named(place: tuple[int | str, ...]) -> str:
    """The flag, where the setting has one."""
    first = str(place[0]) if place else "settings"
    flags = {s.key: s.flag for s in SETTINGS if s.flag} | {"mission_url": "--mission-url"}
    return flags.get(first) or ".".join(str(part) for part in place if part != "[key]") or first
