"""Columns in other types than Rock's, through each driver and by each road: the same frames, or an error by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from migrate_etl.rock.database import RockDatabase
from migrate_etl.rock.fitting import fitted, series_of
from migrate_transfer.core.errors import SourceError
from tests.fakes.tds.types import MAX, Sent
from tests.migrate_etl.rock.conftest import DRIVERS, SqlServer

WIDE = 200


def words(write: Callable[[Any], str], kind: str = "text", size: int = WIDE) -> Sent:
    return Sent(kind, size, write=write)


def braces(guid: Any) -> str:
    return f"{{{str(guid).upper()}}}"


def with_t(moment: datetime) -> str:
    return moment.isoformat()


def with_blank(moment: datetime) -> str:
    return moment.isoformat(" ")


def of_seven_digits(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}0"


def as_moment(day: Any) -> datetime:
    return datetime(day.year, day.month, day.day)


def yes(value: bool) -> str:
    return "True" if value else "False"


def digit(value: bool) -> str:
    return "1" if value else "0"


GUIDS = {
    "nvarchar upper": words(lambda guid: str(guid).upper(), size=72),
    "nvarchar lower": words(lambda guid: str(guid).lower(), size=72),
    "nvarchar braces": words(braces),
    "nvarchar without dashes": words(lambda guid: str(guid).replace("-", ""), size=64),
    "nvarchar without limit": words(str, size=MAX),
    "varchar": words(lambda guid: str(guid).upper(), "varchar", 36),
    "char": words(lambda guid: str(guid).upper(), "char", 36),
    "char with blanks": words(lambda guid: str(guid).upper(), "char", 40),
}
BITS = {
    "tinyint": Sent("tinyint", 1),
    "smallint": Sent("smallint", 2),
    "int": Sent("int", 4),
    "bigint": Sent("bigint", 8),
    "numeric": Sent("numeric", 1, scale=0),
    "words": words(yes),
    "digits": words(digit, "varchar"),
}
WHOLE = {
    "bigint": Sent("bigint", 8),
    "smallint": Sent("smallint", 2),
    "numeric": Sent("numeric", 10, scale=0),
    "decimal with zeros": Sent("decimal", 18, scale=4),
    "float": Sent("float", 8, write=lambda number: 1.0 * number),
    "text": words(str),
}
MONEY = {
    "decimal(19,4)": Sent("decimal", 19, scale=4),
    "numeric(38,10)": Sent("numeric", 38, scale=10),
    "numeric(10,2)": Sent("numeric", 10, scale=2),
    "money": Sent("money", 8),
    "float": Sent("float", 8, write=lambda amount: 1.0 * int(amount * 100) / 100),
    "text": words(str),
    "text with zeros": words(lambda amount: f"{amount}00", "varchar"),
}
MOMENTS = {
    "datetime2(7)": Sent("datetime2", 7),
    "datetime2(3)": Sent("datetime2", 3),
    "text with T": words(with_t),
    "text with blank": words(with_blank, "varchar"),
    "text of seven digits": words(of_seven_digits),
    "ntext": words(with_blank, "ntext"),
}
DAYS = {
    "datetime2": Sent("datetime2", 0, write=as_moment),
    "text": words(str),
    "text with time": words(lambda day: f"{day} 00:00:00"),
}
TEXTS = {
    "ntext": Sent("ntext", MAX),
    "varchar utf8": Sent("varchar utf8", 400),
    "nvarchar(max)": Sent("text", MAX),
    "varchar(max) utf8": Sent("varchar utf8", MAX),
}
COLUMNS = {
    ("Person", "Guid"): GUIDS,
    ("Person", "IsDeceased"): BITS,
    ("Person", "Id"): WHOLE,
    ("Person", "CreatedDateTime"): MOMENTS,
    ("Person", "FirstName"): TEXTS,
    ("FinancialTransactionDetail", "Amount"): MONEY,
    ("AttendanceOccurrence", "OccurrenceDate"): DAYS,
}


def both_ways(database: RockDatabase, table: str) -> list[pl.DataFrame]:
    """By pages and as rows; amounts that an odd type can hold."""
    columns = database.tables[table].c
    statement = sa.select(columns.Id.label("id"), *(column for column in columns if column.key != "Id"))
    if "Amount" in columns:
        statement = statement.where(columns.Amount.between(-1000, 1000))
    return [pl.concat(database.pages(statement, columns.Id)), database.frame(statement.order_by(columns.Id))]


@DRIVERS
@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_column_of_another_type_reads_as_rocks_own(server: SqlServer, driver: str, table: str, column: str) -> None:
    with RockDatabase.open(server.url) as straight, RockDatabase.open(server.through(driver)) as over:
        expected = both_ways(straight, table)[0]
        for kind, sent in COLUMNS[table, column].items():
            server.tds.types = {column: sent}
            for frame in both_ways(over, table):
                assert_frame_equal(frame, expected)
            assert over.no_arrow is None, kind


def too_fine(amount: Decimal) -> Decimal:
    return amount + Decimal("0.001")


REFUSED = {
    "tenths of a cent": ("Amount", Sent("decimal", 19, scale=4, write=too_fine), "ROCK_VALUE_UNREADABLE"),
    "a float between two cents": (
        "Amount",
        Sent("float", 8, write=lambda amount: 1.0 * int(amount * 100) / 100 + 0.001),
        "ROCK_VALUE_UNREADABLE",
    ),
    "real": ("Amount", Sent("float", 4, write=lambda amount: 0.25), "ROCK_COLUMN_TYPE"),
    "a decimal comma": ("Amount", words(lambda amount: "12,50"), "ROCK_VALUE_UNREADABLE"),
    "a bit of 2": ("IsDeceased", Sent("tinyint", 1, write=lambda bit: 2), "ROCK_VALUE_UNREADABLE"),
    "perhaps": ("IsDeceased", words(lambda bit: "perhaps"), "ROCK_VALUE_UNREADABLE"),
    "a moment in UTC": (
        "CreatedDateTime",
        words(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%SZ}"),
        "ROCK_VALUE_UNREADABLE",
    ),
    "a moment as a number": ("CreatedDateTime", Sent("int", 4, write=lambda moment: 45_000), "ROCK_COLUMN_TYPE"),
    "half an id": ("RecordTypeValueId", Sent("float", 8, write=lambda id: 1.5), "ROCK_VALUE_UNREADABLE"),
}


@pytest.fixture
def types_of_persons(server: SqlServer) -> Iterator[None]:
    with server.postgres.connect("tds") as connection:
        connection.execute('UPDATE "Person" SET "RecordTypeValueId" = 1')
        yield
        connection.execute('UPDATE "Person" SET "RecordTypeValueId" = NULL')


@DRIVERS
@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.usefixtures("types_of_persons")
def test_what_may_say_something_else_is_refused_by_name(server: SqlServer, driver: str, case: str) -> None:
    column, sent, code = REFUSED[case]
    server.tds.types = {column: sent}
    with RockDatabase.open(server.through(driver)) as database:
        table = database.tables["FinancialTransactionDetail" if column == "Amount" else "Person"]
        statement = sa.select(table.c.Id.label("id"), table.c[column].label("value"))
        if column == "Amount":
            statement = statement.where(table.c.Amount.between(-1000, 1000))
        for read in (lambda: next(iter(database.pages(statement, table.c.Id))), lambda: database.frame(statement)):
            with pytest.raises(SourceError) as caught:
                read()
            assert caught.value.error_code == code
            assert f".{column} " in caught.value.message


@DRIVERS
def test_moments_with_an_offset_are_refused_where_no_catalogue_names_them(server: SqlServer, driver: str) -> None:
    server.tds.odd, server.tds.types = {"INFORMATION_SCHEMA": 208}, {"CreatedDateTime": "datetimeoffset"}
    with pytest.raises(SourceError) as caught:
        RockDatabase.open(server.through(driver))
    assert caught.value.error_code == "ROCK_COLUMN_TYPE"
    assert "Person.CreatedDateTime" in caught.value.message


@given(st.integers(-(10**15), 10**15))
@example(57)
def test_every_cent_in_a_double_is_that_cent(cents: int) -> None:
    (amount,) = fitted(pl.Series([cents / 100]), "money")
    assert amount == Decimal(cents) / 100


@given(st.decimals(-(10**13), 10**13, places=3))
def test_a_tenth_of_a_cent_is_never_cut_off(amount: Decimal) -> None:
    series = series_of("amount", [amount])
    if amount == amount.quantize(Decimal("0.01")):
        assert fitted(series, "money").to_list() == [amount]
    else:
        with pytest.raises(ValueError):
            fitted(series, "money")
