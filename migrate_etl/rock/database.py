"""RockDatabase: reads a Rock database, and nothing else. The only place that knows pyodbc."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, Self

import polars as pl
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select

from migrate_etl.rock.tables import ROCK_COLUMNS, Guid, Money, RockTables
from migrate_transfer.core.errors import SourceError


class RockDatabase:
    def __init__(self, engine: sa.Engine, page_size: int) -> None:
        self._engine, self._page_size = engine, page_size
        self._connection = engine.connect()
        self.dialect = engine.dialect.name
        inspector = sa.inspect(engine)
        names = set(inspector.get_table_names())
        present = {t: {c["name"] for c in inspector.get_columns(t)} if t in names else set() for t in ROCK_COLUMNS}
        self.tables = RockTables(present)

    @classmethod
    def open(cls, connection: str, *, page_size: int = 50_000) -> RockDatabase:
        return cls(sa.create_engine(connection), page_size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()
        self._engine.dispose()

    def _rows(self, statement: Select[Any]) -> tuple[list[tuple[Any, ...]], list[tuple[str, Any]]]:
        compiled = statement.compile(dialect=self._engine.dialect)
        columns = [(c.key, c.type) for c in statement.selected_columns]
        cursor = self._connection.connection.cursor()
        params = compiled.construct_params()
        processors = compiled._bind_processors
        values = {k: processors[k](v) if k in processors else v for k, v in params.items()}
        args = [values[k] for k in compiled.positiontup] if compiled.positional else values
        cursor.execute(str(compiled), args)
        rows = cursor.fetchall()
        cursor.close()
        return rows, columns

    def frame(self, statement: Select[Any]) -> pl.DataFrame:
        rows, columns = self._rows(statement)
        data = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
        return pl.DataFrame([series(n, t, v, self.dialect) for (n, t), v in zip(columns, data, strict=True)])

    def scalar(self, statement: Select[Any]) -> Any:
        frame = self.frame(statement)
        return frame.item(0, 0) if frame.height else None

    def pages(
        self, statement: Select[Any], key: ColumnElement[Any], *, after: int = 0, upto: int | None = None
    ) -> Iterator[pl.DataFrame]:
        first = True
        while True:
            page = statement.where(key > after)
            if upto is not None:
                page = page.where(key <= upto)
            frame = self.frame(page.order_by(key).limit(self._page_size))
            if frame.height or first:
                yield frame
            first = False
            if frame.height < self._page_size:
                return
            after = int(frame["id"][-1])

    def children(self, child: Select[Any], parent_key: ColumnElement[Any], low: int, high: int) -> pl.DataFrame:
        return self.frame(child.where(parent_key.between(low, high)))


def series(name: str, kind: Any, values: Sequence[Any], dialect: str) -> pl.Series:
    if isinstance(kind, Money):
        if dialect == "sqlite":
            cents = pl.Series(name, values, dtype=pl.Int64)
            return (
                cents.to_frame().select(pl.col(name).cast(pl.Decimal(38, 2)) / 100).to_series().cast(pl.Decimal(18, 2))
            )
        return pl.Series(name, values, dtype=pl.Decimal(18, 2))
    if isinstance(kind, sa.Boolean):
        return pl.Series(name, [None if v is None else bool(v) for v in values], dtype=pl.Boolean)
    if isinstance(kind, sa.Integer):
        return pl.Series(name, values, dtype=pl.Int64)
    if isinstance(kind, sa.DateTime):
        if dialect == "sqlite":
            return pl.Series(name, values, dtype=pl.String).str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us")
        return pl.Series(name, values, dtype=pl.Datetime("us"))
    if isinstance(kind, sa.Date):
        if dialect == "sqlite":
            return pl.Series(name, values, dtype=pl.String).str.to_date("%Y-%m-%d")
        return pl.Series(name, values, dtype=pl.Date)
    if isinstance(kind, Guid):
        return pl.Series(name, [None if v is None else str(v).lower() for v in values], dtype=pl.String)
    return pl.Series(name, values, dtype=pl.String)
