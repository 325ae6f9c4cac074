"""Servers that speak SQL Server's protocol and are none: the same church, whatever they refuse or say otherwise."""

from __future__ import annotations

import sqlite3
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest
import sqlalchemy as sa
from polars.testing import assert_frame_equal

from migrate_etl import extract, plan
from migrate_etl.entities import ENTITIES
from migrate_etl.entity import UNDATED
from migrate_etl.rock import diagnose
from migrate_etl.rock.database import RockDatabase
from migrate_etl.rock.lookups import read_lookups
from migrate_etl.rock.tables import ROCK_COLUMNS
from migrate_etl.sandbox.rock import make_sample
from migrate_etl.spec import RockImportSpec
from migrate_etl.verify.rock_totals import AskedRock
from migrate_transfer.core.errors import ServiceUnavailable
from migrate_transfer.core.retry import RetryPolicy
from tests.conftest import Postgres
from tests.fakes.tds.settings import TdsServer
from tests.fakes.tds.types import MAX, Sent
from tests.migrate_etl.rock.conftest import DRIVERS, SqlServer, fit_for_sql_server, running

SPEC = RockImportSpec(
    job_id="j", organization="o", mission_url="http://m", started_on=date(2026, 11, 1), time_zone="America/Chicago"
)
TOP = 10**6
CATALOGUE, SNAPSHOT = "INFORMATION_SCHEMA", "sys.databases"

SWITCHES: dict[str, dict[str, Any]] = {
    "refuses SET": {"odd": {"SET ": 195}},
    "closes at SET": {"odd": {"SET LOCK": "closes", "SET DATEFORMAT": "closes"}},
    "no catalogue": {"odd": {CATALOGUE: 208}},
    "an empty catalogue": {"odd": {CATALOGUE: "no rows"}},
    "closes at the catalogue": {"odd": {CATALOGUE: "closes"}},
    "no sys views": {"odd": {"sys.": 208, "DATABASEPROPERTYEX": 195}},
    "snapshots unknown": {"odd": {SNAPSHOT: "nulls"}},
    "closes at the snapshot's question": {"odd": {SNAPSHOT: "closes"}},
    "no transactions": {"snapshot_state": 1, "odd": {"BEGIN TRANSACTION": 102}},
    "no snapshots for all it says": {"snapshot_state": 1, "snapshots": False},
    "no @@ROWCOUNT": {"odd": {"@@ROWCOUNT": 137}},
    "@@ROWCOUNT is null": {"odd": {"@@ROWCOUNT": "nulls"}},
    "@@ROWCOUNT without a row": {"odd": {"@@ROWCOUNT": "no rows"}},
    "closes at @@ROWCOUNT": {"odd": {"@@ROWCOUNT": "closes"}},
    "no procedures": {"odd": {"sp_": 2812}},
    "closes at a procedure": {"odd": {"sp_": "closes"}},
    "counts are bigint": {"computed": Sent("bigint", 8)},
    "counts are decimal": {"computed": Sent("decimal", 38, scale=0)},
    "counts are text": {"computed": Sent("text", MAX, write=str)},
    "much is said around the rows": {"manners": frozenset({"infos", "environment", "order", "null bitmap"})},
    "another name": {"product": "PostgreSQL behind TDS"},
    "done before the rows": {"manners": frozenset({"done before"})},
    "done after the rows": {"manners": frozenset({"done after"})},
}


def everything(database: RockDatabase) -> dict[str, pl.DataFrame]:
    """All that an import reads."""
    tables, found = database.tables, {}
    for name, table in vars(read_lookups(database, SPEC)).items():
        found[f"lookup {name}"] = table.sort(pl.all()) if isinstance(table, pl.DataFrame) else table
    for entity in ENTITIES.values():
        statement = extract.extract_statement(entity, tables, [], every=True)
        pages = [
            extract._with_children(page, entity.children, database)
            for page in database.pages(statement, entity.key(tables))
        ]
        found[entity.name] = pl.concat(pages)
        found[f"count of {entity.name}"] = database.frame(plan.count_statement(entity, tables, TOP)).sort(pl.all())
        if entity.partitioned:
            years = extract.extract_statement(entity, tables, ["2025", UNDATED], every=False)
            found[f"some of {entity.name}"] = pl.concat(database.pages(years, entity.key(tables)))
    found["totals"] = AskedRock(database, TOP).totals().sort(pl.all())
    return found


@pytest.fixture(scope="module")
def church(postgres: Postgres, certificate: tuple[Path, ssl.SSLContext]) -> Iterator[SqlServer]:
    url = postgres.create("others")
    make_sample(url, people=12, years=2)
    fit_for_sql_server(postgres, "others")
    yield from running(postgres, "others", url, certificate[1])


@pytest.fixture(scope="module")
def expected(church: SqlServer) -> dict[str, pl.DataFrame]:
    with RockDatabase.open(church.url) as database:
        return everything(database)


