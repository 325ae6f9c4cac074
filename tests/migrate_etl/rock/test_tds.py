"""SQL Server's protocol through FreeTDS and Microsoft's driver: every byte of real drivers, with and without Arrow."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from polars.testing import assert_frame_equal

from migrate_etl.rock import diagnose
from migrate_etl.rock.database import RockDatabase
from migrate_etl.rock.lookups import read_lookups
from migrate_etl.rock.tables import ROCK_COLUMNS
from migrate_etl.spec import RockImportSpec
from migrate_transfer.core.retry import RetryPolicy
from tests.conftest import Postgres
from tests.fakes.drivers import FREETDS
from tests.fakes.tds.types import HALF_AN_EMOJI
from tests.migrate_etl.rock import church
from tests.migrate_etl.rock.conftest import DRIVERS, SqlServer, running

MOMENTS = ("CreatedDateTime", "ModifiedDateTime", "TransactionDateTime", "EnteredDateTime", "StartDateTime")


def whole(database: RockDatabase, table: str) -> sa.Select[tuple[object, ...]]:
    columns = database.tables[table].c
    return sa.select(columns.Id.label("id"), *(column for column in columns if column.key != "Id"))


def both_ways(database: RockDatabase, table: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The table by pages, which come through Arrow where they can, and as rows."""
    key = database.tables[table].c.Id
    return pl.concat(database.pages(whole(database, table), key)), database.frame(whole(database, table).order_by(key))


@DRIVERS
@pytest.mark.parametrize("table", ROCK_COLUMNS)
def test_every_table_reads_as_from_postgresql(server: SqlServer, driver: str, table: str) -> None:
    with RockDatabase.open(server.url, page_size=3) as straight:
        expected, _ = both_ways(straight, table)
    with RockDatabase.open(server.through(driver), page_size=3) as over:
        by_pages, by_rows = both_ways(over, table)
        assert over.no_arrow is None
    assert_frame_equal(by_pages, expected)
    assert_frame_equal(by_rows, expected)


def gifts_of_our_time(database: RockDatabase) -> pl.DataFrame:
    gifts = database.tables["FinancialTransaction"].c
    ours = gifts.TransactionDateTime.between(datetime(1901, 1, 1), datetime(2078, 1, 1))
    return pl.concat(database.pages(whole(database, "FinancialTransaction").where(ours), gifts.Id))


@DRIVERS
@pytest.mark.parametrize("kind", ["datetime2", "smalldatetime"])
def test_moments_of_other_types_are_the_same_moments(server: SqlServer, driver: str, kind: str) -> None:
    server.tds.types = dict.fromkeys(MOMENTS, kind)
    with RockDatabase.open(server.url) as straight, RockDatabase.open(server.through(driver)) as over:
        expected, page = (gifts_of_our_time(straight), gifts_of_our_time(over))
    if kind == "smalldatetime":  # of minutes
        expected = expected.with_columns(pl.col(MOMENTS[2]).dt.truncate("1m"))
    assert_frame_equal(page, expected)


@DRIVERS
def test_datetime2_spans_all_years_and_money_its_whole_range(server: SqlServer, driver: str) -> None:
    server.tds.types = {**dict.fromkeys(MOMENTS, "datetime2"), "Amount": "money"}
    with RockDatabase.open(server.url) as straight, RockDatabase.open(server.through(driver)) as over:
        assert_frame_equal(both_ways(over, "Person")[0], both_ways(straight, "Person")[0])
        detail = over.tables["FinancialTransactionDetail"].c
        small = detail.Amount.between(-1000, 1000)
        (page,) = over.pages(whole(over, "FinancialTransactionDetail").where(small), detail.Id)
        assert [str(amount) for amount in page["Amount"]] == ["0.01", "0.00"]


@DRIVERS
def test_lookups_read_as_from_postgresql(server: SqlServer, driver: str) -> None:
    spec = RockImportSpec(
        job_id="j", organization="o", mission_url="http://m", started_on=date(2024, 1, 1), time_zone="UTC"
    )
    with RockDatabase.open(server.url) as straight, RockDatabase.open(server.through(driver)) as over:
        expected, found = read_lookups(straight, spec), read_lookups(over, spec)
    for field in fields(expected):
        assert_frame_equal(getattr(found, field.name), getattr(expected, field.name), check_row_order=False)


