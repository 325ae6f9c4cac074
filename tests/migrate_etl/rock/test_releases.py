"""What releases of Rock lack: the import does without it, or says what it misses. Each column and table by itself."""

from __future__ import annotations

import shutil
import sqlite3
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from migrate_etl.entities import ENTITIES
from migrate_etl.job import ImportJob
from migrate_etl.rock.database import RockDatabase
from migrate_etl.rock.release import MARKS, OCCURRENCE, require_rock
from migrate_etl.rock.tables import ROCK_COLUMNS, RockTables
from migrate_etl.sandbox.rock import make_sample
from migrate_etl.spec import ImportSecrets, RockImportSpec
from migrate_etl.workspace import Workspace
from migrate_transfer.core.errors import SourceError
from tests.conftest import Postgres
from tests.migrate_etl.rock import church
from tests.migrate_etl.rock.conftest import DRIVERS, SqlServer, fit_for_sql_server, running

OPTIONAL = [
    (table, column.name)
    for table, columns in ROCK_COLUMNS.items()
    for column in columns
    if column.since is not None and (table, column.name) not in OCCURRENCE
]
Frames = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def current(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample church of the current release."""
    file = tmp_path_factory.mktemp("current") / "rock.sqlite"
    make_sample(file, people=12, years=1)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute('UPDATE "GroupMember" SET "IsArchived" = 1 WHERE "Id" % 5 = 0')
    return file


@pytest.fixture(scope="module")
def whole(current: Path, tmp_path_factory: pytest.TempPathFactory) -> Frames:
    return imported(current, tmp_path_factory.mktemp("whole"))


def imported(file: Path, folder: Path) -> Frames:
    """Persons as the lookups have them, and each entity's mapped records; nothing is sent."""
    options: dict[str, Any] = {"mission_url": "http://127.0.0.1:9", "time_zone": "America/Chicago"}
    spec = RockImportSpec(job_id="j", organization="grace", started_on=date(2026, 11, 1), **options)
    secrets = ImportSecrets.model_validate({"rock_connection": f"sqlite:///{file}", "mission_key": "k"})
    with ImportJob(Workspace.create(folder / "job", spec), secrets) as job:
        job.dry_run()
    mapped = {name: pl.read_parquet(folder / "job" / "mapped" / name / "**" / "*.parquet") for name in ENTITIES}
    persons, groups = (
        pl.read_parquet(folder / "job" / "lookups" / f"{name}.parquet") for name in ("persons", "groups")
    )
    return {"persons": persons, "group_lookup": groups, **mapped}


def nowhere(frame: str, column: str, value: object) -> Callable[[Frames, Frames], bool]:
    return lambda _, without: not (without[frame][column].eq_missing(value)).any()


def members(frame: pl.DataFrame) -> int:
    return int(frame["members"].list.len().sum() or 0)


def campuses_come_by_the_family(_: Frames, without: Frames) -> bool:
    families = without["group_lookup"].select(family_id="group_id", family_campus="campus_id")
    persons = without["persons"].join(families, on="family_id", how="left")
    return bool(persons["campus_id"].eq_missing(persons["family_campus"]).all()) and persons["campus_id"].count() > 0


def giving_ids_are_computed(whole: Frames, without: Frames) -> bool:
    """As Rock computed them: the group's, else the person's own."""
    same = whole["persons"]["giving_id"] == without["persons"]["giving_id"]
    return bool(same.mean() > 0.9) and bool(without["persons"]["giving_id"].str.contains(r"^[GP]\d+$").all())


COMES_OF = {
    ("Person", "GivingId"): giving_ids_are_computed,
    ("Person", "PrimaryFamilyId"): lambda _, without: without["people"]["external_family_id"].is_null().all(),
    ("Person", "PrimaryCampusId"): campuses_come_by_the_family,
    ("Group", "IsArchived"): nowhere("groups", "skip", "archived"),
    ("GroupMember", "IsArchived"): lambda whole, without: members(without["groups"]) > members(whole["groups"]),
    ("FinancialTransaction", "ShowAsAnonymous"): nowhere("contributions", "is_anonymous", True),
    ("FinancialTransaction", "FutureProcessingDateTime"): nowhere("contributions", "skip", "queued"),
    ("PrayerRequest", "CampusId"): lambda _, without: without["prayer_requests"].height > 0,
}
"""What lacking the column means for the records: a new optional column needs its line here."""


@pytest.mark.parametrize(("table", "column"), OPTIONAL)
def test_a_column_that_a_release_may_lack_is_done_without(
    current: Path, whole: Frames, tmp_path: Path, table: str, column: str
) -> None:
    file = tmp_path / "rock.sqlite"
    shutil.copy(current, file)
    with closing(sqlite3.connect(file)) as database:
        # SQLite drops no column that another table's key names.
        database.execute(f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "Gone"')
    without = imported(file, tmp_path)
    assert {name: frame.height for name, frame in without.items()} == {n: frame.height for n, frame in whole.items()}
    assert COMES_OF[table, column](whole, without)


def lacking(table: str, column: str | None) -> SourceError:
    columns = church.current()
    if column is None:
        del columns[table]
    else:
        columns[table].remove(column)
    with pytest.raises(SourceError) as caught:
        require_rock(RockTables(columns))
    return caught.value


@pytest.mark.parametrize("table", ROCK_COLUMNS)
def test_a_column_that_every_release_has_is_missed_by_name(table: str) -> None:
    for column in ROCK_COLUMNS[table]:
        if (table, column.name) in OPTIONAL or (table, column.name) in OCCURRENCE or column.name == "Id":
            continue
        error = lacking(table, column.name)
        assert error.error_code == "ROCK_SCHEMA_INCOMPLETE"
        assert f"{table}.{column.name}" in error.message


@pytest.mark.parametrize("table", ROCK_COLUMNS)
def test_a_table_that_every_release_has_is_missed_by_name(table: str) -> None:
    error = lacking(table, None)
    if table == "AttendanceOccurrence":
        assert error.error_code == "ROCK_TOO_OLD"
        return
    assert error.error_code == ("NOT_A_ROCK_DATABASE" if table in MARKS else "ROCK_SCHEMA_INCOMPLETE")
    assert table in f"{error.message}{error.details}"


@pytest.fixture(scope="module")
def oldest(postgres: Postgres, certificate: tuple[Path, ssl.SSLContext]) -> Iterator[SqlServer]:
    """A church that lacks all that a release may lack, behind SQL Server's protocol."""
    url = postgres.create("oldest")
    make_sample(url, people=12, years=1)
    with postgres.connect("oldest") as connection:
        for table, column in OPTIONAL:
            connection.execute(f'ALTER TABLE "{table}" DROP COLUMN "{column}" CASCADE')
    fit_for_sql_server(postgres, "oldest")
    yield from running(postgres, "oldest", url, certificate[1])


@DRIVERS
@pytest.mark.parametrize("entity", ENTITIES)
def test_what_is_lacking_is_read_as_fast_as_what_is_there(oldest: SqlServer, driver: str, entity: str) -> None:
    with RockDatabase.open(oldest.url) as straight, RockDatabase.open(oldest.through(driver)) as over:
        found = []
        for database in (straight, over):
            one = ENTITIES[entity]
            pages = [*database.pages(one.select(database.tables), one.key(database.tables))]
            for child in one.children:
                pages.append(database.children(child.select(database.tables), child.parent_key(database.tables), 1, 99))
            found.append(pages)
        assert all(a.equals(b) for a, b in zip(*found, strict=True))
        assert over.no_arrow is None
