"""Extract: Rock rows into Parquet, in key order, in one pass over the table whatever the number of partitions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Select, and_, extract, or_

from migrate_etl.dataset import Dataset, DatasetWriter
from migrate_etl.entity import UNDATED, Child, Entity
from migrate_etl.plan import Plan
from migrate_etl.rock.database import RockDatabase
from migrate_etl.workspace import Workspace
from migrate_transfer.core.ahead import one_ahead
from migrate_transfer.core.control import Control

CHUNK_ROWS = 50_000
"""Rows a Parquet chunk holds: small enough that a chunk and all that is made of it stay below 100 MB."""

YEAR = "_year_key"

Progress = Callable[[str | None, int], None]
"""Called with partition and rows written so far."""


def extract_entity(
    workspace: Workspace,
    plan: Plan,
    entity: Entity,
    database: RockDatabase,
    control: Control,
    *,
    partitions: Sequence[str | None],
    progress: Progress = lambda partition, rows: None,
) -> list[Dataset]:
    """Extract the given partitions (`[None]` for an unpartitioned entity), one dataset each, in the order given.

    Datasets that are there already are kept: a resume does not read twice. Rows above the plan's high-water mark are
    left to a later job. Raises SourceError and what else `RockDatabase.pages` raises.
    """
    folders = {p: workspace.stage("extracted", entity.name, p) for p in partitions}
    todo = [p for p, folder in folders.items() if not Dataset.exists(folder)]
    if todo:
        with ExitStack() as stack:
            reader = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="read"))
            writers = {p: _Chunked(stack.enter_context(DatasetWriter(folders[p])), p, progress) for p in todo}
            pages = stack.enter_context(closing(one_ahead(_pages(entity, plan, database, todo), reader)))
            for page in pages:
                control.check()
                for partition, frame in _split(page, entity):
                    if partition in writers:
                        writers[partition].add(frame)
                shape = page.drop(YEAR, strict=False).clear()
            for writer in writers.values():
                writer.commit(shape)
    return [Dataset(folders[p]) for p in partitions]


def extract_statement(entity: Entity, tables: Any, partitions: Sequence[str | None], *, every: bool) -> Select[Any]:
    """The entity's select with its year beside each row, restricted to the partitions unless `every` is asked for."""
    statement = entity.select(tables)
    if entity.partition_date is None:
        return statement
    year = extract("year", entity.partition_date(tables))
    statement = statement.add_columns(year.label(YEAR))
    return statement if every else statement.where(_in_partitions(entity, tables, partitions))


def _in_partitions(entity: Entity, tables: Any, partitions: Sequence[str | None]) -> Any:
    assert entity.partition_date is not None
    column = entity.partition_date(tables)
    wanted: list[ColumnElement[bool]] = []
    for key in partitions:
        if key == UNDATED:
            wanted.append(column.is_(None))
        elif key is not None:
            wanted.append(and_(column >= _first_day(column, int(key)), column < _first_day(column, int(key) + 1)))
    return or_(*wanted)


def _first_day(column: Any, year: int) -> Any:
    moment = column.type.python_type
    return moment(year, 1, 1)


def _pages(
    entity: Entity, plan: Plan, database: RockDatabase, partitions: Sequence[str | None]
) -> Iterator[pl.DataFrame]:
    every = set(partitions) == set(plan.partitions(entity.name))
    statement = extract_statement(entity, database.tables, partitions, every=every)
    key = entity.key(database.tables)
    for page in database.pages(statement, key, upto=plan.high_water[entity.name]):
        yield _with_children(page, entity.children, database)


def _with_children(page: pl.DataFrame, children: tuple[Child, ...], database: RockDatabase) -> pl.DataFrame:
    for child in children:
        low, high = (int(page["id"][0]), int(page["id"][-1])) if page.height else (0, -1)
        select, parent_key = child.select(database.tables), child.parent_key(database.tables)
        rows = database.children(select, parent_key, low, high)
        fields = [name for name in rows.columns if name != "parent_id"]
        lists = rows.group_by("parent_id", maintain_order=True).agg(pl.struct(fields).alias(child.name))
        page = page.join(lists, left_on="id", right_on="parent_id", how="left", maintain_order="left")
    return page


def _split(page: pl.DataFrame, entity: Entity) -> Iterator[tuple[str | None, pl.DataFrame]]:
    if not entity.partitioned:
        yield None, page
        return
    keyed = page.with_columns(pl.col(YEAR).cast(pl.Int64).cast(pl.String).fill_null(UNDATED))
    for (partition,), frame in keyed.partition_by(YEAR, include_key=False, as_dict=True, maintain_order=True).items():
        yield str(partition), frame


class _Chunked:
    """Gathers the pieces of one partition into chunks of CHUNK_ROWS."""

    def __init__(self, writer: DatasetWriter, partition: str | None, progress: Progress) -> None:
        self._writer, self._partition, self._progress = writer, partition, progress
        self._pieces: list[pl.DataFrame] = []
        self._rows = 0

    def add(self, frame: pl.DataFrame) -> None:
        self._pieces.append(frame)
        self._rows += frame.height
        if self._rows >= CHUNK_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._pieces:
            self._writer.write(pl.concat(self._pieces))
            self._pieces, self._rows = [], 0
            self._progress(self._partition, self._writer.rows)

    def commit(self, shape: pl.DataFrame) -> Dataset:
        """Put the dataset in place; one without rows gets an empty chunk of that shape, for its schema."""
        self._flush()
        if self._writer.rows == 0:
            self._writer.write(shape)
        return self._writer.commit()
