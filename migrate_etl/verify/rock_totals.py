"""The Rock side asked anew: counts and sums that Rock's database makes itself, by selects of their own.

They share only the table definitions with the extract, so that what the extract lost, doubled or garbled shows.
Statements and reading them; what a difference means is said in extraction.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import polars as pl
from sqlalchemy import ColumnElement, Select, and_, extract, func, select

from migrate_etl.rock.tables import RockTables
from migrate_etl.spec import EntityName
from migrate_etl.verify.money import cents

CONTRIBUTION = "2d607262-52d6-4724-910d-5c6e8fb89acc"
"""Transaction type Contribution: the only giving."""

FAMILY = "790e3215-3b10-442b-af69-616c0dcb998e"
"""Group type Family."""

TOTALS_SCHEMA = pl.Schema({
    "type": pl.String(), "fund_id": pl.Int64(), "year": pl.Int32(), "month": pl.Int8(),
    "later": pl.Boolean(), "count": pl.Int64(), "cents": pl.Int64(),
})  # fmt: skip
"""Rock's own sums: transaction type (GUID), fund, local year and month (null: undated), above the mark or not."""

RECORD_SCHEMA = pl.Schema({
    "id": pl.Int64(), "fund_id": pl.Int64(), "year": pl.Int32(), "month": pl.Int8(),
    "cents": pl.Int64(), "stamp": pl.Datetime("us"),
})  # fmt: skip
"""One contribution as Rock has it now; `stamp` is when it or its transaction was last made or changed."""

IDS_AT_ONCE = 500

LAST_MONTH = datetime(9999, 12, 1)
"""The calendar of databases ends with it, and churches use it for "never"."""


class Database(Protocol):
    """What is needed of a Rock database: its tables and small frames."""

    @property
    def tables(self) -> RockTables: ...

    def frame(self, statement: Select[Any]) -> pl.DataFrame: ...


class RockAnew(Protocol):
    """Rock's answers to the questions of the verification."""

    def totals(self) -> pl.DataFrame:
        """TOTALS_SCHEMA, every transaction detail once."""

    def in_cells(self, cells: pl.DataFrame) -> pl.DataFrame:
        """RECORD_SCHEMA: contributions up to the high-water mark in the cells (fund_id, year, month)."""

    def with_ids(self, ids: pl.Series) -> pl.DataFrame:
        """RECORD_SCHEMA: of these details, those that exist and are contributions."""


@dataclass(frozen=True, slots=True)
class AskedRock:
    """RockAnew over a database. `high_water` is the largest detail id of the job's plan."""

    database: Database
    high_water: int

    def totals(self) -> pl.DataFrame:
        return pl.concat([self._totals(later=False), self._totals(later=True)])

    def _totals(self, *, later: bool) -> pl.DataFrame:
        frame = self.database.frame(totals_statement(self.database.tables, self.high_water, later=later))
        rows = frame.with_columns(cents("amount").alias("cents"), pl.lit(later).alias("later"))
        return rows.select(list(TOTALS_SCHEMA)).cast(TOTALS_SCHEMA)

    def in_cells(self, cells: pl.DataFrame) -> pl.DataFrame:
        tables, found = self.database.tables, [_records(None)]
        for where in _month_filters(tables, cells):
            upto = tables["FinancialTransactionDetail"].c.Id <= self.high_water
            found.append(_records(self.database.frame(records_statement(tables, and_(upto, where)))))
        return pl.concat(found)

    def with_ids(self, ids: pl.Series) -> pl.DataFrame:
        detail, found = self.database.tables["FinancialTransactionDetail"], [_records(None)]
        for start in range(0, len(ids), IDS_AT_ONCE):
            some = detail.c.Id.in_(ids.slice(start, IDS_AT_ONCE).to_list())
            found.append(_records(self.database.frame(records_statement(self.database.tables, some))))
        return pl.concat(found)


def totals_statement(tables: RockTables, high_water: int, *, later: bool) -> Select[Any]:
    """Every detail on one side of the high-water mark: type, fund, year, month, count and sum.

    Two statements rather than a flag to group by: SQL Server takes a parameter in SELECT and the same in GROUP BY
    for two expressions and refuses.
    """
    detail, transaction, value = _gift_tables(tables)
    moment = transaction.c.TransactionDateTime
    year, month = extract("year", moment), extract("month", moment)
    beyond = detail.c.Id > high_water if later else detail.c.Id <= high_water
    return (
        select(
            value.c.Guid.label("type"),
            detail.c.AccountId.label("fund_id"),
            year.label("year"),
            month.label("month"),
            func.count().label("count"),
            func.sum(detail.c.Amount).label("amount"),
        )
        .select_from(_gifts(tables))
        .where(beyond)
        .group_by(value.c.Guid, detail.c.AccountId, year, month)
    )


