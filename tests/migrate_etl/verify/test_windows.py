"""The two sides walk together whatever order their chunks are in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from migrate_etl.dataset import Dataset, DatasetWriter
from migrate_etl.verify.windows import OPEN_ROWS, Side, windows

COLUMNS = (pl.col("id"), pl.col("value"))


def dataset(folder: Path, ids: Sequence[int | None], chunk: int) -> Dataset:
    frame = pl.DataFrame({"id": ids, "value": list(range(len(ids)))}, schema={"id": pl.Int64, "value": pl.Int64})
    with DatasetWriter(folder) as writer:
        for piece in frame.iter_slices(chunk) if ids else [frame]:
            writer.write(piece)
        return writer.commit()


@pytest.mark.parametrize("step", [1, 7_919])
def test_every_row_comes_once_and_in_step(tmp_path: Path, step: int) -> None:
    rows = OPEN_ROWS + 401
    left = dataset(tmp_path / "a", list(range(rows)), 50_000)
    right = dataset(tmp_path / "b", [n * step % rows for n in range(rows)], 50_000)
    seen = 0
    for window in windows(Side(left.files(), COLUMNS), Side(right.files(), COLUMNS), tmp_path / "scratch"):
        assert window.left["id"].equals(window.right["id"])
        seen += window.left.height
    assert seen == rows


def test_values_stay_with_their_ids(tmp_path: Path) -> None:
    rows = OPEN_ROWS + 1
    ids = [n * 7_919 % rows for n in range(rows)]
    side = Side(dataset(tmp_path / "a", ids, 50_000).files(), COLUMNS)
    read = pl.concat([window.left for window in windows(side, None, tmp_path / "scratch")])
    assert read["id"].to_list() == sorted(ids)
    assert read.sort("value")["id"].to_list() == ids


def test_an_empty_side_gives_empty_frames(tmp_path: Path) -> None:
    left, right = dataset(tmp_path / "a", [1, 2], 10), dataset(tmp_path / "b", [], 10)
    found = list(windows(Side(left.files(), COLUMNS), Side(right.files(), COLUMNS), tmp_path / "scratch"))
    assert [(w.left.height, w.right.height, w.right.columns) for w in found] == [(2, 0, ["id", "value"])]


def test_rows_without_an_id_are_handed_over_once(tmp_path: Path) -> None:
    nameless: list[pl.DataFrame] = []
    side = Side(dataset(tmp_path / "a", [3, None, 1], 10).files(), COLUMNS, nameless.append)
    found = pl.concat([w.left for w in windows(side, None, tmp_path / "scratch")])
    assert (found["id"].to_list(), pl.concat(nameless)["value"].to_list()) == ([1, 3], [1])


def test_equal_ids_of_different_chunks_share_a_window(tmp_path: Path) -> None:
    side = Side(dataset(tmp_path / "a", [1, 2, 2, 3], 2).files(), COLUMNS)
    assert [w.left["id"].to_list() for w in windows(side, None, tmp_path / "s")] == [[1, 2, 2, 3]]
