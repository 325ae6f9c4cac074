"""The tree of groups: parents that are not there, circles, depth."""

from __future__ import annotations

import polars as pl
import pytest

from migrate_etl.rock.groups import tree_of


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ({}, {}),
        ({1: None, 2: 1, 3: 2}, {1: (None, 0), 2: (1, 1), 3: (2, 2)}),
        ({3: 2, 2: 1, 1: None}, {1: (None, 0), 2: (1, 1), 3: (2, 2)}),
        ({1: 1}, {1: (None, 0)}),
        ({3: 1, 1: 2, 2: 3}, {1: (None, 0), 3: (1, 1), 2: (3, 2)}),
        ({1: 5, 5: 4, 4: 5}, {1: (5, 2), 4: (None, 0), 5: (4, 1)}),
        ({2: 7}, {2: (None, 0)}),
    ],
)
def test_parents_stand_above(edges: dict[int, int | None], expected: dict[int, tuple[int | None, int]]) -> None:
    frame = pl.DataFrame(list(edges.items()), schema={"id": pl.Int64, "parent_id": pl.Int64}, orient="row")
    tree = tree_of(frame)
    assert {group: (parent, depth) for group, parent, _, _, depth in tree.rows()} == expected


def test_what_was_cut_and_what_was_lost_are_told_apart() -> None:
    tree = tree_of(pl.DataFrame({"id": [1, 2, 3], "parent_id": [2, 1, 9]}))
    assert tree.filter("cut_cycle")["group_id"].to_list() == [1]
    assert tree.filter("lost_parent")["group_id"].to_list() == [3]


def test_a_deep_tree_needs_no_deep_calls() -> None:
    tree = tree_of(pl.DataFrame({"id": range(1, 20_001), "parent_id": range(2, 20_002)}))
    assert tree["depth"].max() == 19_999
