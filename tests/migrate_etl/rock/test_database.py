"""RockDatabase over its three roads: SQLite, psycopg, ODBC with and without Arrow. The same rows by each."""

from __future__ import annotations

import sqlite3
import threading
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from polars.testing import assert_frame_equal

from migrate_etl.rock.database import RockDatabase
from migrate_etl.rock.tables import ROCK_COLUMNS
from migrate_transfer.core.errors import MigrateError, SourceError
from migrate_transfer.core.retry import RetryPolicy
from tests.conftest import Postgres
from tests.migrate_etl.rock import church


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> dict[str, str]:
    """One church three times: road -> connection string."""
    file = f"sqlite:///{tmp_path_factory.mktemp('church') / 'rock.db'}"
    church.build(file)
    url = postgres.create("church")
    church.build(url)
    return {"sqlite": file, "psycopg": url, "odbc": postgres.odbc("church")}


ROADS = ["sqlite", "psycopg", "odbc"]


def whole(database: RockDatabase, table: str) -> sa.Select[tuple[object, ...]]:
    columns = database.tables[table].c
    return sa.select(columns.Id.label("id"), *(column for column in columns if column.key != "Id"))


def read(url: str, table: str, page_size: int = 3) -> list[pl.DataFrame]:
    with RockDatabase.open(url, page_size=page_size) as database:
        return list(database.pages(whole(database, table), database.tables[table].c.Id))


@pytest.mark.parametrize("table", ROCK_COLUMNS)
@pytest.mark.parametrize("road", ["sqlite", "odbc"])
def test_every_table_reads_alike_by_every_road(urls: dict[str, str], road: str, table: str) -> None:
    expected = read(urls["psycopg"], table)
    pages = read(urls[road], table)
    assert [page.height for page in pages] == [page.height for page in expected]
    assert_frame_equal(pl.concat(pages), pl.concat(expected))


@pytest.mark.parametrize("table", ["Person", "FinancialTransactionDetail", "AttendanceOccurrence", "Campus"])
def test_arrow_and_pyodbc_yield_the_same_rows(urls: dict[str, str], table: str) -> None:
    with RockDatabase.open(urls["odbc"], page_size=3) as database:
        statement = whole(database, table)
        by_arrow = pl.concat(database.pages(statement, database.tables[table].c.Id))
        assert database.no_arrow is None
        assert_frame_equal(by_arrow, database.frame(statement.order_by(database.tables[table].c.Id)))


@pytest.mark.parametrize("table", ROCK_COLUMNS)
def test_sqlite_yields_the_same_rows_as_arrays_and_as_tuples(urls: dict[str, str], table: str) -> None:
    with RockDatabase.open(urls["sqlite"], page_size=3) as database:
        key = database.tables[table].c.Id
        by_arrays = pl.concat(database.pages(whole(database, table), key))
        assert_frame_equal(by_arrays, database.frame(whole(database, table).order_by(key)))


def test_children_keep_the_order_they_were_asked_in(urls: dict[str, str]) -> None:
    for url in urls.values():
        with RockDatabase.open(url) as database:
            phone = database.tables["PhoneNumber"]
            statement = sa.select(phone.c.PersonId.label("parent_id"), phone.c.Id.label("phone_id"))
            latest_first = statement.order_by(phone.c.PersonId, phone.c.Id.desc())
            assert database.children(latest_first, phone.c.PersonId, 0, 99)["phone_id"].to_list() == [2, 1, 3, 4, 5]


def test_a_text_too_long_for_its_column_is_read_whole_by_pyodbc(urls: dict[str, str]) -> None:
    with RockDatabase.open(urls["odbc"]) as database:
        prayer = database.tables["PrayerRequest"]
        text = sa.type_coerce(prayer.c.Text, sa.Unicode(50)).label("text")
        page = next(iter(database.pages(sa.select(prayer.c.Id.label("id"), text), prayer.c.Id)))
        assert page["text"].to_list() == [church.LONG_TEXT]
        assert database.no_arrow is not None


