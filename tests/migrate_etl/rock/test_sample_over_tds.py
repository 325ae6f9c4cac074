"""A whole church read through each driver for SQL Server: the same records as straight from its database."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from migrate_etl.job import ImportJob
from migrate_etl.rock.database import RockDatabase
from migrate_etl.sandbox.rock import make_sample
from migrate_etl.spec import ENTITY_NAMES, ImportSecrets, RockImportSpec
from migrate_etl.verify.rock_totals import AskedRock
from migrate_etl.workspace import Workspace
from tests.conftest import Postgres
from tests.migrate_etl.rock.conftest import DRIVERS, SqlServer, fit_for_sql_server, running


@pytest.fixture(scope="module")
def church(postgres: Postgres, certificate: tuple[Path, ssl.SSLContext]) -> Iterator[SqlServer]:
    url = postgres.create("sample")
    make_sample(url, people=40, years=2)
    fit_for_sql_server(postgres, "sample")
    yield from running(postgres, "sample", url, certificate[1])


def read(connection: str, folder: Path) -> dict[str, pl.DataFrame]:
    """What an import reads and makes of it, without sending: lookups, extracts, mapped records, findings."""
    options: dict[str, Any] = {"mission_url": "http://127.0.0.1:9", "time_zone": "America/Chicago"}
    spec = RockImportSpec(job_id="j", organization="grace", started_on=date(2026, 11, 1), campus_ids=(1, 2), **options)
    secrets = ImportSecrets.model_validate({"rock_connection": connection, "mission_key": "k"})
    with ImportJob(Workspace.create(folder, spec), secrets) as job:
        job.dry_run()
    return {str(path.relative_to(folder)): pl.read_parquet(path) for path in folder.rglob("*.parquet")}


@pytest.fixture(scope="module")
def straight(church: SqlServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    return read(church.url, tmp_path_factory.mktemp("straight"))


@DRIVERS
def test_an_import_makes_the_same_of_it(
    church: SqlServer, straight: dict[str, pl.DataFrame], tmp_path: Path, driver: str
) -> None:
    over = read(church.through(driver), tmp_path)
    assert over.keys() == straight.keys()
    assert {name for name in ENTITY_NAMES if any(name in key for key in over)} == set(ENTITY_NAMES)
    for name, frame in straight.items():
        assert_frame_equal(over[name], frame, check_row_order="lookups" not in name)


@DRIVERS
def test_the_sums_asked_anew_are_the_same(church: SqlServer, driver: str) -> None:
    with RockDatabase.open(church.url) as database, RockDatabase.open(church.through(driver)) as over:
        asked, asked_over = AskedRock(database, 50), AskedRock(over, 50)
        totals = asked.totals()
        assert_frame_equal(asked_over.totals(), totals, check_row_order=False)
        cells = totals.select("fund_id", "year", "month").unique().sort("fund_id", "year", "month")
        assert_frame_equal(asked_over.in_cells(cells), asked.in_cells(cells), check_row_order=False)
        ids = pl.Series(range(1, 1200))
        assert_frame_equal(asked_over.with_ids(ids), asked.with_ids(ids), check_row_order=False)
