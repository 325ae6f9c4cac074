"""The TOML file with settings: read, checked for names that nobody knows, and looked at for who may read it."""

from __future__ import annotations

import difflib
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from migrate_api.cli.known_settings import BY_PLACE, SETTINGS, Place, keys_of
from migrate_api.cli.output import console
from migrate_transfer.core.errors import InvalidRequest


def read_config(path: Path) -> dict[Place, Any]:
    """The file's settings. Raises InvalidRequest for a file that cannot be read, is no TOML or says unknown things."""
    found: dict[Place, Any] = {}
    for section, keys in _content(path).items():
        _require_known(section, list(dict.fromkeys(s.section for s in SETTINGS)), f"section [{section}]")
        if not isinstance(keys, dict):
            raise InvalidRequest(
                f"In the config file {section} must be a section.", remedy=f"Write [{section}] with its keys below."
            )
        for key, value in keys.items():
            _require_known(key, keys_of(section), f"key {section}.{key}")
            _require_text(section, key, value)
            found[section, key] = value
    if any(BY_PLACE[place].kind == "secret" for place in found):
        _warn_of_readers(path)
    return found


def _content(path: Path) -> dict[str, Any]:
    import tomllib  # most commands have no file of settings

    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise InvalidRequest(
            f"Cannot read {path}: {error.strerror}.", remedy="Give --config an existing file."
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{path} is not written in UTF-8.", remedy="Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"{path} is no valid TOML: {error}.", remedy="Correct the file.") from error


def _require_known(name: str, names: Sequence[str], what: str) -> None:
    if name not in names:
        raise InvalidRequest(
            f"The config file has an unknown {what}.", code="UNKNOWN_SETTING", remedy=near(name, names)
        )


def _require_text(section: str, key: str, value: object) -> None:
    """A secret is handed on as it stands: nothing later would say that it is a number or a list."""
    if BY_PLACE[section, key].kind == "secret" and not isinstance(value, str):
        raise InvalidRequest(f"In the config file {section}.{key} must be a text.", remedy="Put it in quotes.")


def near(name: str, names: Sequence[str]) -> str:
    """What was perhaps meant."""
    found = difflib.get_close_matches(name, names, n=1)
    return f"Did you mean {found[0]}?" if found else f"Known are: {', '.join(names)}."


def _warn_of_readers(path: Path) -> None:
    """On Windows the mode says nothing about readers, and is never one of others."""
    if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        console().print(f"Warning: {path} holds secrets and others may read it: chmod 600 {path}")
