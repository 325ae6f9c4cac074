"""What a login of SQL Server may do and where it is at home: more than reading is never needed, by either driver."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate_etl.rock import diagnose
from migrate_etl.rock.database import RockDatabase
from tests.conftest import Postgres
from tests.migrate_etl.rock import church
from tests.migrate_etl.rock.conftest import DRIVERS, SqlServer, fit_for_sql_server, running

SECRET = "only reads"


@pytest.fixture(scope="module")
def rock(postgres: Postgres, certificate: tuple[Path, ssl.SSLContext]) -> Iterator[SqlServer]:
    """A church, and a login `datareader` whose own schema has tables of the same names that are none of Rock's."""
    url = postgres.create("rights")
    church.build(url)
    fit_for_sql_server(postgres, "rights")
    postgres.add_login("datareader", SECRET)
    with postgres.connect("rights") as connection:
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO datareader")
        connection.execute('CREATE SCHEMA own; CREATE TABLE own."Person" ("Id" int, "FirstName" varchar(9))')
        connection.execute('GRANT USAGE ON SCHEMA own TO datareader; GRANT SELECT ON own."Person" TO datareader')
        connection.execute("ALTER ROLE datareader SET search_path = own")
    for server in running(postgres, "rights", url, certificate[1]):
        server.tds.logins["datareader"] = SECRET
        yield server


def reader(rock: SqlServer, driver: str) -> str:
    return rock.through(driver, user="datareader", password=SECRET)


@DRIVERS
def test_a_login_that_may_only_read_is_enough_wherever_it_is_at_home(rock: SqlServer, driver: str) -> None:
    contents = diagnose.test_connection(reader(rock, driver)).contents
    assert contents is not None
    assert (contents.rows["Person"], contents.arrow, contents.last_update) == (8, True, None)


@DRIVERS
def test_a_table_the_login_may_not_read_is_named(rock: SqlServer, driver: str) -> None:
    with rock.postgres.connect("rights") as connection:
        connection.execute('REVOKE ALL ON "FinancialTransactionDetail" FROM datareader')
        diagnosis = diagnose.test_connection(reader(rock, driver))
        connection.execute('GRANT SELECT ON "FinancialTransactionDetail" TO datareader')
    assert diagnosis.code == "ROCK_PERMISSION_DENIED"
    assert diagnosis.details["tables"] == ["FinancialTransactionDetail"]
    assert "db_datareader" in str(diagnosis.remedy)


@DRIVERS
def test_a_column_the_login_may_not_read_is_found_by_asking(rock: SqlServer, driver: str) -> None:
    with rock.postgres.connect("rights") as connection:
        connection.execute(
            'REVOKE ALL ON "Person" FROM datareader; GRANT SELECT ("Id", "Guid") ON "Person" TO datareader'
        )
        diagnosis = diagnose.test_connection(reader(rock, driver))
        connection.execute('GRANT SELECT ON "Person" TO datareader')
    assert diagnosis.code in ("ROCK_PERMISSION_DENIED", "ROCK_SCHEMA_INCOMPLETE")
    assert "Person" in diagnosis.message


@DRIVERS
@pytest.mark.parametrize(
    ("table", "code"), [("Person", "NOT_A_ROCK_DATABASE"), ("AttendanceOccurrence", "ROCK_TOO_OLD")]
)
def test_a_database_without_the_tables_that_tell_a_rock(rock: SqlServer, driver: str, table: str, code: str) -> None:
    with rock.postgres.connect("rights") as connection:
        connection.execute(f'ALTER TABLE "{table}" RENAME TO "Gone"')
        diagnosis = diagnose.test_connection(rock.through(driver))
        connection.execute(f'ALTER TABLE "Gone" RENAME TO "{table}"')
    assert diagnosis.code == code


@DRIVERS
def test_nothing_is_written_and_nothing_asked_that_a_reader_may_not(rock: SqlServer, driver: str) -> None:
    begun = len(rock.tds.statements)
    with RockDatabase.open(reader(rock, driver)):
        asked = rock.tds.statements[begun:]
    words = {sql.split(maxsplit=1)[0].upper() for sql in asked}
    assert words <= {"SELECT", "SET", "BEGIN", "IF", "SP_DATATYPE_INFO_100"}
    assert not any("sys." in sql and "sys.databases" not in sql for sql in asked)
