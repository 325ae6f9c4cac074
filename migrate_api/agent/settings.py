"""What an agent is started with: a flag of the command first, then the environment, then its config file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from migrate_api.agent.home import HOME_VARIABLE
from migrate_transfer.core.errors import InvalidRequest, StorageError

API_URL = "https://api.theonemigrate.app"
URL_VARIABLE, KEY_VARIABLE, JOBS_VARIABLE = "MIGRATE_API_URL", "MIGRATE_AGENT_KEY", "MIGRATE_AGENT_JOBS"
JOBS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """`jobs`: how many are worked on at once; the others wait."""

    url: str
    key: SecretStr
    jobs: int = JOBS_AT_ONCE

    @classmethod
    def gather(cls, config: Path, environment: Mapping[str, str] = os.environ) -> AgentSettings:
        """Raises InvalidRequest where there is no key, or the file or the number cannot be understood."""
        said = read_config(config)
        key = environment.get(KEY_VARIABLE) or said.get("api.key")
        if not key:
            raise InvalidRequest(
                "The agent has no key.",
                code="AGENT_NOT_REGISTERED",
                remedy=f"Run migrate-agent --register CODE, or set {KEY_VARIABLE}, or write it to {config}.",
            )
        jobs = environment.get(JOBS_VARIABLE) or said.get("agent.jobs") or str(JOBS_AT_ONCE)
        if not jobs.isdigit() or not 1 <= int(jobs) <= 32:
            raise InvalidRequest(f"{JOBS_VARIABLE} is {jobs!r}.", remedy="Give a number from 1 to 32.")
        return cls(api_url(said, environment), SecretStr(key), int(jobs))


def overlaid(environment: Mapping[str, str], *, home: Path | None, url: str | None, jobs: int | None) -> dict[str, str]:
    """The environment, as if the flags that were given stood in it. There is none for the key: arguments are read by
    every user of a machine."""
    given = {
        HOME_VARIABLE: str(home.absolute()) if home else None,
        URL_VARIABLE: url,
        JOBS_VARIABLE: str(jobs) if jobs is not None else None,
    }
    return {**environment, **{name: value for name, value in given.items() if value is not None}}


def api_url(said: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> str:
    """Where the job API is."""
    return environment.get(URL_VARIABLE) or said.get("api.url") or API_URL


def read_config(file: Path) -> dict[str, str]:
    """`section.name` -> value of a config file: TOML, or INI with bare values as the documentation shows it. Nothing
    where there is no file. Raises StorageError, InvalidRequest; neither repeats the file's words."""
    try:
        text = file.read_text()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"Cannot read {file}.", remedy="Give the agent's user the right to read it.") from error
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return _bare(text, file)
    return {
        f"{section}.{name}": str(value)
        for section, pairs in parsed.items()
        if isinstance(pairs, dict)
        for name, value in pairs.items()
    }


def _bare(text: str, file: Path) -> dict[str, str]:
    found, section = {}, ""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip()
        if not words or words[0] in "#;":
            continue
        if words.startswith("[") and words.endswith("]"):
            section = words[1:-1].strip()
            continue
        name, equals, value = words.partition("=")
        if not equals:
            raise InvalidRequest(
                f"{file}, line {number}, is not understood.", remedy="Write lines like: url = https://…"
            )
        found[f"{section}.{name.strip()}"] = value.strip().strip("\"'")
    return found


def write_config(file: Path, url: str, key: str) -> None:
    """Write the config file anew, readable by its owner alone; other sections of it are kept out."""
    aside = file.with_name(f".{file.name}.new")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(f'[api]\nurl = "{url}"\nkey = "{key}"\n')
            out.flush()
            os.fsync(out.fileno())
        os.replace(aside, file)
    except OSError as error:
        raise StorageError(f"Cannot write {file}: {error.strerror}.") from error
