"""The map stage: how much is mapped at once."""

from __future__ import annotations

import polars as pl

from migrate_etl.entities import ENTITIES
from migrate_etl.mapping import PIECE_ROWS, pieces

GROUPS = ENTITIES["groups"]


def groups(*members: int | None) -> pl.DataFrame:
    """Groups with so many members each."""
    counts = pl.DataFrame({"id": range(len(members)), "count": members}, schema={"id": pl.Int64, "count": pl.Int64})
    lists = pl.when(pl.col("count").is_not_null()).then(pl.int_ranges(0, pl.col("count").fill_null(0)))
    return counts.select("id", lists.alias("members"))


def sizes(chunk: pl.DataFrame) -> list[list[int]]:
    return [piece["id"].to_list() for piece in pieces(chunk, GROUPS)]


def test_few_members_are_mapped_with_the_whole_chunk() -> None:
    assert sizes(groups(1, None, 0, 2)) == [[0, 1, 2, 3]]


def test_many_members_divide_the_chunk_in_its_order() -> None:
    assert sizes(groups(5, PIECE_ROWS, None, 7)) == [[0], [1, 2, 3]]


def test_an_empty_chunk_is_mapped_for_its_schema() -> None:
    assert sizes(groups()) == [[]]


def test_what_has_no_children_is_mapped_as_it_was_read() -> None:
    chunk = groups(*[0] * 10).drop("members")
    assert [piece.height for piece in pieces(chunk, ENTITIES["attendance"])] == [10]