@DRIVERS
def test_the_session_is_gentle_before_anything_is_read(server: SqlServer, driver: str) -> None:
    with RockDatabase.open(server.through(driver)):
        asked = [sql for sql in server.tds.statements if not sql.startswith("sp_datatype_info")]
    assert asked[:4] == [
        "SET LOCK_TIMEOUT 15000",
        "SET DEADLOCK_PRIORITY LOW",
        "SET TEXTSIZE 2147483647",
        "SET DATEFORMAT ymd",
    ]
    assert not any("NOLOCK" in sql.upper() for sql in server.tds.statements)


@DRIVERS
@pytest.mark.parametrize(("given", "asked"), [({}, True), ({"ApplicationIntent": "ReadWrite"}, False)])
def test_a_readable_replica_is_asked_for_unless_told_otherwise(
    server: SqlServer, driver: str, given: dict[str, str], asked: bool
) -> None:
    with RockDatabase.open(server.through(driver, **given)):
        (login,) = server.tds.seen
    assert (login.read_only, login.application) == (asked, "Migrate")


@DRIVERS
def test_a_login_that_is_sent_on_to_a_replica_reads_there(
    server: SqlServer, driver: str, church_url: str, postgres: Postgres, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    for replica in running(postgres, "tds", church_url, certificate[1]):
        server.tds.readable_replica = replica.tds.port
        contents = diagnose.test_connection(server.through(driver)).contents
        assert contents is not None
        assert (contents.rows["Person"], contents.arrow) == (8, True)
        assert [login.read_only for login in replica.tds.seen] == [True, True]
    assert server.tds.statements == []


@DRIVERS
@pytest.mark.parametrize(("state", "consistency"), [(1, "snapshot"), (0, "pages"), (3, "pages"), (None, "pages")])
def test_snapshots_are_used_only_where_the_database_says_so(
    server: SqlServer, driver: str, state: int | None, consistency: str
) -> None:
    server.tds.snapshot_state = state
    with RockDatabase.open(server.through(driver)) as database:
        assert database.consistency == consistency
    assert ("SET TRANSACTION ISOLATION LEVEL SNAPSHOT" in server.tds.statements) == (consistency == "snapshot")


@DRIVERS
def test_what_changes_after_the_first_page_is_not_seen_in_a_snapshot(server: SqlServer, driver: str) -> None:
    server.tds.snapshot_state = 1
    with RockDatabase.open(server.through(driver), page_size=1) as database:
        campus = database.tables["Campus"].c
        pages = database.pages(sa.select(campus.Id.label("id"), campus.Name.label("name")), campus.Id)
        names = next(pages)["name"].to_list()
        with server.postgres.connect("tds") as other:
            other.execute('UPDATE "Campus" SET "Name" = \'Other\' WHERE "Id" = 2')
        names += pl.concat(pages)["name"].to_list()
        database.renew()
        (renewed,) = database.frame(sa.select(campus.Name.label("name")).where(campus.Id == 2))["name"]
        with server.postgres.connect("tds") as other:
            other.execute('UPDATE "Campus" SET "Name" = \'Nord 😀\' WHERE "Id" = 2')
    assert (names, renewed) == (["Main", "Nord 😀"], "Other")


@DRIVERS
def test_midnight_is_a_day_alone_and_any_other_moment_iso(server: SqlServer, driver: str) -> None:
    with RockDatabase.open(server.through(driver)) as database:
        moment = database.tables["FinancialTransaction"].c.TransactionDateTime
        database.frame(sa.select(moment).where(moment >= datetime(2024, 3, 4), moment < datetime(2024, 3, 4, 1)))
    assert "'2024-03-04' " in server.tds.statements[-1]
    assert "'2024-03-04T01:00:00'" in server.tds.statements[-1]


@DRIVERS
def test_a_password_beyond_ascii_opens_the_database_and_never_goes_out_garbled(server: SqlServer, driver: str) -> None:
    server.tds.logins["postgres"] = "pä=ßwörd😀"
    with RockDatabase.open(server.through(driver, password="pä=ßwörd😀")) as database:
        page = next(iter(database.pages(whole(database, "Campus"), database.tables["Campus"].c.Id)))
        assert page.height == 2
        assert "ASCII" in str(database.no_arrow)
    assert server.tds.refused_logins == 0


@DRIVERS
def test_a_text_longer_than_its_column_says_is_never_cut(server: SqlServer, driver: str) -> None:
    with RockDatabase.open(server.through(driver)) as database:
        prayer = database.tables["PrayerRequest"]
        text = sa.type_coerce(prayer.c.Text, sa.Unicode(50)).label("text")
        page = next(iter(database.pages(sa.select(prayer.c.Id.label("id"), text), prayer.c.Id)))
        assert page["text"].to_list() == [church.LONG_TEXT]
        assert database.no_arrow is not None


@pytest.fixture
def cut_within_a_letter(server: SqlServer) -> Iterator[None]:
    short, long = (f"cut {HALF_AN_EMOJI[0]}", HALF_AN_EMOJI[0])
    with server.postgres.connect("tds") as connection:
        connection.execute('UPDATE "Campus" SET "ShortCode" = %s WHERE "Id" = 2', [short])
        connection.execute(
            'INSERT INTO "PrayerRequest" ("Id", "Text", "EnteredDateTime") VALUES (2, %s, now())', [long]
        )
        yield
        connection.execute('UPDATE "Campus" SET "ShortCode" = NULL')
        connection.execute('DELETE FROM "PrayerRequest" WHERE "Id" = 2')


@DRIVERS
def test_half_an_emoji_is_a_replacement_character_by_every_road(
    server: SqlServer, driver: str, cut_within_a_letter: None
) -> None:
    with RockDatabase.open(server.through(driver)) as database:
        for page in both_ways(database, "Campus"):
            assert page["ShortCode"].to_list() == [None, "cut \ufffd"]
        for page in both_ways(database, "PrayerRequest"):
            assert page["Text"].to_list() == [church.LONG_TEXT, "\ufffd"]
        assert database.no_arrow is None


@DRIVERS
def test_an_answer_cut_short_is_asked_for_again(server: SqlServer, driver: str) -> None:
    with RockDatabase.open(server.through(driver), page_size=2, retry=RetryPolicy(first=0.0)) as database:
        key = database.tables["Person"].c.Id
        for after in range(3):
            server.tds.hang_up_after = server.tds.answers + 1 + after
            pages = database.pages(sa.select(key.label("id")), key)
            assert pl.concat(pages)["id"].to_list() == [3, 6, 9, 12, 15, 18, 21, 24]
        assert database.reconnects > 0


@DRIVERS
def test_wrong_password(server: SqlServer, driver: str) -> None:
    diagnosis = diagnose.test_connection(server.through(driver, password="wrong"))
    assert diagnosis.code == "ROCK_LOGIN_FAILED"
    assert "password" in str(diagnosis.remedy)


@DRIVERS
def test_wrong_database(server: SqlServer, driver: str) -> None:
    diagnosis = diagnose.test_connection(server.through(driver, database="Rok"))
    assert diagnosis.code == "ROCK_DATABASE_NOT_FOUND"
    assert "exactly" in str(diagnosis.remedy)


@DRIVERS
def test_a_readable_database_is_described(server: SqlServer, driver: str) -> None:
    contents = diagnose.test_connection(server.through(driver)).contents
    assert contents is not None
    assert (contents.arrow, contents.collation) == (True, "SQL_Latin1_General_CP1_CI_AS")
    assert any("certificate" in note for note in contents.notes) == (driver == FREETDS)


def test_microsofts_driver_is_taken_where_nobody_names_one(server: SqlServer) -> None:
    contents = diagnose.test_connection(server.ado()).contents
    assert contents is not None
    assert "msodbcsql" in contents.driver


def _closed() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@DRIVERS
def test_a_closed_port(server: SqlServer, driver: str) -> None:
    server.tds.port = _closed()
    diagnosis = diagnose.test_connection(server.through(driver, **{"Connect Timeout": "1"}))
    assert diagnosis.code == "ROCK_UNREACHABLE"
    assert "1433" in str(diagnosis.remedy)


@DRIVERS
def test_a_port_that_never_answers(server: SqlServer, driver: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server.tds.port = silent.getsockname()[1]
        assert diagnose.test_connection(server.through(driver, **{"Connect Timeout": "1"})).code == "ROCK_UNREACHABLE"


def test_a_driver_that_is_not_installed_is_named_with_the_command_that_installs_one() -> None:
    diagnosis = diagnose.test_connection("mssql+pyodbc://u:p@127.0.0.1/d?driver=ODBC+Driver+99+for+SQL+Server")
    assert diagnosis.code == "ODBC_DRIVER_MISSING"
    assert "apt-get install" in str(diagnosis.remedy)
