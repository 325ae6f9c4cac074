"""Sample churches, made once a session: tests only read them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from migrate_etl.sandbox.rock import Rock, Truth, empty_rock, make_sample

Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """A small church with every kind of dirt, and the truth about it."""
    path = tmp_path_factory.mktemp("sample") / "rock.sqlite"
    return path, make_sample(path, 120, 3)


@pytest.fixture
def ask(sample: tuple[Path, Truth]) -> Iterator[Ask]:
    """Asks the small church by SQL."""
    connection = sqlite3.connect(sample[0])
    yield lambda statement: connection.execute(statement).fetchall()
    connection.close()


@pytest.fixture
def rock(tmp_path: Path) -> Iterator[Rock]:
    """An empty Rock at `tmp_path / "rock.sqlite"`."""
    with empty_rock(tmp_path / "rock.sqlite") as opened:
        yield opened
