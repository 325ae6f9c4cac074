"""Which records of an entity are in Mission, by id."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from migrate_etl.verify.presence import Presence, presence
from tests.migrate_etl.verify.books import write


def seen(folder: Path, ids: list[int | None], away: tuple[int, ...] = ()) -> Presence:
    rock = pl.DataFrame(
        {"id": [1, 2, 3, 4], "skip": [None, None, None, "archived"]}, schema={"id": pl.Int64, "skip": pl.String}
    )
    mission = pl.DataFrame(
        {"id": ids, "external_id": [str(id) for id in ids]}, schema={"id": pl.Int64, "external_id": pl.String}
    )
    gone = pl.Series("id", list(away), dtype=pl.Int64)
    return presence(
        [write(folder / "m", rock)],
        write(folder / "r", mission),
        gone,
        folder / "scratch",
        known=lambda ids: ids == 9,
    )


def test_all_are_there(tmp_path: Path) -> None:
    assert seen(tmp_path, [3, 1, 2]) == Presence(3, 3, 0, (), 0, (), 0, 0)


def test_missing_doubled_kept_and_foreign_are_told_apart(tmp_path: Path) -> None:
    assert seen(tmp_path, [1, 2, 2, 4, 9, None]) == Presence(3, 2, 1, (3,), 1, (2,), 2, 1)


def test_what_neither_rock_nor_an_earlier_run_knows_is_named(tmp_path: Path) -> None:
    found = seen(tmp_path, [1, 2, 3, 4, 9, 77, 78])
    assert (found.kept, found.extra_count, found.extra) == (2, 2, (77, 78))


def test_a_failed_record_is_not_expected(tmp_path: Path) -> None:
    found = seen(tmp_path, [1, 2], away=(3,))
    assert (found.expected, found.missing_count) == (2, 0)
