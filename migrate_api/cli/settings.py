"""Where a command's settings come from: flags, then standard input, then the environment, then one TOML file.

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
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from migrate_api.cli.config_file import near, read_config
from migrate_api.cli.known_settings import OTHER_VARIABLES, SETTINGS, Place
from migrate_api.cli.output import console
from migrate_transfer.core.errors import InvalidRequest

ROCK_CONNECTION, MISSION_KEY = ("rock", "connection"), ("mission", "key")
NAMES_OF_SECRETS: Mapping[str, Place] = {
    "rock_connection": ROCK_CONNECTION,
    "mission_key": MISSION_KEY,
    "MIGRATE_ROCK_CONNECTION": ROCK_CONNECTION,
    "MIGRATE_MISSION_KEY": MISSION_KEY,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that was said, by section and key. No repr: it may hold secrets."""

    values: Mapping[Place, Any]

    def __repr__(self) -> str:
        return f"Settings({', '.join('.'.join(place) for place in self.values)})"

    @classmethod
    def gather(cls, config: Path | None, secrets: str | None, flags: Mapping[Place, Any]) -> Self:
        """The first of flags, standard input, environment and file wins. Raises InvalidRequest for what is unknown."""
        values: dict[Place, Any] = {}
        if config is not None:
            values.update(read_config(config))
        values.update(_from_environment(os.environ))
        if secrets is not None:
            values.update(_from_stdin(secrets))
        values.update({place: value for place, value in flags.items() if value not in (None, False, (), [])})
        return cls(values)


def _from_environment(environment: Mapping[str, str]) -> dict[Place, Any]:
    """An unknown name is only warned of: the variable may be somebody else's."""
    variables = {str(setting.variable): setting for setting in SETTINGS if setting.variable}
    known = [*variables, *OTHER_VARIABLES]
    for name in sorted(name for name in environment if name.startswith("MIGRATE_") and name not in known):
        console().print(f"Warning: the environment variable {name} is not known. {near(name, known)}")
    given = ((setting, environment[name]) for name, setting in variables.items() if environment.get(name))
    return {setting.place: _parts(text) if setting.kind == "list" else text for setting, text in given}


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _from_stdin(source: str) -> dict[Place, str]:
    if source != "-":
        raise InvalidRequest("--secrets takes only `-`, standard input.", remedy="Pipe the secrets in.")
    if sys.stdin is None:
        return secrets_in("")
    if sys.stdin.isatty():
        console().print("Type the connection string, then the integration key, each on a line; end with Ctrl-D.")
    try:
        return secrets_in(sys.stdin.read().removeprefix("\ufeff"))
    except UnicodeDecodeError:
        return secrets_in("")


def secrets_in(text: str) -> dict[Place, str]:
    """The secrets of `{"rock_connection": …, "mission_key": …}`, of `NAME=value` lines, or of one secret a line in that
    order. Raises InvalidRequest, which repeats none of it."""
    pairs = _as_json(text) if text.lstrip().startswith(("{", "[")) else _as_lines(text)
    if not pairs or not set(pairs) <= set(NAMES_OF_SECRETS) or not all(isinstance(one, str) for one in pairs.values()):
        raise InvalidRequest(
            "Standard input holds no secrets that are understood.",
            code="SECRETS_NOT_UNDERSTOOD",
            remedy='Give {"rock_connection": "…", "mission_key": "…"}, NAME=value lines, or one secret a line.',
        )
    return {NAMES_OF_SECRETS[name]: value for name, value in pairs.items()}


def _as_json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _as_lines(text: str) -> dict[str, Any]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line.partition("=") for line in lines]
    if all(name.strip() in NAMES_OF_SECRETS for name, _, _ in named):
        return {name.strip(): value.strip() for name, _, value in named}
    return dict(zip(("rock_connection", "mission_key"), lines, strict=False)) if len(lines) <= 2 else {}
