"""Polars expressions with one meaning each: text, e-mail, phone, money, local moments, references."""

from __future__ import annotations

import polars as pl

EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
BLANKS = (
    " \t\r\n\v\f\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff\u200b"
)
"""White space as people paste it, the no-break, zero-width and byte-order kinds included."""


def text(column: str) -> pl.Expr:
    """The text without white space at its ends; null when nothing is left."""
    trimmed = pl.col(column).str.strip_chars(BLANKS)
    return pl.when(trimmed != "").then(trimmed)


def email(column: str) -> pl.Expr:
    """The trimmed address if it has the plain form `local@domain.tld`, else null."""
    trimmed = text(column)
    return pl.when(trimmed.str.contains(EMAIL)).then(trimmed)


def reference(kind: str, column: str) -> pl.Expr:
    """`rock:<kind>:<id>`, null where the id is null."""
    return pl.when(pl.col(column).is_not_null()).then(pl.format(f"rock:{kind}:{{}}", pl.col(column)))


def wire_amount(column: str) -> pl.Expr:
    """A Decimal(18, 2) as text with two decimals; zero has no sign."""
    return pl.col(column).cast(pl.String)


def wire_moment(column: str, zone: str) -> pl.Expr:
    """A local datetime as RFC 3339 with the zone's offset.

    An hour that does not exist moves forward by the gap; one that exists twice is taken as the first.
    """
    local = pl.col(column).dt.truncate("1s")
    exact = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    before = (local - pl.duration(hours=3)).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    moment = pl.coalesce(exact, before + pl.duration(hours=3))
    rendered = moment.dt.strftime("%Y-%m-%dT%H:%M:%S%:z")
    return pl.when(pl.col(column).is_not_null()).then(rendered)


def real_date(year: str, month: str, day: str) -> pl.Expr:
    """A date from its parts, null where a part is missing or the calendar has no such day."""
    parts = pl.concat_str([pl.col(year), pl.col(month), pl.col(day)], separator="-")
    return parts.str.to_date("%Y-%m-%d", strict=False)
