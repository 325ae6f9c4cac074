"""Rows as drivers hand them out -> polars frames with the same dtypes whatever the database. Pure; no connection here.

Integer, count      Int64            Boolean     Boolean
text, Guid          String           Date        Date            (a Guid in lower case)
DateTime            Datetime("us")   Money       Decimal(18, 2), anything computed from it Decimal(38, 2)
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import orjson
import polars as pl
import sqlalchemy as sa

from migrate_etl.rock.tables import Guid, Money
from migrate_transfer.core.errors import SourceError

Kind = Literal["integer", "boolean", "text", "long_text", "guid", "date", "datetime", "money", "money_total"]

DTYPES: dict[Kind, pl.DataType] = {
    "integer": pl.Int64(),
    "boolean": pl.Boolean(),
    "text": pl.String(),
    "long_text": pl.String(),
    "guid": pl.String(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
    "money": pl.Decimal(18, 2),
    "money_total": pl.Decimal(38, 2),
}

_KINDS: tuple[tuple[type[Any], Kind], ...] = (
    (Guid, "guid"),
    (Money, "money"),
    (sa.Boolean, "boolean"),
    (sa.Integer, "integer"),
    (sa.DateTime, "datetime"),
    (sa.Date, "date"),
    (sa.UnicodeText, "long_text"),
    (sa.Text, "long_text"),
    (sa.String, "text"),
)


@dataclass(frozen=True, slots=True)
class OutColumn:
    """One column of a result: its name in the frame and what it holds."""

    name: str
    kind: Kind


def columns_of(statement: sa.Select[Any]) -> tuple[OutColumn, ...]:
    """What the statement yields. Raises TypeError for a column whose SQL type says nothing: give it one."""
    return tuple(OutColumn(str(column.key), _kind(column)) for column in statement.selected_columns)


def _kind(column: sa.ColumnElement[Any]) -> Kind:
    for type_, kind in _KINDS:
        if isinstance(column.type, type_):
            computed = kind == "money" and not isinstance(_unlabelled(column), sa.Column | sa.TypeCoerce)
            return "money_total" if computed else kind
    raise TypeError(f"The column {column.key} has no usable type: {column.type!r}")


def _unlabelled(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return column.element if isinstance(column, sa.Label) else column


def empty_frame(columns: Sequence[OutColumn]) -> pl.DataFrame:
    return pl.DataFrame(schema={column.name: DTYPES[column.kind] for column in columns})


def to_frame(columns: Sequence[OutColumn], rows: Iterable[Sequence[Any]], *, from_sqlite: bool) -> pl.DataFrame:
    """A frame of driver rows. Raises SourceError naming the column whose values do not fit their type."""
    values = list(zip(*rows, strict=True))
    if not values:
        return empty_frame(columns)
    build = _from_sqlite if from_sqlite else _from_driver
    return pl.DataFrame([_checked(build, column, cells) for column, cells in zip(columns, values, strict=True)])


def from_json_arrays(columns: Sequence[OutColumn], texts: Sequence[str]) -> pl.DataFrame:
    """A frame of SQLite's columns, each a JSON array. Raises ValueError for what is no JSON, else as `to_frame`."""
    cells = [orjson.loads(text) for text in texts]
    return pl.DataFrame([_checked(_from_sqlite, column, c) for column, c in zip(columns, cells, strict=True)])


def _checked(build: Callable[[OutColumn, Any], pl.Series], column: OutColumn, cells: Sequence[Any]) -> pl.Series:
    # Raised after the handler, so that the driver's words, which quote the value, are not chained to ours.
    with suppress(pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):
        return build(column, cells)
    raise SourceError(
        f"The column {column.name} holds a value that is no {column.kind.replace('_', ' ')}.",
        code="ROCK_VALUE_UNREADABLE",
        remedy="Correct the value in Rock; the column's type in this database differs from Rock's own.",
    )


def _from_driver(column: OutColumn, cells: Sequence[Any]) -> pl.Series:
    """Values of pyodbc or psycopg: Python objects, but booleans and computed integers vary by driver."""
    name, dtype = column.name, DTYPES[column.kind]
    match column.kind:
        case "integer":
            return pl.Series(name, _whole(cells), dtype=dtype)
        case "boolean":
            return pl.Series(name, [None if cell is None else cell in (True, "1", "t") for cell in cells], dtype=dtype)
        case "guid":
            return pl.Series(name, [_guid(cell) for cell in cells], dtype=dtype)
        case "date":
            return pl.Series(name, [_day(cell) for cell in cells], dtype=dtype)
        case _:
            return pl.Series(name, cells, dtype=dtype)


def _whole(cells: Sequence[Any]) -> Sequence[int | None]:
    """PostgreSQL's sum and extract are numeric and arrive as Decimal; a column is of one type throughout."""
    first = next((cell for cell in cells if cell is not None), None)
    return cells if first is None or type(first) is int else [None if cell is None else int(cell) for cell in cells]


def _guid(cell: str | uuid.UUID | None) -> str | None:
    return None if cell is None else str(cell).lower()


def _day(cell: date | datetime | None) -> date | None:
    return cell.date() if isinstance(cell, datetime) else cell


def _from_sqlite(column: OutColumn, cells: Sequence[Any]) -> pl.Series:
    """SQLite knows integers and text: whole cents, 0 and 1, ISO dates with blank or T, with or without time."""
    name, dtype = column.name, DTYPES[column.kind]
    match column.kind:
        case "boolean":
            return pl.Series(name, cells, dtype=pl.Int64).cast(pl.Boolean)
        case "money" | "money_total":
            return _apply(pl.Series(name, cells, dtype=pl.Int64), pl.col(name).cast(pl.Decimal(38, 2)) / 100).cast(
                dtype
            )
        case "guid":
            return pl.Series(name, cells, dtype=dtype).str.to_lowercase()
        case "date":
            return pl.Series(name, cells, dtype=pl.String).str.slice(0, 10).str.to_date("%Y-%m-%d")
        case "datetime":
            return _moments(pl.Series(name, cells, dtype=pl.String))
        case _:
            return pl.Series(name, cells, dtype=dtype)


def _moments(text: pl.Series) -> pl.Series:
    short = text.str.len_bytes() == 10
    if short.any():
        text = _apply(text, pl.when(short).then(pl.col(text.name) + " 00:00:00").otherwise(pl.col(text.name)))
    if text.str.contains("T", literal=True).any():
        text = text.str.replace("T", " ", literal=True)
    return text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us")


def _apply(series: pl.Series, expression: pl.Expr) -> pl.Series:
    return series.to_frame().select(expression.alias(series.name)).to_series()
