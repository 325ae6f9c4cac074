"""Test Connection tells apart what can be wrong, on real databases and real drivers."""

from __future__ import annotations

import json
import sqlite3
from datetime import date
from pathlib import Path

import pytest
from psycopg import sql

from migrate_etl.rock import diagnose
from migrate_etl.rock.database import RockDatabase
from migrate_etl.rock.release import estimate_release
from migrate_etl.rock.tables import RockTables
from migrate_transfer.core.errors import SourceError
from tests.conftest import Postgres
from tests.migrate_etl.rock import church


@pytest.fixture(scope="module")
def rock(postgres: Postgres) -> str:
    """A church in PostgreSQL, and a login `reader` that may read all of it but the gifts."""
    church.build(postgres.create("diagnosed"))
    postgres.add_login("reader", "right")
    with postgres.connect("diagnosed") as connection:
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
        connection.execute('REVOKE ALL ON "FinancialTransactionDetail" FROM reader')
    return "diagnosed"


def test_a_readable_database_is_described(postgres: Postgres, rock: str) -> None:
    diagnosis = diagnose.test_connection(postgres.odbc(rock))
    contents = diagnosis.contents
    assert diagnosis.ok
    assert contents is not None
    assert [(campus.id, campus.is_active) for campus in contents.campuses] == [(1, True), (2, None)]
    assert contents.gifts == diagnose.Period(date(1, 1, 1), date(9999, 12, 31))
    assert (contents.rows["Person"], contents.rows["FinancialTransactionDetail"]) == (8, 4)
    assert (contents.consistency, contents.arrow) == ("snapshot", True)
    assert json.loads(json.dumps(diagnosis.as_dict()))["contents"]["gifts"]["first"] == "0001-01-01"


def test_a_table_the_login_may_not_read_is_named(postgres: Postgres, rock: str) -> None:
    diagnosis = diagnose.test_connection(postgres.odbc(rock, user="reader", password="right"))
    assert diagnosis.code == "ROCK_PERMISSION_DENIED"
    assert "FinancialTransactionDetail" in diagnosis.message
    assert "db_datareader" in str(diagnosis.remedy)
    assert diagnosis.details["tables"] == ["FinancialTransactionDetail"]


def test_wrong_password(postgres: Postgres, rock: str) -> None:
    diagnosis = diagnose.test_connection(postgres.odbc(rock, user="reader", password="hunter2"))
    assert diagnosis.code == "ROCK_LOGIN_FAILED"
    assert "hunter2" not in json.dumps(diagnosis.as_dict())


def test_wrong_database(postgres: Postgres, rock: str) -> None:
    assert diagnose.test_connection(postgres.odbc("RockD")).code == "ROCK_DATABASE_NOT_FOUND"


def test_refused_port() -> None:
    text = "odbc:Driver={PostgreSQL Unicode};Server=127.0.0.1;Port=1;Database=d;Uid=u;"
    assert diagnose.test_connection(text).code == "ROCK_UNREACHABLE"


def test_not_a_rock_database(postgres: Postgres) -> None:
    diagnosis = diagnose.test_connection(postgres.odbc("postgres"))
    assert diagnosis.code == "NOT_A_ROCK_DATABASE"
    assert "exactly" in str(diagnosis.remedy)


@pytest.mark.parametrize(
    ("table", "column"), [("AttendanceOccurrence", "Id"), ("Attendance", "OccurrenceId")], ids=["table", "column"]
)
def test_rock_before_occurrences_is_too_old(tmp_path: Path, table: str, column: str) -> None:
    columns = church.current()
    columns[table].remove(column)
    if column == "Id":
        del columns[table]
    church.build(f"sqlite:///{tmp_path / 'rock.db'}", columns)
    assert diagnose.test_connection(f"sqlite:///{tmp_path / 'rock.db'}").code == "ROCK_TOO_OLD"