def require_equal(found: dict[str, pl.DataFrame], expected: dict[str, pl.DataFrame]) -> None:
    assert found.keys() == expected.keys()
    for name, frame in expected.items():
        assert_frame_equal(found[name], frame)


@pytest.fixture
def usual(church: SqlServer) -> Iterator[TdsServer]:
    """The server, whose switches are put back afterwards."""
    before = replace(church.tds)
    yield church.tds
    for name in ("odd", "manners", "computed", "snapshot_state", "snapshots", "product", "sqlite"):
        setattr(church.tds, name, getattr(before, name))


@DRIVERS
@pytest.mark.parametrize("switch", SWITCHES)
def test_the_church_is_the_same(
    church: SqlServer, usual: TdsServer, expected: dict[str, pl.DataFrame], driver: str, switch: str
) -> None:
    for name, value in SWITCHES[switch].items():
        setattr(usual, name, value)
    # Under a name of its own: pyodbc asks about a connection string's server once a process.
    connection = church.through(driver, **{"Application Name": switch})
    with RockDatabase.open(connection, retry=RetryPolicy(first=0.0)) as database:
        assert database.dialect == "mssql"
        require_equal(everything(database), expected)


@DRIVERS
@pytest.mark.parametrize("closes", [False, True], ids=["refused", "closed at"])
def test_a_connection_is_tested_whatever_is_no_must(
    church: SqlServer, usual: TdsServer, driver: str, closes: bool
) -> None:
    usual.odd = dict.fromkeys(("SET ", CATALOGUE, SNAPSHOT, "PROPERTYEX", "@@"), "closes" if closes else 195)
    contents = diagnose.test_connection(church.through(driver)).contents
    assert contents is not None
    assert (contents.consistency, contents.collation, len(contents.campuses)) == ("pages", None, 4)
    assert any("SET DEADLOCK_PRIORITY LOW, " in note for note in contents.notes)


@DRIVERS
def test_a_snapshot_that_the_server_cannot_end_ends_with_its_connection(
    church: SqlServer, usual: TdsServer, driver: str
) -> None:
    usual.snapshot_state, usual.odd = 1, {"@@TRANCOUNT": 137}
    with RockDatabase.open(church.through(driver)) as database, church.postgres.connect("others") as other:
        name = sa.select(database.tables["Campus"].c.Name.label("name")).where(database.tables["Campus"].c.Id == 1)
        (before,) = database.frame(name)["name"]
        other.execute('UPDATE "Campus" SET "Name" = \'New\' WHERE "Id" = 1')
        same = database.frame(name)["name"].to_list()
        database.renew()
        renewed = database.frame(name)["name"].to_list()
        other.execute('UPDATE "Campus" SET "Name" = %s WHERE "Id" = 1', [before])
    assert (same, renewed, database.consistency) == ([before], ["New"], "snapshot")


@DRIVERS
def test_an_error_behind_the_rows_is_heard_and_nothing_has_to_be_cancelled(
    church: SqlServer, usual: TdsServer, driver: str
) -> None:
    with RockDatabase.open(church.through(driver), retry=RetryPolicy(patience=0)) as database:
        groups = sa.select(database.tables["Group"].c.Description)
        before = usual.attentions
        usual.manners = frozenset({"error after"})
        with pytest.raises(ServiceUnavailable):
            database.frame(groups)
        usual.manners = frozenset({"done after"})
        database.frame(groups)
        assert usual.attentions == before


SPELLINGS: dict[str, Callable[[UUID], str]] = {
    "capitals": lambda guid: str(guid).upper(),
    "braces": lambda guid: f"{{{str(guid).upper()}}}",
    "no dashes": lambda guid: guid.hex,
}


def in_sqlite(value: Any, spelling: Callable[[UUID], str]) -> Any:
    """As somebody keeps it who has no types: moments as text with a blank, amounts as text."""
    match value:
        case UUID():
            return spelling(value)
        case datetime():
            return value.isoformat(" ")
        case date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case bool():
            return int(value)
    return value


@pytest.fixture(scope="module", params=SPELLINGS)
def sqlite_copy(church: SqlServer, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    path = tmp_path_factory.mktemp("thin") / "rock.db"
    with church.postgres.connect("others") as source, closing(sqlite3.connect(path)) as target:
        for table in ROCK_COLUMNS:
            cursor = source.execute(f'SELECT * FROM "{table}"'.encode())
            names = [column.name for column in cursor.description or ()]
            target.execute(f'CREATE TABLE "{table}" ({", ".join(map(repr, names))})')
            rows = [[in_sqlite(value, SPELLINGS[request.param]) for value in row] for row in cursor]
            target.executemany(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(names))})', rows)
        target.commit()
    return path


@DRIVERS
def test_a_thin_server_over_sqlite_has_the_same_church(
    church: SqlServer, usual: TdsServer, sqlite_copy: Path, expected: dict[str, pl.DataFrame], driver: str
) -> None:
    usual.sqlite = sqlite_copy
    with RockDatabase.open(church.through(driver)) as database:
        require_equal(everything(database), expected)
    assert diagnose.test_connection(church.through(driver)).ok
