"""SQL Server's protocol through FreeTDS: every byte of a real driver, with and without Arrow."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import fields
from datetime import date, datetime

import polars as pl
import psycopg
import pytest
import sqlalchemy as sa
from polars.testing import assert_frame_equal

from migrate_etl.rock import diagnose
from migrate_etl.rock.database import RockDatabase
from migrate_etl.rock.lookups import read_lookups
from migrate_etl.rock.tables import ROCK_COLUMNS
from migrate_etl.spec import RockImportSpec
from migrate_transfer.core.errors import SourceError
from migrate_transfer.core.retry import RetryPolicy
from tests.conftest import Postgres
from tests.fakes.tds import TdsServer, serve
from tests.migrate_etl.rock import church

PASSWORD = "s{e[c;r'e\"t p=a@!"


@pytest.fixture(scope="module")
def church_url(postgres: Postgres) -> str:
    url = postgres.create("tds")
    church.build(url)
    with postgres.connect("tds") as connection:
        # A bit compares with 1, as in T-SQL; and SQL Server's datetime begins in 1753.
        connection.execute(
            "UPDATE pg_cast SET castcontext = 'i' WHERE castsource = 'int4'::regtype AND casttarget = 'bool'::regtype"
        )
        for table, column in (("Person", "CreatedDateTime"), ("FinancialTransaction", "TransactionDateTime")):
            connection.execute(f'UPDATE "{table}" SET "{column}" = \'1753-01-01\' WHERE "{column}" < \'1753-01-01\'')
    return url


@pytest.fixture
def server(church_url: str, postgres: Postgres) -> Iterator[TdsServer]:
    conninfo = psycopg.conninfo.make_conninfo(host=str(postgres.folder), dbname="tds")
    with serve(TdsServer(conninfo, {"postgres": PASSWORD})) as running:
        yield running


def ado(server: TdsServer, *, database: str = "RockDB", password: str = PASSWORD) -> str:
    quoted = password.replace('"', '""')
    login = f'User Id=postgres;Password="{quoted}"'
    return f"Server=tcp:127.0.0.1,{server.port};Database={database};{login};TrustServerCertificate=true"


def whole(database: RockDatabase, table: str) -> sa.Select[tuple[object, ...]]:
    columns = database.tables[table].c
    return sa.select(columns.Id.label("id"), *(column for column in columns if column.key != "Id"))


@pytest.mark.parametrize("table", ROCK_COLUMNS)
def test_every_table_reads_as_from_postgresql(server: TdsServer, church_url: str, table: str) -> None:
    with RockDatabase.open(church_url, page_size=3) as straight, RockDatabase.open(ado(server), page_size=3) as over:
        expected = pl.concat(straight.pages(whole(straight, table), straight.tables[table].c.Id))
        assert_frame_equal(pl.concat(over.pages(whole(over, table), over.tables[table].c.Id)), expected)
        assert_frame_equal(over.frame(whole(over, table).order_by(over.tables[table].c.Id)), expected)
        assert over.no_arrow is None


def test_lookups_read_as_from_postgresql(server: TdsServer, church_url: str) -> None:
    spec = RockImportSpec(
        job_id="j", organization="o", mission_url="http://m", started_on=date(2024, 1, 1), time_zone="UTC"
    )
    with RockDatabase.open(church_url) as straight, RockDatabase.open(ado(server)) as over:
        expected, found = read_lookups(straight, spec), read_lookups(over, spec)
    for field in fields(expected):
        assert_frame_equal(getattr(found, field.name), getattr(expected, field.name), check_row_order=False)


def test_the_session_is_gentle_before_anything_is_read(server: TdsServer) -> None:
    with RockDatabase.open(ado(server)):
        asked = [sql for sql in server.statements if not sql.startswith("sp_datatype_info")]
    assert asked[:4] == [
        "SET LOCK_TIMEOUT 15000",
        "SET DEADLOCK_PRIORITY LOW",
        "SET TEXTSIZE 2147483647",
        "SET DATEFORMAT ymd",
    ]
    assert not any("NOLOCK" in sql.upper() for sql in server.statements)


@pytest.mark.parametrize(("state", "consistency"), [(1, "snapshot"), (0, "pages"), (3, "pages"), (None, "pages")])
def test_snapshots_are_used_only_where_the_database_says_so(
    server: TdsServer, state: int | None, consistency: str
) -> None:
    server.snapshot_state = state
    with RockDatabase.open(ado(server)) as database:
        assert database.consistency == consistency
    assert ("SET TRANSACTION ISOLATION LEVEL SNAPSHOT" in server.statements) == (consistency == "snapshot")


def test_an_answer_cut_short_is_asked_for_again(server: TdsServer) -> None:
    with RockDatabase.open(ado(server), page_size=2, retry=RetryPolicy(first=0.0)) as database:
        key = database.tables["Person"].c.Id
        for after in range(3):
            server.hang_up_after = server.answers + 1 + after
            pages = database.pages(sa.select(key.label("id")), key)
            assert pl.concat(pages)["id"].to_list() == [3, 6, 9, 12, 15, 18, 21, 24]
        assert database.reconnects > 0


def test_midnight_is_written_so_that_no_language_misreads_it(server: TdsServer) -> None:
    with RockDatabase.open(ado(server)) as database:
        moment = database.tables["FinancialTransaction"].c.TransactionDateTime
        database.frame(sa.select(moment).where(moment >= datetime(2024, 3, 4)))
    assert "'2024-03-04T00:00:00'" in server.statements[-1]


def test_a_password_beyond_ascii_opens_the_database_and_never_goes_out_garbled(server: TdsServer) -> None:
    server.logins["postgres"] = "pä=ßwörd😀"
    with RockDatabase.open(ado(server, password="pä=ßwörd😀")) as database:
        page = next(iter(database.pages(whole(database, "Campus"), database.tables["Campus"].c.Id)))
        assert page.height == 2
        assert "ASCII" in str(database.no_arrow)
    assert server.refused_logins == 0


def test_wrong_password(server: TdsServer) -> None:
    diagnosis = diagnose.test_connection(ado(server, password="wrong"))
    assert diagnosis.code == "ROCK_LOGIN_FAILED"
    assert "password" in str(diagnosis.remedy)


def test_wrong_database(server: TdsServer) -> None:
    diagnosis = diagnose.test_connection(ado(server, database="Rok"))
    assert diagnosis.code == "ROCK_DATABASE_NOT_FOUND"
    assert "exactly" in str(diagnosis.remedy)


def test_a_readable_database_is_described(server: TdsServer) -> None:
    contents = diagnose.test_connection(ado(server)).contents
    assert contents is not None
    assert (contents.arrow, contents.collation) == (True, "SQL_Latin1_General_CP1_CI_AS")
    assert any("certificate" in note for note in contents.notes)


def test_encryption_that_the_server_cannot_do_is_not_silently_left_out(server: TdsServer) -> None:
    with pytest.raises(SourceError) as caught:
        RockDatabase.open(ado(server) + ";Encrypt=true")
    assert caught.value.error_code in ("ROCK_ENCRYPTION_REFUSED", "ROCK_UNREACHABLE")
    assert server.statements == []


def test_a_closed_port() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    diagnosis = diagnose.test_connection(f"Server=127.0.0.1,{port};Database=d;User Id=u;Password=p")
    assert diagnosis.code == "ROCK_UNREACHABLE"
    assert "1433" in str(diagnosis.remedy)


def test_a_port_that_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        text = f"Server=127.0.0.1,{port};Database=d;User Id=u;Password=p;Connect Timeout=1"
        assert diagnose.test_connection(text).code == "ROCK_UNREACHABLE"


def test_a_driver_that_is_not_installed_is_named_with_the_command_that_installs_one() -> None:
    diagnosis = diagnose.test_connection("mssql+pyodbc://u:p@127.0.0.1/d?driver=ODBC+Driver+99+for+SQL+Server")
    assert diagnosis.code == "ODBC_DRIVER_MISSING"
    assert "apt-get install" in str(diagnosis.remedy)


def test_a_text_longer_than_its_column_says_is_never_cut(server: TdsServer) -> None:
    with RockDatabase.open(ado(server)) as database:
        prayer = database.tables["PrayerRequest"]
        text = sa.type_coerce(prayer.c.Text, sa.Unicode(50)).label("text")
        page = next(iter(database.pages(sa.select(prayer.c.Id.label("id"), text), prayer.c.Id)))
        assert page["text"].to_list() == [church.LONG_TEXT]
        assert database.no_arrow is not None
