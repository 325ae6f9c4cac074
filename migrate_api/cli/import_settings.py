"""The settings of an import as its specification and its secrets, and what pydantic says of them in our words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from migrate_api.cli.known_settings import BY_PLACE, SETTINGS
from migrate_api.cli.output import console
from migrate_api.cli.settings import MISSION_KEY, ROCK_CONNECTION, Settings
from migrate_etl.spec import ImportSecrets, RockImportSpec
from migrate_transfer.core.errors import InvalidRequest


def spec_of(settings: Settings) -> RockImportSpec:
    """The job's specification, as of today. Raises InvalidRequest for what is missing or not understood."""
    missing = [BY_PLACE["mission", key] for key in ("url", "organization") if not settings.values.get(("mission", key))]
    if missing:
        flags, variables = (", ".join(str(getattr(one, n)) for one in missing) for n in ("flag", "variable"))
        raise InvalidRequest(
            f"Missing: {flags}.",
            code="SETTING_MISSING",
            remedy=f"Give what is missing as a flag, in the environment ({variables}) or in a file (--config).",
        )
    given = {key: value for (section, key), value in settings.values.items() if section == "import"}
    mission = {
        "mission_url": settings.values["mission", "url"],
        "organization": settings.values["mission", "organization"],
    }
    spec = _validated({"job_id": "unnamed", "started_on": date.max, **given, **mission})
    if "time_zone" not in given:
        console.print("No --time-zone given: dates go to Mission with the offset of UTC.")
    today = datetime.now(ZoneInfo(spec.time_zone)).date()
    job_id = given.get("job_id") or f"import-{today:%Y%m%d}"
    return _validated({**spec.model_dump(), "started_on": today, "job_id": job_id})


def secrets_of(settings: Settings, *, rock: bool = True, mission: bool = True) -> ImportSecrets:
    """The secrets a command needs; one it does not need may be missing. Raises InvalidRequest."""
    return ImportSecrets.model_validate(
        {
            "rock_connection": settings.secret(ROCK_CONNECTION) if rock else "",
            "mission_key": settings.secret(MISSION_KEY) if mission else "",
        }
    )


def _validated(given: Mapping[str, Any]) -> RockImportSpec:
    try:
        return RockImportSpec.model_validate(given)
    except ValidationError as error:
        raise invalid(error) from None


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
