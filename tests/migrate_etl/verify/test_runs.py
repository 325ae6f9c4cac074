"""Sorted runs on disk: nothing is lost, everything comes in order, and a piece carries its own words alone."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from migrate_etl.verify.runs import PIECE_ROWS, Runs, write_pieces


def test_the_runs_are_merged_in_order_of_their_keys(tmp_path: Path) -> None:
    runs, ids = Runs(["id"], tmp_path / "runs"), pl.int_range(0, 3 * PIECE_ROWS, eager=True).alias("id")
    for third in range(3):
        runs.add(ids.filter(ids % 3 == third).shuffle(seed=third).to_frame())
    frames = [frame.sort("id") for frame in runs.merged()]
    assert len(frames) > 1
    assert pl.concat(frames)["id"].equals(ids)


def test_nulls_come_last_and_several_keys_count_in_turn(tmp_path: Path) -> None:
    rows = [(2, "b"), (1, None), (1, "b"), (None, "a"), (2, None)]
    runs = Runs(["n", "word"], tmp_path / "runs")
    for row in rows:
        runs.add(pl.DataFrame([row], schema={"n": pl.Int64, "word": pl.String}, orient="row"))
    merged = [row for frame in runs.merged() for row in frame.rows()]
    assert merged == [(1, "b"), (1, None), (2, "b"), (2, None), (None, "a")]


def test_a_run_in_memory_is_merged_with_those_on_disk(tmp_path: Path) -> None:
    runs = Runs(["id"], tmp_path / "runs")
    runs.add(pl.DataFrame({"id": [1, 3]}))
    frames = runs.merged(pl.DataFrame({"id": [2, 3, 4]}))
    assert [sorted(frame["id"]) for frame in frames] == [[1, 2, 3, 3], [4]]


def test_a_piece_does_not_carry_the_words_of_the_whole_run(tmp_path: Path) -> None:
    words = pl.DataFrame({"word": ["A currency with a long name"] * (8 * PIECE_ROWS)})
    pieces = write_pieces(words, tmp_path / "run.arrow")
    assert [piece.rows for piece in pieces] == [PIECE_ROWS] * 8
    assert (tmp_path / "run.arrow").stat().st_size < 1.5 * words.estimated_size()
