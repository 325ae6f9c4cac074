"""Where a command's settings come from: flags, then the environment, then one TOML file.

    [rock]
    connection = "Server=sql,1433;Database=RockRMS;User Id=reader;Password=…"
    [mission]
    url = "https://…"
    organization = "grace-church"
    key = "…"
    [import]
    time_zone = "America/Chicago"
    campus_ids = [1, 2]
    date_range_start = 2020-01-01

Secrets: MIGRATE_ROCK_CONNECTION and MIGRATE_MISSION_KEY, `rock.connection` and `mission.key` in the file, or standard
input (`--secrets -`), one JSON object or one `NAME=value` a line.
"""

from __future__ import annotations

import difflib
import json
import os
import stat
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from migrate_api.cli.output import console
from migrate_etl.spec import ImportSecrets, RockImportSpec
from migrate_transfer.core.errors import InvalidRequest

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "rock": ("connection",),
    "mission": ("url", "organization", "key"),
    "import": (
        "job_id",
        "entities",
        "campus_ids",
        "date_range_start",
        "time_zone",
        "include_group_types",
        "value_maps",
        "batch_size",
        "concurrency",
        "resend",
    ),
}
ENVIRONMENT = {
    "MIGRATE_MISSION_URL": ("mission", "url"),
    "MIGRATE_ORGANIZATION": ("mission", "organization"),
    "MIGRATE_TIME_ZONE": ("import", "time_zone"),
    "MIGRATE_CAMPUS_IDS": ("import", "campus_ids"),
    "MIGRATE_DATE_RANGE_START": ("import", "date_range_start"),
    "MIGRATE_ENTITIES": ("import", "entities"),
    "MIGRATE_ROCK_CONNECTION": ("rock", "connection"),
    "MIGRATE_MISSION_KEY": ("mission", "key"),
}
LISTS = ("campus_ids", "entities", "include_group_types")
SECRETS = {"rock_connection": ("rock", "connection"), "mission_key": ("mission", "key")}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that was said, by section and key."""

    values: Mapping[tuple[str, str], Any]

    @classmethod
    def gather(cls, config: Path | None, secrets: str | None, flags: Mapping[tuple[str, str], Any]) -> Settings:
        """Flags win over the environment, the environment over the file. Raises InvalidRequest for what is unknown."""
        values: dict[tuple[str, str], Any] = {}
        if config is not None:
            values.update(_from_file(config))
        values.update({place: os.environ[name] for name, place in ENVIRONMENT.items() if os.environ.get(name)})
        if secrets is not None:
            values.update(_from_stdin(secrets))
        values.update({place: value for place, value in flags.items() if value not in (None, (), [])})
        return cls({place: _listed(place[1], value) for place, value in values.items()})

    def spec(self) -> RockImportSpec:
        """The job's specification; raises pydantic's ValidationError or InvalidRequest for what is missing."""
        mission = {"url": "--mission-url", "organization": "--organization"}
        missing = [flag for key, flag in mission.items() if ("mission", key) not in self.values]
        if missing:
            raise InvalidRequest(
                f"Missing: {', '.join(missing)}.",
                remedy="Give the flags, MIGRATE_MISSION_URL and MIGRATE_ORGANIZATION, or a config file (--config).",
            )
        options = {key: value for (section, key), value in self.values.items() if section == "import"}
        if "time_zone" not in options:
            console.print("No --time-zone given: dates go to Mission with the offset of UTC.")
        zone = ZoneInfo(options["time_zone"]) if "time_zone" in options else UTC
        today = datetime.now(zone).date()
        given = {"job_id": f"import-{today:%Y%m%d}", "started_on": today, **options}
        return RockImportSpec.model_validate(
            {
                **given,
                "mission_url": self.values["mission", "url"],
                "organization": self.values["mission", "organization"],
            }
        )

    def rock_connection(self) -> str:
        return str(self._secret("rock_connection", "MIGRATE_ROCK_CONNECTION"))

    def secrets(self) -> ImportSecrets:
        return ImportSecrets.model_validate(
            {
                "rock_connection": self.rock_connection(),
                "mission_key": self._secret("mission_key", "MIGRATE_MISSION_KEY"),
            }
        )

    def _secret(self, name: str, variable: str) -> str:
        value = self.values.get(SECRETS[name])
        if not value:
            raise InvalidRequest(
                f"The secret {name} is not given.",
                code="SECRET_MISSING",
                remedy=f"Set {variable}, put it into the config file, or pipe it in with `--secrets -`.",
            )
        return str(value)


def _listed(key: str, value: Any) -> Any:
    if key in LISTS and isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _from_file(path: Path) -> dict[tuple[str, str], Any]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidRequest(
            f"Cannot read {path}: {error.strerror}.", remedy="Give --config an existing file."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path} is no valid TOML: {error}.", remedy="Correct the file.") from None
    found: dict[tuple[str, str], Any] = {}
    for section, keys in content.items():
        _known(section, SECTIONS, f"section [{section}]")
        if not isinstance(keys, dict):
            raise InvalidRequest(f"[{section}] must be a section.", remedy="Write it as [section] with keys below.")
        for key, value in keys.items():
            _known(key, SECTIONS[section], f"key {section}.{key}")
            found[section, key] = value
    if any(place in found for place in SECRETS.values()) and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        console.print(f"{path} holds secrets and others may read it: chmod 600 {path}", markup=False)
    return found


def _known(name: str, names: Any, what: str) -> None:
    if name not in names:
        near = difflib.get_close_matches(name, list(names), n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(names)}."
        raise InvalidRequest(f"The config file has an unknown {what}.", remedy=hint)


def _from_stdin(source: str) -> dict[tuple[str, str], Any]:
    if source != "-":
        raise InvalidRequest(
            "--secrets takes only `-` (standard input).",
            remedy="A secret on the command line could be seen by others: pipe it in.",
        )
    text = sys.stdin.read()
    try:
        pairs = json.loads(text)
    except json.JSONDecodeError:
        pairs = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    names = {**SECRETS, "MIGRATE_ROCK_CONNECTION": ("rock", "connection"), "MIGRATE_MISSION_KEY": ("mission", "key")}
    if not isinstance(pairs, dict) or not pairs or not set(pairs) <= set(names):
        raise InvalidRequest(
            "Standard input holds no secrets that are understood.",
            remedy='Give {"rock_connection": "…", "mission_key": "…"}, or a NAME=value a line.',
        )
    return {names[name]: value for name, value in pairs.items()}