@pytest.mark.parametrize("road", ROADS)
def test_money_is_exact_to_the_last_cent(urls: dict[str, str], road: str) -> None:
    with RockDatabase.open(urls[road]) as database:
        amount = database.tables["FinancialTransactionDetail"].c.Amount
        frame = database.frame(sa.select(sa.func.sum(amount).label("sum"), sa.func.max(amount).label("max")))
    assert frame.row(0) == (Decimal("0.01"), Decimal("9999999999999999.99"))
    assert frame.schema["sum"] == pl.Decimal(38, 2)


@pytest.mark.parametrize("road", ROADS)
def test_an_empty_table_yields_one_empty_page_with_its_types(urls: dict[str, str], road: str) -> None:
    (page,) = read(urls[road], "Attendance")
    assert page.height == 0
    assert page.schema["StartDateTime"] == pl.Datetime("us")
    assert page.schema["DidAttend"] == pl.Boolean


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("page_size", [1, 4, 8, 9])
def test_pages_keep_to_their_size_and_order(urls: dict[str, str], road: str, page_size: int) -> None:
    pages = read(urls[road], "Person", page_size)
    assert all(0 < page.height <= page_size for page in pages[:-1])
    assert pl.concat(pages)["id"].to_list() == [3, 6, 9, 12, 15, 18, 21, 24]


@pytest.mark.parametrize("road", ROADS)
def test_pages_keep_between_their_bounds(urls: dict[str, str], road: str) -> None:
    with RockDatabase.open(urls[road], page_size=2) as database:
        key = database.tables["Person"].c.Id
        pages = database.pages(sa.select(key.label("id")), key, after=6, upto=15)
        assert [page["id"].to_list() for page in pages] == [[9, 12], [15]]


@pytest.mark.parametrize("road", ROADS)
def test_children_come_for_both_ends_of_the_range(urls: dict[str, str], road: str) -> None:
    with RockDatabase.open(urls[road]) as database:
        phone = database.tables["PhoneNumber"]
        statement = sa.select(phone.c.PersonId.label("parent_id"), phone.c.Id.label("phone_id")).order_by(phone.c.Id)
        children = database.children(statement, phone.c.PersonId, 3, 9)
    assert children["phone_id"].to_list() == [1, 2, 3, 4]


@pytest.mark.parametrize("road", ROADS)
def test_a_range_of_dates_takes_midnight_in_and_the_next_midnight_not(urls: dict[str, str], road: str) -> None:
    with RockDatabase.open(urls[road]) as database:
        occurrence, header = database.tables["AttendanceOccurrence"].c, database.tables["FinancialTransaction"].c
        day = sa.and_(occurrence.OccurrenceDate >= date(2024, 2, 29), occurrence.OccurrenceDate < date(2024, 3, 1))
        first = sa.and_(
            header.TransactionDateTime >= datetime(1, 1, 1), header.TransactionDateTime < datetime(2024, 3, 10, 3)
        )
        assert database.frame(sa.select(occurrence.Id.label("id")).where(day))["id"].to_list() == [3]
        found = database.frame(sa.select(header.Id.label("id")).where(first).order_by(header.Id))
    assert found["id"].to_list() == [1, 4]


@pytest.mark.parametrize("road", ROADS)
def test_years_and_counts_are_whole_numbers(urls: dict[str, str], road: str) -> None:
    with RockDatabase.open(urls[road]) as database:
        moment = database.tables["FinancialTransaction"].c.TransactionDateTime
        year = sa.extract("year", moment).label("year")
        frame = database.frame(sa.select(year, sa.func.count().label("rows")).group_by(year).order_by(year))
    assert frame.schema == {"year": pl.Int64, "rows": pl.Int64}
    assert set(frame["year"].to_list()) == {None, 1, 2024, 9999}


def test_guids_come_in_lower_case(urls: dict[str, str]) -> None:
    assert {page["Guid"][0] for url in urls.values() for page in read(url, "Campus")} == {church.GUID.lower()}


@pytest.mark.parametrize("road", ROADS)
def test_the_database_cannot_be_written_to(urls: dict[str, str], road: str) -> None:
    with RockDatabase.open(urls[road]) as database, pytest.raises(MigrateError):
        database.scalar(sa.text('DELETE FROM "Campus"').columns(sa.column("Id", sa.Integer)))  # type: ignore[arg-type]
    assert read(urls[road], "Campus")[0].height == 2


