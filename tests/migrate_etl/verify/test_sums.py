"""Sums that do not fit into memory are the same sums."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from migrate_etl.verify.sums import SpilledSums

SCHEMA = {"fund": pl.Int64, "word": pl.String, "cents": pl.Int64}


def frame(*rows: tuple[int | None, str | None, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def merged(sums: SpilledSums) -> list[tuple[object, ...]]:
    return [row for part in sums.merged() for row in part.rows()]


def test_what_lies_on_disk_is_added_to_what_is_in_memory(tmp_path: Path) -> None:
    sums = SpilledSums(["fund", "word"], ["cents"], tmp_path, kept_rows=2)
    sums.add(frame((3, "a", 1), (1, "b", 2), (2, None, 3)))
    sums.add(frame((1, "b", 5), (2, None, 6)))
    assert list(tmp_path.iterdir())
    assert merged(sums) == [(1, "b", 7), (2, None, 9), (3, "a", 1)]


def test_few_cells_of_many_rows_stay_in_memory(tmp_path: Path) -> None:
    sums = SpilledSums(["fund", "word"], ["cents"], tmp_path, kept_rows=4)
    for _ in range(10):
        sums.add(frame((1, "a", 1), (None, "a", 2)))
    assert (list(tmp_path.iterdir()), merged(sums)) == ([], [(1, "a", 10), (None, "a", 20)])


def test_more_may_be_added_after_merging(tmp_path: Path) -> None:
    sums = SpilledSums(["fund", "word"], ["cents"], tmp_path, kept_rows=1)
    sums.add(frame((1, "a", 1), (2, "a", 1)))
    merged(sums)
    sums.add(frame((2, "a", -1)))
    assert merged(sums) == [(1, "a", 1), (2, "a", 0)]


def test_nothing_added_gives_nothing(tmp_path: Path) -> None:
    assert merged(SpilledSums(["fund", "word"], ["cents"], tmp_path)) == []
