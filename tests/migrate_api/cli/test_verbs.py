"""Every verb is found by its name, and none is loaded before it is called."""

from __future__ import annotations

import subprocess
import sys

import pytest

from migrate_api.cli.verbs import VERBS, loaded

HEAVY = {"alembic", "dagster", "fastapi", "httpx", "polars", "pyarrow", "pyodbc", "sqlalchemy", "uvicorn"}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["improt"]], ids=" ".join)
def test_help_does_not_load_what_only_verbs_need(arguments: list[str]) -> None:
    code = "import sys, atexit; from migrate_api.cli import main; "
    code += f"atexit.register(lambda: print('loaded', *({HEAVY} & sys.modules.keys()))); main()"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1].split() == ["loaded"], done.stderr


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_loads_and_says_what_it_does(name: str) -> None:
    verb, words = loaded(name), VERBS[name][2]
    assert (verb.name, words[-1]) == (name, ".")
    assert verb.help
    assert verb.help.split()[0] == words.split()[0]


def test_help_lists_every_verb_with_its_words_whole() -> None:
    done = subprocess.run([sys.executable, "-m", "migrate_api.cli", "--help"], capture_output=True, text=True)
    assert [words for _, _, words in VERBS.values() if words not in done.stdout] == []


def test_a_slip_of_the_fingers_is_understood() -> None:
    done = subprocess.run([sys.executable, "-m", "migrate_api.cli", "improt"], capture_output=True, text=True)
    assert (done.returncode, "Did you mean 'import'?" in done.stderr) == (2, True)
