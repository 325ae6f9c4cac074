"""What a command prints: results on standard output, for people or as JSON; progress and messages on standard error."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 200
"""Columns where the output is no terminal: nothing is cut off in a file or a pipe."""


@cache
def console() -> Console:
    """For people: progress and messages. What draws is loaded when something is drawn: scripts do without. It reads no
    orders in what it is given: a file's name may have words in brackets, or between colons."""
    from rich.console import Console

    return Console(stderr=True, width=None if sys.stderr and sys.stderr.isatty() else WIDE, markup=False, emoji=False)


@cache
def page() -> Console:
    """For people: results."""
    from rich.console import Console

    return Console(width=None if sys.stdout and sys.stdout.isatty() else WIDE, markup=False, emoji=False)


Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]


def wants(option: str) -> bool:
    """Whether the command line has the option, asked before it is parsed: errors of parsing must know too."""
    return option in sys.argv[1:]


def write_json(value: Any) -> None:
    """Readable where the output takes every letter; a file's name may hold bytes that are none."""
    text = json.dumps(value, indent=1, ensure_ascii=False, default=_plain)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=1, default=_plain)
    print(text, flush=True)


def _plain(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, Decimal) else str(value)


def table(title: str, columns: list[str], rows: list[list[Any]], numbers_from: int = 1) -> None:
    """A table whose columns from `numbers_from` on are aligned to the right."""
    from rich.table import Table

    shown = Table(title=title, title_justify="left")
    for n, column in enumerate(columns):
        shown.add_column(column, justify="right" if n >= numbers_from else "left")
    for row in rows:
        shown.add_row(*("" if cell is None else str(cell) for cell in row))
    page().print(shown)


def version_callback(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"migrate {version('migrate')}")
        raise typer.Exit