def records_statement(tables: RockTables, where: ColumnElement[bool]) -> Select[Any]:
    """Details that satisfy `where`: id, type, fund, date, amount and the four times of change."""
    detail, transaction, value = _gift_tables(tables)
    return (
        select(
            detail.c.Id.label("id"),
            value.c.Guid.label("type"),
            detail.c.AccountId.label("fund_id"),
            transaction.c.TransactionDateTime.label("date"),
            detail.c.Amount.label("amount"),
            detail.c.CreatedDateTime.label("made"),
            detail.c.ModifiedDateTime.label("changed"),
            transaction.c.CreatedDateTime.label("header_made"),
            transaction.c.ModifiedDateTime.label("header_changed"),
        )
        .select_from(_gifts(tables))
        .where(where)
        .order_by(detail.c.Id)
    )


def count_statement(tables: RockTables, entity: EntityName, high_water: int) -> Select[Any]:
    """Rows of an entity's table up to its high-water mark (`count`); families by `kind`, their type's GUID."""
    table = tables[_ENTITY_TABLE[entity]]
    if entity != "families":
        return select(func.count().label("count")).select_from(table).where(table.c.Id <= high_water)
    kind = tables["GroupType"]
    both = table.outerjoin(kind, kind.c.Id == table.c.GroupTypeId)
    rows = select(kind.c.Guid.label("kind"), func.count().label("count")).select_from(both)
    return rows.where(table.c.Id <= high_water).group_by(kind.c.Guid)


def count_rows(database: Database, entity: EntityName, high_water: int) -> int:
    """How many rows of an entity Rock itself counts up to the high-water mark of the job's plan. As in the scan, groups
    are all rows of their table, families among them."""
    frame = database.frame(count_statement(database.tables, entity, high_water))
    if entity == "families":
        frame = frame.filter(pl.col("kind").str.to_lowercase() == FAMILY)
    return int(frame["count"].sum())


_ENTITY_TABLE: Mapping[EntityName, str] = {
    "people": "Person",
    "families": "Group",
    "groups": "Group",
    "contributions": "FinancialTransactionDetail",
    "attendance": "Attendance",
    "prayer_requests": "PrayerRequest",
}


def _gift_tables(tables: RockTables) -> tuple[Any, Any, Any]:
    return tables["FinancialTransactionDetail"], tables["FinancialTransaction"], tables["DefinedValue"]


def _gifts(tables: RockTables) -> Any:
    detail, transaction, value = _gift_tables(tables)
    header = detail.outerjoin(transaction, transaction.c.Id == detail.c.TransactionId)
    return header.outerjoin(value, value.c.Id == transaction.c.TransactionTypeValueId)


def _month_filters(tables: RockTables, cells: pl.DataFrame) -> Iterator[ColumnElement[bool]]:
    """One condition per month, over the funds that differ in it: a range of dates, which an index can serve."""
    detail, transaction, _ = _gift_tables(tables)
    moment = transaction.c.TransactionDateTime
    for (year, month), group in cells.group_by("year", "month", maintain_order=True):
        funds = group["fund_id"].to_list()
        if year is None or month is None:
            when = moment.is_(None)
        else:
            first = datetime(int(str(year)), int(str(month)), 1)
            when = moment >= first if first == LAST_MONTH else and_(moment >= first, moment < _next_month(first))
        yield and_(when, detail.c.AccountId.in_(funds))


def _next_month(first: datetime) -> datetime:
    return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)


def _records(frame: pl.DataFrame | None) -> pl.DataFrame:
    if frame is None:
        return RECORD_SCHEMA.to_frame()
    moment = pl.col("date").cast(pl.Datetime("us"))
    stamps = [pl.col(name).cast(pl.Datetime("us")) for name in ("made", "changed", "header_made", "header_changed")]
    return (
        frame.filter(pl.col("type").str.to_lowercase() == CONTRIBUTION)
        .select(
            "id",
            "fund_id",
            moment.dt.year().alias("year"),
            moment.dt.month().alias("month"),
            cents("amount").alias("cents"),
            pl.max_horizontal(stamps).alias("stamp"),
        )
        .cast(RECORD_SCHEMA)
    )
