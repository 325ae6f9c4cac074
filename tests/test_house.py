"""The house rules that a machine can check: imports, errors, entities, rules, sizes, words.

A rule nobody checks is a wish.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from checks.contracts import NATIVE_RULES, Contract
from checks.rules import RULES
from migrate_etl.entities import ENTITIES
from migrate_etl.entity import Entity
from migrate_etl.spec import ENTITY_NAMES
from migrate_transfer.core import errors

ROOT = Path(__file__).parents[1]
PACKAGES = ("assets", "checks", "migrate_api", "migrate_etl", "migrate_transfer")
TABLES_OF_FACTS = {"checks/rules.py", "migrate_etl/rock/tables.py", "migrate_api/tables.py"}
"""Long because the thing is: lists of facts, no code to split."""
MIGRATIONS = "migrate_api/migrations/versions"
"""Written by a program, one function each."""

FORBIDDEN = re.compile(
    r"\bTODO\b|\bFIXME\b|\bXXX\b|NotImplementedError|unittest\.mock|monkeypatch\.setattr|time\.sleep"
    r"|pytest\.skip|mark\.skip|mark\.xfail|importorskip"
)
ALLOWED = {
    "migrate_etl/sandbox": ("time.sleep",),
    "tests/migrate_etl/sandbox/rock/test_sampledata.py": ("pytest.skip",),
    "tests/assets": ("time.sleep",),
    "bench": ("time.sleep",),
    "tests/test_house.py": ("TODO", "FIXME", "XXX", "NotImplementedError", "time.sleep", "importorskip", "pytest.skip"),
}


@cache
def sources(*folders: str) -> tuple[Path, ...]:
    return tuple(sorted(chain.from_iterable((ROOT / folder).rglob("*.py") for folder in folders)))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def place(path: Path, node: ast.AST | None = None) -> str:
    line = f":{node.lineno}" if isinstance(node, (ast.stmt, ast.expr, ast.excepthandler)) else ""
    return f"{path.relative_to(ROOT).as_posix()}{line}"


def nodes(kind: type[ast.AST] | tuple[type[ast.AST], ...], *folders: str) -> Iterator[tuple[Path, ast.AST]]:
    for path in sources(*folders):
        yield from ((path, node) for node in ast.walk(tree(path)) if isinstance(node, kind))


def strings(*folders: str) -> set[str]:
    """Every text that stands in the code of the folders."""
    return {
        node.value
        for _, node in nodes(ast.Constant, *folders)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def error_classes(kind: type[errors.MigrateError] = errors.MigrateError) -> Iterator[type[errors.MigrateError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from error_classes(below)


def test_imports_go_down_only() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_every_error_has_a_code_of_its_own_and_a_remedy() -> None:
    codes = [kind.__dict__["code"] for kind in error_classes()]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[A-Z]+(_[A-Z]+)*", code) for code in codes)
    assert all(kind.default_remedy.endswith(".") for kind in error_classes())


@pytest.mark.parametrize("kind", list(error_classes()), ids=lambda kind: kind.__name__)
def test_every_error_stands_in_the_drawing(kind: type[errors.MigrateError]) -> None:
    assert re.search(rf"\b{kind.__name__}\b", errors.__doc__ or "")


def test_errors_live_in_one_tree() -> None:
    names = {kind.__name__ for kind in error_classes()}
    elsewhere = [
        place(path, node)
        for path, node in nodes(ast.ClassDef, *PACKAGES)
        if isinstance(node, ast.ClassDef)
        and path != Path(errors.__file__)
        and any(isinstance(base, ast.Name) and base.id in names for base in node.bases)
    ]
    assert elsewhere == []


def test_codes_are_written_alike() -> None:
    given = [
        (place(path, node.value), node.value.value)
        for path, node in nodes(ast.keyword, *PACKAGES)
        if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant)
    ]
    assert [found for found in given if not re.fullmatch(r"[A-Z]+(_[A-Z]+)*", str(found[1]))] == []


def test_the_entities_stand_in_the_fixed_order() -> None:
    assert tuple(ENTITIES) == ENTITY_NAMES


@pytest.mark.parametrize("entity", list(ENTITIES.values()), ids=lambda entity: entity.name)
def test_every_entity_has_a_contract_on_both_sides(entity: Entity) -> None:
    assert entity.raw_contract.columns()
    assert set(entity.wire) == set(entity.wire_contract.columns())
    assert {entity.raw_contract.entity, entity.wire_contract.entity} == {entity.name}


@pytest.mark.parametrize("entity", list(ENTITIES.values()), ids=lambda entity: entity.name)
def test_every_check_of_a_contract_is_a_rule(entity: Entity) -> None:
    checks = {check.error for contract in (entity.raw_contract, entity.wire_contract) for check in all_checks(contract)}
    assert checks <= set(RULES)


def all_checks(contract: Contract) -> list[Any]:
    columns = contract.schema.columns.values()
    return [*contract.schema.checks, *chain.from_iterable(column.checks for column in columns)]


def test_every_rule_that_mapping_names_has_its_words() -> None:
    named = set(NATIVE_RULES.values()) | set(literals_of("finding", 2)) | set(rules_of_skips())
    assert named <= set(RULES)


def test_every_rule_is_used() -> None:
    assert set(RULES) <= strings("migrate_etl/entities", "migrate_etl/rock", "checks/schemas") | set(
        NATIVE_RULES.values()
    )


def literals_of(function: str, position: int) -> Iterator[str]:
    """Text arguments at a position of the calls of a function in the entities."""
    for _, node in nodes(ast.Call, "migrate_etl/entities"):
        assert isinstance(node, ast.Call)
        if isinstance(node.func, ast.Name) and node.func.id == function and len(node.args) > position:
            argument = node.args[position]
            if isinstance(argument, ast.Constant):
                yield str(argument.value)


def rules_of_skips() -> Iterator[str]:
    """What the functions named `_rule` and `campus_rule` answer with: `pl.lit("…")`."""
    for _, node in nodes(ast.FunctionDef, "migrate_etl/entities", "migrate_etl/rock"):
        assert isinstance(node, ast.FunctionDef)
        if node.name.endswith("_rule"):
            calls = (call for call in ast.walk(node) if isinstance(call, ast.Call))
            literals = (call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "lit")
            constants = (one for call in literals for one in call.args if isinstance(one, ast.Constant))
            yield from (one.value for one in constants if isinstance(one.value, str))


def test_every_rule_says_what_to_do() -> None:
    assert [name for name, rule in RULES.items() if not (rule.title.endswith(".") and rule.remedy.endswith("."))] == []
    assert [name for name, rule in RULES.items() if rule.name != name] == []


def test_no_words_that_mean_later_or_look_away() -> None:
    found = [
        f"{place(path)}: {hit[0]}"
        for path in sources(*PACKAGES, "tests", "bench")
        for hit in FORBIDDEN.finditer(path.read_text("utf-8"))
        if not allowed(place(path), hit[0])
    ]
    assert found == []


def allowed(where: str, word: str) -> bool:
    return any(where.startswith(start) and word in words for start, words in ALLOWED.items())


def test_only_a_runner_swallows_whatever_comes() -> None:
    """It happens where a job, a command or a timer ends; who tidies up and raises again swallows nothing."""
    handlers = (
        (path, node)
        for path, node in nodes(ast.ExceptHandler, *PACKAGES)
        if isinstance(node, ast.ExceptHandler) and catches_all(node) and not raises_again(node)
    )
    assert [place(path) for path, _ in handlers] == [
        "migrate_api/agent/loop.py",
        "migrate_api/agent/worker.py",
        "migrate_api/agent/worker.py",
        "migrate_api/cli/errors.py",
        "migrate_api/observability.py",
        "migrate_api/timers.py",
    ]


def catches_all(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or (
        isinstance(handler.type, ast.Name) and handler.type.id in ("Exception", "BaseException")
    )


def raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_money_never_becomes_a_float() -> None:
    calls = (
        (path, node)
        for path, node in nodes((ast.Call, ast.Attribute), "migrate_etl", "checks")
        if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float")
        or (isinstance(node, ast.Attribute) and node.attr in ("Float32", "Float64"))
    )
    assert [place(path, node) for path, node in calls] == []


def test_nothing_reads_the_environment_when_imported() -> None:
    found = [
        place(path, statement)
        for path in sources(*PACKAGES)
        for statement in tree(path).body
        if not isinstance(statement, (ast.FunctionDef, ast.ClassDef))
        and any(isinstance(node, ast.Attribute) and node.attr == "environ" for node in ast.walk(statement))
    ]
    assert found == []


def test_every_file_says_what_belongs_there() -> None:
    assert [place(path) for path in sources(*PACKAGES, "tests", "bench") if not ast.get_docstring(tree(path))] == []


def test_files_are_short() -> None:
    lengths = {place(path): len(path.read_text("utf-8").splitlines()) for path in sources(*PACKAGES, "tests", "bench")}
    assert [
        where
        for where, lines in lengths.items()
        if lines > 300 and where not in TABLES_OF_FACTS and not where.startswith(MIGRATIONS)
    ] == []


def test_functions_are_short() -> None:
    found = [
        f"{place(path, node)} {node.name}"
        for path, node in nodes(ast.FunctionDef, *PACKAGES, "tests", "bench")
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 40
    ]
    assert [where for where in found if not where.startswith(MIGRATIONS)] == []


def test_the_tables_of_the_docs_follow_the_code() -> None:
    """`make docs` writes them."""
    printed = subprocess.run([sys.executable, ROOT / "docs/make_reference.py"], capture_output=True, text=True)
    assert printed.stdout == (ROOT / "docs/reference.md").read_text("utf-8")
