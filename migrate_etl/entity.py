"""Entity: one kind of Rock record and its whole road. What an entity is, not how it is run (that is `stages.py`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import ColumnElement, Select

from checks.contracts import Contract
from migrate_etl.rock.tables import RockTables
from migrate_etl.spec import EntityName, RockImportSpec

if TYPE_CHECKING:
    from migrate_etl.rock.lookups import Lookups

UNDATED = "undated"
"""Partition key of rows without a date; the others are calendar years as text."""


@dataclass(frozen=True, slots=True)
class Child:
    """Rows that hang on an entity's row (phones of a person, members of a group).

    `select` yields them with the parent's key labelled `parent_id`; extraction attaches them to the parent as a list
    column named `name`, whose struct has the other selected columns, ordered by the select.
    """

    name: str
    select: Callable[[RockTables], Select[Any]]
    parent_key: Callable[[RockTables], ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class Mapped:
    """What mapping made of one chunk.

    `records` has a row for every row of the chunk, in its order: `id` (Int64), `skip` (rule name or null), the wire
    columns in contract order (`external_id` first), then measures, whose names begin with `_`.
    `findings` has checks.contracts.FINDING_COLUMNS.
    """

    records: pl.DataFrame
    findings: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of record.

    `select(tables)` yields one row per discovered item with its key labelled `id`, not yet ordered or limited; `key`
    is the column it is paged by. `partition_date`, where given, is the local date or datetime by whose year the
    entity is partitioned. `map(chunk, lookups, spec)` is pure. `load_order` names a measure to sort the whole load by
    (parents first). `across`, with what it looks at of the wire columns, finds what only the whole entity shows, such
    as an address that two people have: from `id` and that of every loaded record to findings. `beforehand` gives the
    lookups for mapping one partition: with what its rows show only together. `wire` names the record's fields in
    contract order.
    """

    name: EntityName
    path: str
    prefix: str
    select: Callable[[RockTables], Select[Any]]
    key: Callable[[RockTables], ColumnElement[Any]]
    map: Callable[[pl.DataFrame, Lookups, RockImportSpec], Mapped]
    raw_contract: Contract
    wire_contract: Contract
    wire: tuple[str, ...]
    children: tuple[Child, ...] = ()
    partition_date: Callable[[RockTables], ColumnElement[Any]] | None = None
    load_order: str | None = None
    across: tuple[tuple[pl.Expr, ...], Callable[[pl.DataFrame], pl.DataFrame]] | None = None
    beforehand: Callable[[pl.LazyFrame, Lookups], Lookups] | None = None

    @property
    def partitioned(self) -> bool:
        return self.partition_date is not None
