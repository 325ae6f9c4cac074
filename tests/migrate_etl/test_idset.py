"""Millions of ids, a bit each; ids far apart as they are."""

from __future__ import annotations

import polars as pl
import pytest

from migrate_etl.idset import ROOM, IdSet


def ids(*values: int | None) -> pl.Series:
    return pl.Series(values, dtype=pl.Int64)


@pytest.mark.parametrize("high", [40, 2 * ROOM])
def test_a_set_has_what_was_put_in(high: int) -> None:
    known = IdSet([ids(7, high), ids(-3, 7)], -3, high, 4)
    assert known.has(ids(-3, 7, high, 8, -4, high + 1, None)).to_list() == [True, True, True, *[False] * 4]


def test_an_empty_set_has_nothing() -> None:
    assert IdSet([], 0, 0, 0).has(ids(0, 1, None)).to_list() == [False, False, False]
