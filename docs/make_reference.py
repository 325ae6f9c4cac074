"""Prints docs/reference.md: the tables of the operator guide that follow from the code. `make docs` writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from checks.rules import RULES
from migrate_api.cli.errors import EXIT_CODES, exit_code
from migrate_api.cli.known_settings import SETTINGS, Setting
from migrate_etl.rock.failures import ADVICE
from migrate_transfer.core.errors import MigrateError

HEAD = """# Reference

Written by `make docs` from the code; a test holds it up to date. How to use it stands in the
[operator guide](operator-guide.md).
"""


def page() -> Iterator[str]:
    """The page, part by part."""
    yield HEAD
    yield section("Exit codes", ("code", "meaning"), ((str(code), words) for code, words in EXIT_CODES.items()))
    yield section("Settings", ("in the file", "environment", "flag", "what it says"), map(setting, SETTINGS))
    yield section("Rock connections", ("code", "what is wrong", "what to do"), connections())
    yield section("Kinds of error", ("code", "exit code", "what it is", "what to do"), kinds())
    yield section("Rules on records", ("rule", "what it says of a record", "gravity", "whose", "what to do"), rules())


def section(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join([f"## {title}", "", *(f"| {' | '.join(map(cell, line))} |" for line in lines), ""])


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def setting(one: Setting) -> tuple[str, ...]:
    flag = "never" if one.kind == "secret" else f"`{one.flag}`" if one.flag else "–"
    more = {"list": " May be repeated; in the environment with commas.", "switch": " `true` or `false`."}
    where = f"`[{one.section}] {one.key}`"
    return where, f"`{one.variable}`" if one.variable else "–", flag, one.what + more.get(one.kind, "")


def connections() -> Iterator[tuple[str, ...]]:
    for code, advice in ADVICE.items():
        yield f"`{code}`", advice.message, advice.remedy


def kinds(kind: type[MigrateError] = MigrateError) -> Iterator[tuple[str, ...]]:
    """The error tree from its root down. Many errors carry a code of their own; the class decides the exit code."""
    for below in kind.__subclasses__():
        words = (below.__doc__ or "").strip().split("\n\n")[0]
        yield f"`{below.code}`", str(exit_code(below("x"))), words, below.default_remedy
        yield from kinds(below)


def rules() -> Iterator[tuple[str, ...]]:
    for rule in RULES.values():
        yield f"`{rule.name}`", rule.title, rule.severity, rule.owner, rule.remedy


if __name__ == "__main__":
    print("\n".join(page()), end="")
