"""Values of the command line that are plainly right: taken as they are, without pydantic, which typer asks otherwise
and whose import is a quarter of the time that a copy takes to start. All others, and every complaint, are typer's.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

WHOLE, DECIMAL = re.compile(r"[0-9]{1,9}", re.ASCII), re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)


class Plain:
    """Stands where typer keeps what reads a parameter's values."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        known = param.type_descriptor
        found = plainly(value, known.annotation, known.parameter_info)
        if found is not None:
            return found
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


class PlainFirst:
    """A command of typer whose values are looked at so, before typer looks."""

    def get_params(self, ctx: Any) -> list[Any]:
        found: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for one in found:
            one._runtime_param = one._runtime_param or Plain()
        return found


def plainly(value: Any, kind: Any, rules: Any) -> Any:
    """The value as `kind`; None where it has to be looked at. `rules`: what typer was told of the parameter."""
    if rules.parser is not None or not isinstance(value, str | int | float | Path):
        return None
    if kind is str and isinstance(value, str):
        return value
    if kind is Path:
        return _path(Path(value)) if isinstance(value, str | Path) and not _particular(rules) else None
    if kind in (int, float):
        return _number(value, kind, rules)
    return None


def _number(value: Any, kind: Any, rules: Any) -> Any:
    if isinstance(value, str):
        if not (WHOLE if kind is int else DECIMAL).fullmatch(value):
            return None
        value = kind(value)
    low, high = rules.min, rules.max
    fits = type(value) is kind and (low is None or low <= value) and (high is None or value <= high)
    return value if fits else None


def _particular(rules: Any) -> bool:
    """Whether it matters what lies there."""
    return bool(rules.exists or rules.writable or rules.resolve_path or rules.allow_dash or rules.path_type) or not (
        rules.file_okay and rules.dir_okay
    )


def _path(path: Path) -> Path | None:
    return path if not os.path.lexists(path) or os.access(path, os.R_OK) else None
