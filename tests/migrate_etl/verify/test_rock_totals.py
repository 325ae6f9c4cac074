"""Rock's own sums, by every database it may be read from."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
import sqlglot
from sqlalchemy.dialects import mssql

from migrate_etl.rock.database import RockDatabase
from migrate_etl.rock.tables import ROCK_COLUMNS, RockTables
from migrate_etl.verify.rock_totals import (
    CONTRIBUTION,
    AskedRock,
    count_rows,
    count_statement,
    records_statement,
    totals_statement,
)
from tests.conftest import Postgres

EVENT = "33cb96dd-8752-4bee-a142-88db7de538f0"
FAMILY = "790E3215-3B10-442B-AF69-616C0DCB998E"
MADE, CHANGED = datetime(2024, 1, 1), datetime(2026, 1, 15, 9, 30)


TSQL: Any = mssql.dialect()  # type: ignore[no-untyped-call]


def header(id: int, moment: datetime | None, kind: int = 1, changed: datetime | None = None) -> dict[str, Any]:
    return {
        "Id": id, "TransactionDateTime": moment, "TransactionTypeValueId": kind, "ShowAsAnonymous": False,
        "CreatedDateTime": MADE, "ModifiedDateTime": changed,
    }  # fmt: skip


def detail(id: int, transaction: int, amount: str, fund: int = 1) -> dict[str, Any]:
    money = Decimal(amount)
    return {"Id": id, "TransactionId": transaction, "AccountId": fund, "Amount": money, "CreatedDateTime": MADE}


def group(id: int, kind: int) -> dict[str, Any]:
    return {"Id": id, "Guid": EVENT, "GroupTypeId": kind, "Name": "-", "IsSecurityRole": False, "IsActive": True,
            "IsArchived": False}  # fmt: skip


ROWS: dict[str, list[dict[str, Any]]] = {
    "DefinedValue": [
        {"Id": 1, "Guid": CONTRIBUTION.upper(), "DefinedTypeId": 1, "Value": "Gift", "IsActive": True},
        {"Id": 2, "Guid": EVENT, "DefinedTypeId": 1, "Value": "Contribution", "IsActive": True},
    ],
    "FinancialTransaction": [
        header(1, datetime(2023, 12, 31, 23, 59, 59)),
        header(2, datetime(2024, 1, 1), changed=CHANGED),
        header(3, None),
        header(4, datetime(2024, 1, 31, 23, 59), kind=2),
        header(5, datetime(9999, 12, 31)),
    ],
    "FinancialTransactionDetail": [
        detail(11, 1, "10.01"),
        detail(12, 1, "-0.01"),
        detail(13, 2, "5.00", fund=2),
        detail(14, 3, "7.00"),
        detail(15, 4, "100.00"),
        detail(16, 5, "1.00"),
        detail(17, 2, "3.00", fund=2),
    ],
    "GroupType": [{"Id": 1, "Guid": FAMILY, "Name": "Family"}, {"Id": 2, "Guid": EVENT, "Name": "Class"}],
    "Group": [group(1, 1), group(2, 2), group(3, 2)],
}


def build(url: str) -> None:
    engine, tables = sa.create_engine(url), RockTables()
    for name in ROCK_COLUMNS:
        sa.inspect(tables[name]).create(engine)
    cents = engine.dialect.name == "sqlite"
    with engine.begin() as connection:
        for name, rows in ROWS.items():
            for row in rows:
                values = {k: int(v * 100) if cents and isinstance(v, Decimal) else v for k, v in row.items()}
                connection.execute(sa.insert(sa.inspect(tables[name])).values(values))
    engine.dispose()


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> dict[str, str]:
    file = f"sqlite:///{tmp_path_factory.mktemp('gifts') / 'rock.db'}"
    url = postgres.create("gifts")
    build(file)
    build(url)
    return {"sqlite": file, "psycopg": url, "odbc": postgres.odbc("gifts")}


ROADS = pytest.mark.parametrize("road", ["sqlite", "psycopg", "odbc"])


@ROADS
def test_totals_by_fund_and_month_beside_the_mark(urls: dict[str, str], road: str) -> None:
    with RockDatabase.open(urls[road]) as database:
        totals = AskedRock(database, high_water=16).totals().with_columns(pl.col("type") == CONTRIBUTION)
    columns = ["type", "fund_id", "year", "month", "later", "count", "cents"]
    assert sorted(totals.select(columns).rows(), key=str) == sorted(
        [
            (True, 1, 2023, 12, False, 2, 1000),
            (True, 2, 2024, 1, False, 1, 500),
            (True, 2, 2024, 1, True, 1, 300),
            (True, 1, None, None, False, 1, 700),
            (True, 1, 9999, 12, False, 1, 100),
            (False, 1, 2024, 1, False, 1, 10000),
        ],
        key=str,
    )


@ROADS
def test_a_cell_is_read_down_to_its_records(urls: dict[str, str], road: str) -> None:
    cells = pl.DataFrame({"fund_id": [1, 1, 2, 1], "year": [2023, None, 2024, 9999], "month": [12, None, 1, 12]})
    with RockDatabase.open(urls[road]) as database:
        found = AskedRock(database, high_water=16).in_cells(cells).sort("id")
    assert found.select("id", "cents").rows() == [(11, 1001), (12, -1), (13, 500), (14, 700), (16, 100)]


@ROADS
def test_the_stamp_is_the_latest_change_of_detail_or_transaction(urls: dict[str, str], road: str) -> None:
    with RockDatabase.open(urls[road]) as database:
        found = AskedRock(database, 99).with_ids(pl.Series([11, 13, 999]))
    assert found.select("id", "stamp").sort("id").rows() == [(11, MADE), (13, CHANGED)]


@ROADS
def test_other_types_are_no_contributions_whatever_their_name(urls: dict[str, str], road: str) -> None:
    with RockDatabase.open(urls[road]) as database:
        assert AskedRock(database, 99).with_ids(pl.Series([15])).height == 0


@ROADS
def test_groups_are_all_rows_of_their_table_as_the_scan_counts_them(urls: dict[str, str], road: str) -> None:
    with RockDatabase.open(urls[road]) as database:
        found = [
            count_rows(database, "families", 9),
            count_rows(database, "groups", 2),
            count_rows(database, "people", 9),
        ]
    assert found == [1, 2, 0]


@pytest.mark.parametrize(
    "statement",
    [
        totals_statement(RockTables(), 9, later=True),
        records_statement(RockTables(), RockTables()["FinancialTransactionDetail"].c.Id.in_([1, 2])),
        count_statement(RockTables(), "families", 9),
    ],
)
def test_sql_server_understands_every_statement(statement: sa.Select[Any]) -> None:
    compiled = str(statement.compile(dialect=TSQL, compile_kwargs={"literal_binds": True}))
    assert sqlglot.parse_one(compiled, read="tsql").sql("tsql")


def test_totals_bind_no_parameter_that_is_grouped_by() -> None:
    compiled = str(totals_statement(RockTables(), 9, later=False).compile(dialect=TSQL))
    assert ":" not in compiled.split("GROUP BY")[1]


def test_a_month_ends_where_the_next_begins(tmp_path: Path) -> None:
    build(f"sqlite:///{tmp_path / 'rock.db'}")
    cells = pl.DataFrame({"fund_id": [1, 2], "year": [2023, 2023], "month": [12, 12]})
    with RockDatabase.open(f"sqlite:///{tmp_path / 'rock.db'}") as database:
        assert AskedRock(database, 99).in_cells(cells)["id"].to_list() == [11, 12]
