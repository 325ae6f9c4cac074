"""The settings of an import: what they make of a job, and its secrets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from migrate_api.cli.complaints import invalid
from migrate_api.cli.known_settings import BY_PLACE, Place
from migrate_api.cli.output import console
from migrate_api.cli.settings import MISSION_KEY, ROCK_CONNECTION, Settings
from migrate_etl.spec import ImportSecrets, RockImportSpec
from migrate_transfer.core.errors import InvalidRequest


class ImportSettings(Settings):
    """Settings of which an import can be made."""

    def spec(self) -> RockImportSpec:
        """The job's specification, as of today. Raises InvalidRequest for what is missing or not understood."""
        missing = [BY_PLACE["mission", key] for key in ("url", "organization") if not self.values.get(("mission", key))]
        if missing:
            flags, variables = (", ".join(str(getattr(one, n)) for one in missing) for n in ("flag", "variable"))
            raise InvalidRequest(
                f"Missing: {flags}.",
                code="SETTING_MISSING",
                remedy=f"Give what is missing as a flag, in the environment ({variables}) or in a file (--config).",
            )
        given = {key: value for (section, key), value in self.values.items() if section == "import"}
        mission = {"mission_url": self.values["mission", "url"], "organization": self.values["mission", "organization"]}
        spec = _validated({"job_id": "unnamed", "started_on": date.max, **given, **mission})
        if "time_zone" not in given:
            console().print("No --time-zone given: dates go to Mission with the offset of UTC.")
        today = datetime.now(ZoneInfo(spec.time_zone)).date()
        job_id = given.get("job_id") or f"import-{today:%Y%m%d}"
        return _validated({**spec.model_dump(), "started_on": today, "job_id": job_id})

    @property
    def job_name(self) -> str | None:
        return self.values.get(("import", "job_id"))

    def rock_connection(self) -> str:
        """Raises InvalidRequest when it is not given."""
        return self._secret(ROCK_CONNECTION)

    def secrets(self, *, rock: bool = True, mission: bool = True) -> ImportSecrets:
        """The secrets a command needs; one it does not need may be missing. Raises InvalidRequest."""
        return ImportSecrets.model_validate(
            {
                "rock_connection": self._secret(ROCK_CONNECTION) if rock else "",
                "mission_key": self._secret(MISSION_KEY) if mission else "",
            }
        )

    def _secret(self, place: Place) -> str:
        value = self.values.get(place)
        if not value:
            known = BY_PLACE[place]
            raise InvalidRequest(
                f"Missing: {known.what[0].lower()}{known.what[1:]}",
                code="SECRET_MISSING",
                remedy=f"Set {known.variable}, put {'.'.join(place)} into the config file, or pipe it in: --secrets -.",
            )
        return str(value)


def _validated(given: Mapping[str, Any]) -> RockImportSpec:
    try:
        return RockImportSpec.model_validate(given)
    except ValidationError as error:
        raise invalid(error) from None
