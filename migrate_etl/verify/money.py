"""Cents: the one unit in which the proof counts money. Conversions to and from decimals, exact both ways.

A decimal with two places is stored as its whole number of cents, so taking that number loses nothing; a signed 64-bit
count of cents reaches 92 quadrillion, far beyond any church's books. No floats, here or anywhere near money.
"""

from __future__ import annotations

from decimal import Decimal

import polars as pl

ZERO = Decimal("0.00")

AMOUNT = pl.Decimal(20, 2)
"""Type of the amounts in result tables: wide enough for any sum of cents."""


def cents(column: str) -> pl.Expr:
    """A decimal column with two places as whole cents (Int64). Raises a polars error for a value that does not fit."""
    return pl.col(column).cast(pl.Decimal(38, 2)).to_physical().cast(pl.Int64)


def amount(column: str) -> pl.Expr:
    """A column of cents as decimal with two places."""
    return (pl.col(column).cast(pl.Decimal(38, 2)) / 100).cast(AMOUNT)


def decimal(whole_cents: int) -> Decimal:
    """Cents as a decimal with two places: 12345 -> 123.45."""
    return Decimal(whole_cents).scaleb(-2)


def whole(value: Decimal | None) -> int:
    """A decimal with at most two places as cents; None counts as nothing."""
    return 0 if value is None else int(value.scaleb(2))


def text(value: Decimal) -> str:
    """For people: thousands set apart, two places, a real minus sign: -1234.5 -> −1,234.50."""
    return f"{value:,.2f}".replace("-", "\u2212")
