"""Columns as a server sent them -> columns of Rock's types, each value exactly, or refused. Pure.

Not every server has SQL Server's types: a bit comes as a number, a moment or a Guid as text, an amount as a float. What
says the same is taken; what may say something else is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import polars as pl

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

_TRUTH = {"1": True, "true": True, "t": True, "0": False, "false": False, "f": False}
_WHOLE_FLOATS = 2**50
"""Up to here every double stands for one whole number, or one count of cents, and no other."""
_TOTAL_OFF = 0.1
"""Cents by which a sum of floats may miss a whole one: adding up loses what no amount has lost."""
GUID_DIGITS = 32
_AMOUNT = r"^[+-]?(\d+(\.\d*)?|\.\d+)$"


def fitted(series: pl.Series, kind: Kind) -> pl.Series:
    """The column with the type of its kind.

    Raises TypeError where a column of this type cannot hold such values, ValueError, OverflowError or a PolarsError
    for a value that is none.
    """
    wanted = DTYPES[kind]
    if series.dtype == wanted and kind != "guid":
        return series
    if series.dtype == pl.Null:
        return series.cast(wanted)
    match kind:
        case "integer":
            found = _whole(series)
        case "boolean":
            found = _yes_or_no(series)
        case "text" | "long_text":
            found = _text(series)
        case "guid":
            found = _guids(_text(series))
        case "date":
            found = _moments(series).dt.date()
        case "datetime":
            found = _moments(series)
        case "money" | "money_total":
            found = _amounts(series, total=kind == "money_total")
    return found.cast(wanted)


def series_of(name: str, cells: Sequence[Any]) -> pl.Series:
    """A driver's Python values of one column, as they are. Raises TypeError for a type that is none of a database's."""
    match next((cell for cell in cells if cell is not None), None):
        case None:
            return pl.Series(name, cells, dtype=pl.Null)
        case bool():
            return pl.Series(name, cells, dtype=pl.Boolean)
        case int():
            return pl.Series(name, cells, dtype=pl.Int64)
        case str():
            return pl.Series(name, cells, dtype=pl.String)
        case UUID():
            return pl.Series(name, [None if cell is None else str(cell) for cell in cells], dtype=pl.String)
        case datetime() as first if first.tzinfo is None:
            return pl.Series(name, cells, dtype=pl.Datetime("us"))
        case date() as day if not isinstance(day, datetime):
            return pl.Series(name, cells, dtype=pl.Date)
        case Decimal() | float():
            return pl.Series(name, cells)  # decimals with as many digits as the longest has
    raise TypeError(name)


def _whole(series: pl.Series) -> pl.Series:
    if series.dtype == pl.String:
        return series.str.strip_chars().cast(pl.Int64)
    if series.dtype.is_float() and (series.abs() > _WHOLE_FLOATS).any():
        raise ValueError(series.name)
    _require(series.dtype.is_numeric() or series.dtype == pl.Boolean)
    found = series.cast(pl.Int64)
    if not series.dtype.is_integer() and (found.cast(series.dtype) != series).any():
        raise ValueError(series.name)
    return found


def _yes_or_no(series: pl.Series) -> pl.Series:
    if series.dtype == pl.String:
        return series.str.strip_chars().str.to_lowercase().replace_strict(_TRUTH, return_dtype=pl.Boolean)
    numbers = _whole(series)
    if not numbers.is_in([0, 1]).all():
        raise ValueError(series.name)
    return numbers.cast(pl.Boolean)


def _text(series: pl.Series) -> pl.Series:
    _require(series.dtype == pl.String or series.dtype.is_integer())
    return series.cast(pl.String)


def _guids(text: pl.Series) -> pl.Series:
    """In small letters, without braces, with dashes."""
    plain = text.str.strip_chars(" {}").str.to_lowercase()
    if not (plain.str.len_bytes() == GUID_DIGITS).any():
        return plain
    return plain.str.replace(r"^(\w{8})(\w{4})(\w{4})(\w{4})(\w{12})$", "$1-$2-$3-$4-$5")


def _moments(series: pl.Series) -> pl.Series:
    if series.dtype == pl.String:
        return moments_of_text(series)
    _require(series.dtype == pl.Date or (isinstance(series.dtype, pl.Datetime) and series.dtype.time_zone is None))
    return series.cast(pl.Datetime("us"))


def moments_of_text(text: pl.Series) -> pl.Series:
    """ISO with T or blank, the time or its seconds left out; one with an offset is refused."""
    name = pl.col(text.name)
    if text.str.contains("T", literal=True).any():
        text = text.str.replace("T", " ", literal=True)
    lengths = text.str.len_bytes()
    for length, rest in ((10, " 00:00:00"), (16, ":00")):
        if (short := lengths == length).any():
            text = text.to_frame().select(pl.when(short).then(name + rest).otherwise(name)).to_series()
    return text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us")


def _amounts(series: pl.Series, *, total: bool) -> pl.Series:
    if series.dtype.is_float():
        return _of_floats(series, total=total)
    if series.dtype == pl.String:
        text = series.str.strip_chars()
        if not text.str.contains(_AMOUNT).all():
            raise ValueError(series.name)
        series = pl.Series(series.name, [None if one is None else Decimal(one) for one in text])
        return series.cast(DTYPES["money_total"]) if series.dtype == pl.Null else _amounts(series, total=total)
    _require(series.dtype.is_decimal() or series.dtype.is_integer())
    found = series.cast(pl.Decimal(38, 2))
    if series.dtype.is_decimal() and (found.cast(pl.Decimal(38, series.dtype.scale)) != series).any():  # type: ignore[attr-defined]
        raise ValueError(series.name)
    return found


def _of_floats(series: pl.Series, *, total: bool) -> pl.Series:
    """An amount is that double which stands nearest to a whole number of cents; one that lies between is refused.

    A float of four bytes is too coarse for that: 16,777,217 dollars are none of its numbers.
    """
    _require(str(series.dtype) != "Float32")
    hundredfold = series * 100
    if not hundredfold.is_finite().all() or (hundredfold.abs() > _WHOLE_FLOATS).any():
        raise ValueError(series.name)
    cents = hundredfold.round().cast(pl.Int64)
    amounts = cents.cast(pl.Decimal(38, 2)) / 100
    # Not cents / 100: polars multiplies by a hundredth, which makes another double of one amount in seven.
    off = (hundredfold - cents).abs() > _TOTAL_OFF if total else amounts.cast(series.dtype) != series
    if off.any():
        raise ValueError(series.name)
    return amounts


def _require(fits: bool) -> None:
    if not fits:
        raise TypeError
