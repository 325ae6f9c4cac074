"""What a command prints: JSON for scripts on standard output, everything for people on standard error or as tables."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from importlib.metadata import version
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

console = Console(stderr=True)
"""For people: progress and messages."""

page = Console()
"""For people: results."""

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]


def wants_json() -> bool:
    """Whether the command line asks for JSON, asked before its options are parsed: errors must know too."""
    return "--json" in sys.argv


def write_json(value: Any) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, Decimal) else str(value)


def table(title: str, columns: list[str], rows: list[list[Any]], numbers_from: int = 1) -> None:
    """A table whose columns from `numbers_from` on are aligned to the right."""
    shown = Table(title=title, title_justify="left")
    for n, column in enumerate(columns):
        shown.add_column(column, justify="right" if n >= numbers_from else "left")
    for row in rows:
        shown.add_row(*("" if cell is None else str(cell) for cell in row))
    page.print(shown)


def version_callback(asked: bool) -> None:
    if asked:
        print(f"migrate {version('migrate')}")
        raise typer.Exit
