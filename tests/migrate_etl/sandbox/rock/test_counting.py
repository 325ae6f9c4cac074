"""The truth: counted by SQL, and once more by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from migrate_etl.sandbox.rock import Truth, make_sample, truth_of
from tests.conftest import Postgres
from tests.migrate_etl.sandbox.rock.by_hand import count_by_hand

FILTERS = [
    ((), None),
    ((1,), None),
    ((2,), date(2024, 3, 10)),
    ((1, 2), date(2025, 12, 31)),
    ((), date(2026, 1, 1)),
    ((99,), None),
]


@pytest.mark.parametrize(("campuses", "start"), FILTERS)
def test_sql_and_plain_python_count_alike(
    sample: tuple[Path, Truth], campuses: tuple[int, ...], start: date | None
) -> None:
    by_sql = truth_of(sample[0], campuses, start)
    assert by_sql == count_by_hand(f"sqlite:///{sample[0]}", campuses, start)


@pytest.mark.parametrize("release", ["v8", "v9", "v12"])
def test_older_releases_are_counted_too(tmp_path: Path, release: str) -> None:
    path = tmp_path / "rock.sqlite"
    make_sample(path, 40, 5, release=release)
    assert truth_of(path, (1,)) == count_by_hand(f"sqlite:///{path}", (1,), None)


def test_postgres_and_sqlite_hold_the_same_church(sample: tuple[Path, Truth], postgres: Postgres) -> None:
    url = postgres.create("rock_sample")
    made = make_sample(url, 120, 3)
    assert made == sample[1]
    assert truth_of(url, (2,), date(2024, 3, 10)) == truth_of(sample[0], (2,), date(2024, 3, 10))


def test_the_parts_add_up(sample: tuple[Path, Truth]) -> None:
    truth = truth_of(sample[0], (1,), date(2025, 1, 1))
    for entity, discovered in truth.discovered.items():
        assert discovered == truth.loaded[entity] + truth.skipped[entity].total()
    left_out = sum((money for rule, money in truth.by_rule.items() if rule != "transaction_type"), Decimal(0))
    assert truth.all_time == truth.in_scope + left_out
    assert sum(truth.cell_counts.values()) == truth.loaded["contributions"]


def test_the_truth_is_written_beside_the_database(sample: tuple[Path, Truth]) -> None:
    path, truth = sample
    assert Truth.read(path.with_name("rock.truth.json")) == truth
