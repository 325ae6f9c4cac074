"""The settings of an import as options of a verb."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from migrate_api.cli.import_settings import ImportSettings
from migrate_api.cli.known_settings import SETTINGS, Setting
from migrate_api.cli.options import Config, Secrets


def with_settings(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb with a parameter `settings` the flags of every setting, `--config` and `--secrets` instead."""

    @wraps(verb)
    def command(config: Path | None, secrets: str | None, **given: Any) -> None:
        flags = {setting.place: given.pop(setting.key) for setting in SETTINGS if setting.flag}
        verb(settings=ImportSettings.gather(config, secrets, flags), **given)

    own = [one for one in inspect.signature(verb, eval_str=True).parameters.values() if one.name != "settings"]
    shared = [_parameter("config", Config), _parameter("secrets", Secrets)]
    parameters = [*own, *shared, *(_option(setting) for setting in SETTINGS if setting.flag)]
    command.__dict__["__signature__"] = inspect.Signature([one.replace(kind=_KEYWORD) for one in parameters])
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command


_KEYWORD = inspect.Parameter.KEYWORD_ONLY


def _option(setting: Setting) -> inspect.Parameter:
    kind: Any = {"list": list[str] | None, "switch": bool}.get(setting.kind, str | None)
    metavar = None if setting.kind == "switch" else setting.value
    option = typer.Option(setting.flag, help=setting.what, show_default=False, metavar=metavar)
    return _parameter(setting.key, Annotated[kind, option], False if setting.kind == "switch" else None)


def _parameter(name: str, annotation: Any, default: object = None) -> inspect.Parameter:
    return inspect.Parameter(name, _KEYWORD, default=default, annotation=annotation)