def test_columns_of_later_releases_may_be_lacking_and_are_listed(tmp_path: Path) -> None:
    columns = church.current()
    for table, column in (("Person", "GivingId"), ("Person", "PrimaryCampusId"), ("Group", "IsArchived")):
        columns[table].remove(column)
    church.build(f"sqlite:///{tmp_path / 'rock.db'}", columns)
    contents = diagnose.test_connection(f"sqlite:///{tmp_path / 'rock.db'}").contents
    assert contents is not None
    assert contents.missing_columns == ("Person.GivingId", "Person.PrimaryCampusId", "Group.IsArchived")
    assert contents.release == "v8.0 or later, before v10.0"


def test_a_column_that_every_release_has_is_missed_by_name(tmp_path: Path) -> None:
    columns = church.current()
    columns["FinancialTransactionDetail"].remove("Amount")
    church.build(f"sqlite:///{tmp_path / 'rock.db'}", columns)
    diagnosis = diagnose.test_connection(f"sqlite:///{tmp_path / 'rock.db'}")
    assert diagnosis.code == "ROCK_SCHEMA_INCOMPLETE"
    assert "FinancialTransactionDetail.Amount" in diagnosis.message


def test_moments_with_an_offset_are_refused_by_name(postgres: Postgres) -> None:
    church.build(postgres.create("offsets"))
    with postgres.connect("offsets") as connection:
        connection.execute('ALTER TABLE "FinancialTransaction" ALTER "TransactionDateTime" TYPE timestamptz')
    diagnosis = diagnose.test_connection(postgres.odbc("offsets"))
    assert diagnosis.code == "ROCK_COLUMN_TYPE"
    assert "FinancialTransaction.TransactionDateTime" in diagnosis.message


def test_a_file_that_is_not_there_and_one_that_is_no_database(tmp_path: Path) -> None:
    assert diagnose.test_connection(f"sqlite:///{tmp_path / 'no.db'}").code == "ROCK_DATABASE_NOT_FOUND"
    (tmp_path / "text.db").write_text("not a database, just words " * 50)
    assert diagnose.test_connection(f"sqlite:///{tmp_path / 'text.db'}").code == "NOT_A_ROCK_DATABASE"
    assert not (tmp_path / "no.db").exists()


def test_the_newest_migration_dates_the_last_update(tmp_path: Path) -> None:
    church.build(f"sqlite:///{tmp_path / 'rock.db'}")
    with sqlite3.connect(tmp_path / "rock.db") as connection:
        connection.execute('CREATE TABLE "__MigrationHistory" (MigrationId TEXT)')
        connection.execute("INSERT INTO \"__MigrationHistory\" VALUES ('202405021655212_Rollup')")
    connection.close()
    contents = diagnose.test_connection(f"sqlite:///{tmp_path / 'rock.db'}").contents
    assert contents is not None
    assert contents.last_update == date(2024, 5, 2)


def test_unusable_strings_are_a_diagnosis_too() -> None:
    assert diagnose.test_connection("").code == "INVALID_CONNECTION_STRING"
    assert (
        diagnose.test_connection("Server=h;Database=d;Integrated Security=SSPI").code == "INTEGRATED_SECURITY_REFUSED"
    )


def test_opening_for_an_import_fails_with_the_same_code(postgres: Postgres, rock: str) -> None:
    with pytest.raises(SourceError) as caught:
        RockDatabase.open(postgres.odbc(rock, user="reader", password="right"))
    assert caught.value.error_code == "ROCK_PERMISSION_DENIED"


def test_releases_are_told_by_their_columns() -> None:
    columns = church.current()
    assert estimate_release(RockTables(columns)) == "v10.0 or later, before v10.2"
    columns["Person"] += ["PrimaryAliasId"]
    assert estimate_release(RockTables(columns)) == "v16.0 or later, before v17.0"
    columns["Person"] += ["PrimaryAliasGuid"]
    assert estimate_release(RockTables(columns)) == "v17.0 or later"


def test_a_login_without_its_own_rights_is_told_all_it_lacks(postgres: Postgres, rock: str) -> None:
    postgres.add_login("stranger", "right")
    with postgres.connect(rock) as connection:
        connection.execute(
            sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(sql.Identifier("stranger"))
        )
    diagnosis = diagnose.test_connection(postgres.odbc(rock, user="stranger", password="right"))
    assert diagnosis.code == "ROCK_PERMISSION_DENIED"
    assert "Person" in diagnosis.message
