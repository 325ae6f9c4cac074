"""Planted faults, each named and nothing else."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from migrate_etl.verify.compare import COMPARED, compare, fields_that_differ

NO_CORRECTIONS = pl.DataFrame(schema={"id": pl.Int64, "cents": pl.Int64})


def expected(rows: int = 5, **columns: Any) -> pl.DataFrame:
    ids = list(range(1, rows + 1))
    frame = pl.DataFrame(
        {
            "id": ids,
            "skip": pl.Series([None] * rows, dtype=pl.String),
            "giving": True,
            "cents": [1000 * n for n in ids],
            "fund_id": 1,
            "day": date(2024, 3, 5),
            "person_id": ids,
            "batch_id": 7,
            "campus_id": pl.Series([None] * rows, dtype=pl.Int64),
            "method": "Cash",
            "transaction_id": ids,
            "year": pl.Series([2024] * rows, dtype=pl.Int32),
            "month": pl.Series([3] * rows, dtype=pl.Int8),
            "currency": "Cash",
            "refund": False,
        }
    ).with_columns(**{name: pl.Series(values) for name, values in columns.items()})
    return frame.with_columns(why=pl.col("skip"))


def mission(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(pl.col("why").is_null()).select("id", *COMPARED)


def changed(frame: pl.DataFrame, id: int, **values: Any) -> pl.DataFrame:
    here = pl.col("id") == id
    return frame.with_columns(
        pl.when(here).then(pl.lit(value)).otherwise(pl.col(name)).cast(frame.schema[name]).alias(name)
        for name, value in values.items()
    )


def named(
    rock: pl.DataFrame, actual: pl.DataFrame, corrections: pl.DataFrame = NO_CORRECTIONS
) -> list[tuple[Any, ...]]:
    found = compare(rock, actual, corrections).differences.sort("id", "kind")
    return found.select("id", "kind", fields_that_differ()).rows()


def test_equal_sides_have_no_differences() -> None:
    assert named(expected(), mission(expected())) == []


def test_a_missing_record_is_named() -> None:
    assert named(expected(), mission(expected()).filter(pl.col("id") != 3)) == [(3, "missing", "")]


def test_a_record_that_rock_lacks_is_extra() -> None:
    assert named(expected(4), mission(expected(5))) == [(5, "extra", "")]


def test_a_cent_is_seen() -> None:
    assert named(expected(), changed(mission(expected()), 2, cents=2001)) == [(2, "altered", "amount")]


def test_a_moved_fund_is_seen_though_no_cent_is_missing() -> None:
    assert named(expected(), changed(mission(expected()), 2, fund_id=9)) == [(2, "altered", "fund")]


def test_two_errors_that_cancel_out_are_two_differences() -> None:
    actual = changed(changed(mission(expected()), 1, cents=1500), 2, cents=1500)
    assert named(expected(), actual) == [(1, "altered", "amount"), (2, "altered", "amount")]


def test_of_two_copies_the_stranger_is_the_second() -> None:
    actual = mission(expected())
    doubled = pl.concat([changed(actual.head(1), 1, cents=5), actual])
    found = compare(expected(), doubled, NO_CORRECTIONS).differences
    assert found.select("id", "kind", "mission_cents").rows() == [(1, "duplicated", 5)]


def test_a_null_on_one_side_is_a_difference() -> None:
    actual = mission(expected()).with_columns(batch_id=pl.lit(None, pl.Int64))
    assert {kind for _, kind, _ in named(expected(), actual)} == {"altered"}


def test_a_skipped_record_that_is_absent_is_left_out() -> None:
    rock = expected(skip=[None, "queued", None, None, None])
    result = compare(rock, mission(rock), NO_CORRECTIONS)
    assert (result.differences.height, result.left_out["id"].to_list()) == (0, [2])


def test_a_skipped_record_from_an_earlier_run_is_no_difference() -> None:
    rock = expected(skip=[None, "outside_date_range", None, None, None])
    result = compare(rock, mission(expected()), NO_CORRECTIONS)
    assert (result.differences.height, result.left_out.height) == (0, 0)


def test_a_rejected_record_that_is_absent_is_rejected() -> None:
    rock = changed(expected(), 4, why="rejected")
    assert named(rock, mission(rock)) == [(4, "rejected", "")]


def test_a_correction_that_arrived_is_corrected() -> None:
    corrections = pl.DataFrame({"id": [2], "cents": [2500]})
    result = compare(expected(), changed(mission(expected()), 2, cents=2500), corrections).differences
    assert result.select("kind", "cents", "corrected_cents", "mission_cents").rows() == [
        ("corrected", 2000, 2500, 2500)
    ]


def test_a_correction_that_a_later_import_replaced_is_no_difference() -> None:
    corrections = pl.DataFrame({"id": [2], "cents": [2500]})
    assert named(expected(), mission(expected()), corrections) == []


def test_a_corrected_record_that_mission_refused_before_is_corrected() -> None:
    corrections = pl.DataFrame({"id": [2], "cents": [2500]})
    rock = changed(expected(), 2, why="rejected")
    assert [kind for _, kind, _ in named(rock, changed(mission(expected()), 2, cents=2500), corrections)] == [
        "corrected"
    ]


def test_empty_sides_compare() -> None:
    rock = expected().head(0)
    assert compare(rock, mission(rock), NO_CORRECTIONS).differences.height == 0
