"""Polars expressions with one meaning each: text, e-mail, money, dates, references, scope; and local moments."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
BLANKS = (
    " \t\r\n\v\f\x1c\x1d\x1e\x1f\x85\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
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


def digits(column: str) -> pl.Expr:
    """The digits 0 to 9 of a text; null when it has none."""
    found = pl.col(column).str.replace_all(r"[^0-9]", "")
    return pl.when(found != "").then(found)


def reference(kind: str, column: str) -> pl.Expr:
    """`rock:<kind>:<id>`, null where the id is null."""
    return pl.when(pl.col(column).is_not_null()).then(pl.format(f"rock:{kind}:{{}}", pl.col(column)))


def wire_amount(column: str) -> pl.Expr:
    """A Decimal(18, 2) as text with two decimals; zero has no sign."""
    return pl.col(column).cast(pl.String)


GAPS = (3, 25)
"""Hours back from a local time that does not exist to one that does: a clock change, or a whole day that a country
left out when it moved across the date line (Samoa, 30 December 2011)."""
OFFSETS = pl.Series(
    [f"{'-' if m < 0 else '+'}{abs(m) // 60:02}:{abs(m) % 60:02}" for m in range(-1080, 1081)], dtype=pl.String
)
"""UTC offsets as text, by minutes from -18 hours on."""
MILLISECONDS = pl.Series(["", *(f".{thousandths:03}" for thousandths in range(1, 1_000))], dtype=pl.String)
"""Thousandths of a second as text."""


def wire_moments(local: pl.Series, zone: str) -> pl.Series:
    """Local datetimes (us) as RFC 3339 with the zone's offset; null stays null.

    Of a second, what there is: none, three decimals or six. A time that does not exist moves forward by the gap; one
    that exists twice is taken as the first. Offsets from before zones were minutes (local mean time) are cut to whole
    minutes.
    """
    aware = _aware(local, zone)
    lost = (aware.is_null() & local.is_not_null()).arg_true()
    if lost.len():
        moved = _moved_forward(local.gather(lost), zone)
        local, aware = local.scatter(lost, moved.dt.replace_time_zone(None)), aware.scatter(lost, moved)
    seconds = (local.cast(pl.Int64) - aware.cast(pl.Int64)) // 1_000_000
    minutes = seconds.abs() // 60 * seconds.sign()
    return local.dt.strftime("%Y-%m-%dT%H:%M:%S") + _fraction(local) + OFFSETS.gather(minutes + 1080)


def _fraction(local: pl.Series) -> pl.Series:
    """`.997` of a second, or `.997123` where Rock has that; nothing of a whole one."""
    part = local.dt.microsecond()
    fraction, finer = MILLISECONDS.gather(part // 1_000), part % 1_000 != 0
    return local.dt.strftime("%.6f").zip_with(finer, fraction) if finer.any() else fraction


def _aware(local: pl.Series, zone: str) -> pl.Series:
    return local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")


def _moved_forward(local: pl.Series, zone: str) -> pl.Series:
    roads = [_aware(local - timedelta(hours=hours), zone) + timedelta(hours=hours) for hours in GAPS]
    return pl.select(pl.coalesce(roads)).to_series()


def real_date(year: str, month: str, day: str) -> pl.Expr:
    """A date from its parts, null where a part is missing or the calendar of the years 1 to 9999 has no such day."""
    parts = pl.concat_str([pl.col(year), pl.col(month), pl.col(day)], separator="-")
    return pl.when(pl.col(year).is_between(1, 9999)).then(parts.str.to_date("%Y-%m-%d", strict=False))


def campus_rule(campus_ids: tuple[int, ...], column: str = "campus_id") -> pl.Expr:
    """`no_campus` or `other_campus` where a campus filter leaves the row out, else null."""
    if not campus_ids:
        return pl.lit(None, dtype=pl.String)
    outside = pl.when(~pl.col(column).is_in(campus_ids)).then(pl.lit("other_campus"))
    return pl.when(pl.col(column).is_null()).then(pl.lit("no_campus")).otherwise(outside)
