"""What is plainly right is taken as it is; what is not goes to typer, whose words are the same as ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from migrate_api.cli.plain_values import plainly

ANY = typer.Option()
OF_1_TO_32 = typer.Option(min=1, max=32)


@pytest.mark.parametrize(
    ("value", "kind", "rules", "found"),
    [
        ("text", str, ANY, "text"),
        ("", str, ANY, ""),
        ("16", int, OF_1_TO_32, 16),
        (4, int, OF_1_TO_32, 4),
        ("1.5", float, ANY, 1.5),
        (300.0, float, ANY, 300.0),
        ("no/such/path", Path, ANY, Path("no/such/path")),
        (Path("out"), Path, ANY, Path("out")),
    ],
)
def test_what_is_plainly_right_is_taken(value: Any, kind: Any, rules: Any, found: Any) -> None:
    taken = plainly(value, kind, rules)
    assert (taken, type(taken)) == (found, type(found))


@pytest.mark.parametrize(
    ("value", "kind", "rules"),
    [
        ("33", int, OF_1_TO_32),
        ("0", int, OF_1_TO_32),
        ("-1", int, ANY),
        ("١٦", int, ANY),
        ("1e3", float, ANY),
        ("nan", float, ANY),
        ("1", bool, ANY),
        (["a"], list[str], ANY),
        ("2026-01-01", Any, ANY),
        ("-", Path, typer.Option(allow_dash=True)),
        ("no/such/path", Path, typer.Option(exists=True)),
        ("x", str, typer.Option(parser=str.upper)),
    ],
)
def test_what_is_not_is_typers(value: Any, kind: Any, rules: Any) -> None:
    assert plainly(value, kind, rules) is None