def test_a_snapshot_does_not_see_what_comes_later(postgres: Postgres) -> None:
    church.build(postgres.create("moving"))
    with RockDatabase.open(postgres.odbc("moving")) as database, postgres.connect("moving") as other:
        count = sa.select(sa.func.count().label("n")).select_from(database.tables["Campus"])
        assert (database.consistency, database.scalar(count)) == ("snapshot", 2)
        other.execute('DELETE FROM "Campus" WHERE "Id" = 1')
        assert database.scalar(count) == 2
        database.renew()
        assert database.scalar(count) == 1


def test_sqlite_keeps_one_moment_where_its_journal_allows(tmp_path: Path) -> None:
    church.build(f"sqlite:///{tmp_path / 'rock.db'}")
    writer = sqlite3.connect(tmp_path / "rock.db")
    with RockDatabase.open(f"sqlite:///{tmp_path / 'rock.db'}") as database:
        assert database.consistency == "pages"
    writer.execute("PRAGMA journal_mode = WAL")
    with RockDatabase.open(f"sqlite:///{tmp_path / 'rock.db'}") as database:
        count = sa.select(sa.func.count().label("n")).select_from(database.tables["Campus"])
        assert (database.consistency, database.scalar(count)) == ("snapshot", 2)
        writer.execute("DELETE FROM Campus")
        writer.commit()
        assert database.scalar(count) == 2
    writer.close()


def test_a_broken_connection_is_made_again_and_no_row_is_lost_or_doubled(postgres: Postgres) -> None:
    church.build(postgres.create("broken"))
    patience = RetryPolicy(first=0.0)
    for url in (postgres.url("broken"), postgres.odbc("broken")):
        ids: list[int] = []
        with RockDatabase.open(url, page_size=2, retry=patience) as database, postgres.connect() as other:
            key = database.tables["Person"].c.Id
            for page in database.pages(sa.select(key.label("id")), key):
                ids += page["id"].to_list()
                other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'broken'")
            assert database.reconnects > 0
        assert ids == [3, 6, 9, 12, 15, 18, 21, 24]


def test_sqlite_dates_are_read_in_each_form_they_are_written_in(tmp_path: Path) -> None:
    church.build(f"sqlite:///{tmp_path / 'rock.db'}")
    forms = ["2024-01-01 00:00:00", "2024-01-01T00:00:00", "2024-01-01 00:00:00.000000", "2024-01-01", None]
    with sqlite3.connect(tmp_path / "rock.db") as connection:
        connection.execute("DELETE FROM FinancialTransaction")
        row = "INSERT INTO FinancialTransaction (Id, TransactionDateTime, TransactionTypeValueId, ShowAsAnonymous)"
        connection.executemany(f"{row} VALUES (?, ?, 1, 0)", list(enumerate(forms, start=1)))
    connection.close()
    with RockDatabase.open(f"sqlite:///{tmp_path / 'rock.db'}") as database:
        header = database.tables["FinancialTransaction"].c
        within = header.TransactionDateTime.between(datetime(2024, 1, 1), datetime(2024, 12, 31))
        frame = database.frame(sa.select(header.TransactionDateTime.label("moment")).where(within))
    assert frame["moment"].to_list() == [datetime(2024, 1, 1)] * 4


def test_a_value_that_does_not_fit_is_named_by_its_column_alone(tmp_path: Path) -> None:
    church.build(f"sqlite:///{tmp_path / 'rock.db'}")
    with sqlite3.connect(tmp_path / "rock.db") as connection:
        connection.execute("UPDATE FinancialTransaction SET TransactionDateTime = 'Anna said noon'")
    connection.close()
    with pytest.raises(SourceError) as caught:
        read(f"sqlite:///{tmp_path / 'rock.db'}", "FinancialTransaction")
    assert caught.value.error_code == "ROCK_VALUE_UNREADABLE"
    assert "TransactionDateTime" in caught.value.message
    assert "Anna" not in f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"


def test_a_database_may_be_read_by_another_thread_than_the_one_that_opened_it(urls: dict[str, str]) -> None:
    heights: list[int] = []
    with RockDatabase.open(urls["sqlite"]) as database:
        key = database.tables["Person"].c.Id
        reader = threading.Thread(
            target=lambda: heights.extend(p.height for p in database.pages(sa.select(key.label("id")), key))
        )
        reader.start()
        reader.join()
    assert heights == [8]
