"""Whether every record of an entity that should be in Mission is there, by id; for entities that carry no money."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

import polars as pl

from migrate_etl.dataset import Dataset
from migrate_etl.verify.windows import Side, windows

SAMPLE = 20


@dataclass(frozen=True, slots=True)
class Presence:
    """Ids on both sides. `missing`, `duplicated` and `extra` hold the first of them; `foreign` counts records that are
    not from Rock.

    `kept` counts records that Mission has of an earlier run, outside this job's scope or gone from Rock; `extra_count`
    those under an id of Rock's that neither Rock nor an earlier run knows.
    """

    expected: int
    present: int
    missing_count: int
    missing: tuple[int, ...]
    duplicated_count: int
    duplicated: tuple[int, ...]
    kept: int
    foreign: int
    extra_count: int = 0
    extra: tuple[int, ...] = ()


def presence(
    mapped: Sequence[Dataset],
    read_back: Dataset,
    away: pl.Series,
    scratch: Path,
    known: Callable[[pl.Series], pl.Series],
) -> Presence:
    """Compare mapped records with Mission's read-back (`id`, `external_id`) in bounded memory.

    `away` (Int64) are ids that the ledger calls failed or still pending; `known` says of ids whether an earlier run had
    them accepted. `scratch` is emptied afterwards.
    """
    foreign: list[int] = []
    left = Side([file for dataset in mapped for file in dataset.files()], (pl.col("id"), pl.col("skip")))
    right = Side(read_back.files(), (pl.col("id"),), lambda rows: foreign.append(rows.height))
    expected = present = total = 0
    missing, duplicated, extra = _Sample(), _Sample(), _Sample()
    for window in windows(left, right, scratch):
        due = window.left.filter(pl.col("skip").is_null()).select("id").unique()
        due = due.filter(~pl.col("id").is_in(away.implode())) if len(away) else due
        there = window.right.select("id").unique()
        twice = window.right.filter(pl.col("id").is_duplicated()).unique()["id"]
        gone = due.join(there, on="id", how="anti")["id"]
        expected, total = expected + due.height, total + there.height
        present += due.height - len(gone)
        missing.add(gone)
        duplicated.add(twice)
        strange = there.join(window.left.select("id"), on="id", how="anti")["id"]
        extra.add(strange.filter(~known(strange)) if len(strange) else strange)
    rmtree(scratch, ignore_errors=True)
    return Presence(
        expected, present, missing.count, tuple(missing.ids), duplicated.count, tuple(duplicated.ids),
        total - present - extra.count, sum(foreign), extra.count, tuple(extra.ids),
    )  # fmt: skip


class _Sample:
    """A count and the first few ids."""

    def __init__(self) -> None:
        self.count, self.ids = 0, list[int]()

    def add(self, ids: pl.Series) -> None:
        self.count += len(ids)
        self.ids.extend(ids.sort().head(SAMPLE - len(self.ids)).to_list())
