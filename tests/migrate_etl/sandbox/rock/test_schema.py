"""The tables of each release, as every database understands them."""

from __future__ import annotations

import pytest
import sqlglot
from sqlalchemy.dialects import mssql, postgresql
from sqlalchemy.schema import CreateTable

from migrate_etl.rock.tables import ROCK_COLUMNS
from migrate_etl.sandbox.rock.schema import metadata, version_of
from migrate_transfer.core.errors import InvalidRequest

ALL = list(metadata().tables)


@pytest.mark.parametrize("table", ALL)
def test_sql_server_understands_the_table(table: str) -> None:
    statement = str(CreateTable(metadata().tables[table]).compile(dialect=mssql.dialect()))
    (parsed,) = sqlglot.parse(statement, dialect="tsql")
    assert parsed is not None
    assert parsed.key == "create"


def test_types_are_those_of_sql_server() -> None:
    compiled = str(CreateTable(metadata().tables["FinancialTransactionDetail"]).compile(dialect=mssql.dialect()))
    assert "[Amount] NUMERIC(18, 2) NOT NULL" in compiled
    assert "[Guid] UNIQUEIDENTIFIER NOT NULL" in compiled


def test_postgres_keeps_names_and_decimals() -> None:
    compiled = str(CreateTable(metadata().tables["FinancialBatch"]).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    assert '"ControlAmount" NUMERIC(18, 2) NOT NULL' in compiled


@pytest.mark.parametrize("table", ROCK_COLUMNS)
def test_what_the_import_reads_is_there_with_its_type_and_nullability(table: str) -> None:
    known = metadata().tables[table].c
    for column in ROCK_COLUMNS[table]:
        assert known[column.name].nullable == column.nullable, column.name
        ours, theirs = column.type, known[column.name].type
        assert str(ours() if isinstance(ours, type) else ours) == str(theirs), column.name


@pytest.mark.parametrize(
    ("release", "table", "column", "there"),
    [
        ("v9", "Person", "PrimaryCampusId", False),
        ("v10.0", "Person", "PrimaryCampusId", True),
        ("v10.0", "Person", "GivingId", False),
        ("v10.2", "Person", "GivingId", True),
        ("v8", "FinancialTransaction", "FutureProcessingDateTime", False),
        ("v9", "FinancialTransaction", "FutureProcessingDateTime", True),
        ("v12", "FinancialTransactionDetail", "ForeignCurrencyAmount", False),
        ("v12.4", "FinancialTransactionDetail", "ForeignCurrencyAmount", True),
        ("v16", "Person", "PrimaryAliasId", True),
        ("current", "PrayerRequest", "ModerationFlags", True),
    ],
)
def test_a_release_lacks_what_came_later(release: str, table: str, column: str, there: bool) -> None:
    assert (column in metadata(release).tables[table].c) == there


def test_a_column_that_the_import_may_miss_is_no_older_here() -> None:
    for table, columns in ROCK_COLUMNS.items():
        for column in (column for column in columns if column.since):
            before = max(version_of(str(column.since))[0] - 1, 8 if table == "AttendanceOccurrence" else 7)
            assert column.name not in metadata(f"v{before}").tables[table].c, (table, column.name)


def test_before_v8_attendance_had_no_occurrences() -> None:
    assert "AttendanceOccurrence" not in metadata("v7").tables
    assert "OccurrenceId" not in metadata("v7").tables["Attendance"].c


@pytest.mark.parametrize("release", ["", "12", "v", "v12.4.1", "latest", "v-1"])
def test_a_release_is_written_like_v12_4(release: str) -> None:
    with pytest.raises(InvalidRequest):
        metadata(release)
