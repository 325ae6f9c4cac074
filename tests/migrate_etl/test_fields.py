"""Fields: text, addresses, digits, dates and moments as people and clocks leave them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from migrate_etl import fields

ZONES = [
    "America/New_York",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Europe/Dublin",
]


def by_hand(local: datetime, zone: str) -> str:
    """What Python's own clock says: a time in a gap moves forward, of two times the first."""
    moved = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).astimezone(ZoneInfo(zone))
    return moved.isoformat(timespec="seconds")


@pytest.mark.parametrize("zone", ZONES)
def test_every_quarter_of_an_hour_is_what_the_clock_says(zone: str) -> None:
    hours = [datetime(year, 1, 1) + timedelta(minutes=15 * n) for year in (2011, 2018, 2024) for n in range(366 * 96)]
    assert fields.wire_moments(pl.Series(hours, dtype=pl.Datetime("us")), zone).to_list() == [
        by_hand(local, zone) for local in hours
    ]


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        (None, None),
        (datetime(2024, 3, 10, 2, 30), "2024-03-10T03:30:00-04:00"),
        (datetime(2024, 11, 3, 1, 30), "2024-11-03T01:30:00-04:00"),
        (datetime(2024, 1, 1, 23, 59, 59, 997_000), "2024-01-01T23:59:59.997-05:00"),
        (datetime(2024, 1, 1, 23, 59, 59, 999_997), "2024-01-01T23:59:59.999997-05:00"),
        (datetime(1753, 1, 1, 0, 0, 0, 3_000), "1753-01-01T00:00:00.003-04:56"),
        (datetime(2024, 3, 10, 2, 30, 0, 120_000), "2024-03-10T03:30:00.120-04:00"),
        (datetime(1753, 1, 1), "1753-01-01T00:00:00-04:56"),
        (datetime(9999, 12, 31, 23, 59), "9999-12-31T23:59:00-05:00"),
    ],
)
def test_moments(local: datetime | None, expected: str | None) -> None:
    series = pl.Series([local], dtype=pl.Datetime("us"))
    assert fields.wire_moments(series, "America/New_York").to_list() == [expected]


def test_a_day_the_country_left_out_becomes_the_next_one() -> None:
    left_out = pl.Series([datetime(2011, 12, 30, 12)], dtype=pl.Datetime("us"))
    assert fields.wire_moments(left_out, "Pacific/Apia").to_list() == ["2011-12-31T12:00:00+14:00"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (" a\u00a0b\t", "a\u00a0b"),
        ("\x85\u2003", None),
        ("", None),
        (None, None),
        ("\ufeffx", "x"),
        ("\u200f\u0645", "\u200f\u0645"),
    ],
)
def test_text(given: str | None, expected: str | None) -> None:
    assert pl.DataFrame({"t": [given]}, schema={"t": pl.String}).select(fields.text("t")).item() == expected


@pytest.mark.parametrize(("given", "expected"), [("(555) 12-34", "5551234"), ("n/a", None), ("\u0663\u0664", None)])
def test_digits(given: str, expected: str | None) -> None:
    assert pl.DataFrame({"t": [given]}).select(fields.digits("t")).item() == expected


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((2000, 2, 29), "2000-02-29"),
        ((1900, 2, 29), None),
        ((0, 1, 1), None),
        ((10_000, 1, 1), None),
        ((1980, None, 1), None),
    ],
)
def test_real_date(parts: tuple[int | None, ...], expected: str | None) -> None:
    frame = pl.DataFrame([parts], schema={"y": pl.Int64, "m": pl.Int64, "d": pl.Int64}, orient="row")
    assert frame.select(fields.real_date("y", "m", "d").cast(pl.String)).item() == expected


def test_money_is_text_with_two_decimals() -> None:
    amounts = pl.DataFrame({"a": ["-0.00", "0.10", "-7.77", "9999999999999999.99"]}).cast(pl.Decimal(18, 2))
    assert amounts.select(fields.wire_amount("a")).to_series().to_list() == [
        "0.00",
        "0.10",
        "-7.77",
        "9999999999999999.99",
    ]
