"""Rows as drivers hand them out -> polars frames with the same dtypes whatever the database. Pure; no connection here.

Integer, count      Int64            Boolean     Boolean
text, Guid          String           Date        Date            (a Guid in lower case)
DateTime            Datetime("us")   Money       Decimal(18, 2), anything computed from it Decimal(38, 2)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import polars as pl
import sqlalchemy as sa

from migrate_etl.rock.fitting import DTYPES, Kind, fitted, moments_of_text, series_of
from migrate_etl.rock.tables import Guid, Money
from migrate_transfer.core.errors import SourceError

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
    source: str | None = field(default=None, compare=False)
    """`Table.Column`, where it is one as it stands."""


def columns_of(statement: sa.Select[Any]) -> tuple[OutColumn, ...]:
    """What the statement yields. Raises TypeError for a column whose SQL type says nothing: give it one."""
    return tuple(OutColumn(str(column.key), _kind(column), _source(column)) for column in statement.selected_columns)


def _source(column: sa.ColumnElement[Any]) -> str | None:
    plain = _unlabelled(column)
    return f"{plain.table.name}.{plain.name}" if isinstance(plain, sa.Column) else None


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
    """A frame of driver rows. Raises SourceError naming the column whose type or values do not fit."""
    values = list(zip(*rows, strict=True))
    if not values:
        return empty_frame(columns)
    build = _from_sqlite if from_sqlite else _from_driver
    return pl.DataFrame([_checked(build, column, cells) for column, cells in zip(columns, values, strict=True)])


def refuse_coarse(columns: Sequence[OutColumn], coarse: Sequence[bool]) -> None:
    """Raises SourceError for money in floats of four bytes, which Python's floats do not tell any more."""
    for column, is_coarse in zip(columns, coarse, strict=False):
        if is_coarse and column.kind in ("money", "money_total"):
            raise _unfit(column, "float32", wrong_type=True)


def to_fitted(columns: Sequence[OutColumn], frame: pl.DataFrame) -> pl.DataFrame:
    """A frame as a server's types have it, in Rock's. Raises SourceError naming the column that does not fit."""
    return pl.DataFrame([_checked(_from_frame, column, frame[column.name]) for column in columns])


def from_json_arrays(columns: Sequence[OutColumn], texts: Sequence[str]) -> pl.DataFrame:
    """A frame of SQLite's columns, each a JSON array. Raises ValueError for what is no JSON, else as `to_frame`."""
    cells = [orjson.loads(text) for text in texts]
    return pl.DataFrame([_checked(_from_sqlite, column, c) for column, c in zip(columns, cells, strict=True)])


def _checked(build: Callable[[OutColumn, Any], pl.Series], column: OutColumn, cells: Any) -> pl.Series:
    # Raised after the handlers, so that the driver's words, which quote the value, are not chained to ours.
    wrong_type = False
    try:
        return build(column, cells)
    except TypeError:
        wrong_type = True
    except (pl.exceptions.PolarsError, ValueError, OverflowError):
        pass
    raise _unfit(column, _came_as(cells), wrong_type=wrong_type)


def _unfit(column: OutColumn, came: str, *, wrong_type: bool) -> SourceError:
    place, kind = column.source or f"The column {column.name}", column.kind.replace("_", " ")
    if wrong_type:
        return SourceError(
            f"{place} comes as {came}, which cannot hold a {kind} exactly.",
            code="ROCK_COLUMN_TYPE",
            remedy="Read a database whose columns are of Rock's types: restore a copy, or undo the change of type.",
        )
    return SourceError(
        f"{place} holds a value that is no {kind}; it comes as {came}.",
        code="ROCK_VALUE_UNREADABLE",
        remedy="Correct the value in Rock; the column's type in this database differs from Rock's own.",
    )


def _came_as(cells: Any) -> str:
    if isinstance(cells, pl.Series):
        return str(cells.dtype).lower()
    return type(next((cell for cell in cells if cell is not None), None)).__name__


def _from_driver(column: OutColumn, cells: Sequence[Any]) -> pl.Series:
    """Values of pyodbc or psycopg: Python objects, whose types vary by driver and server."""
    return fitted(series_of(column.name, cells), column.kind)


def _from_frame(column: OutColumn, series: pl.Series) -> pl.Series:
    return fitted(series, column.kind)


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
            return moments_of_text(pl.Series(name, cells, dtype=pl.String))
        case _:
            return pl.Series(name, cells, dtype=dtype)


def _apply(series: pl.Series, expression: pl.Expr) -> pl.Series:
    return series.to_frame().select(expression.alias(series.name)).to_series()
