"""What goes wrong in the middle of reading from SQL Server, by each driver: no row is lost, none comes twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from migrate_etl.job import ImportJob
from migrate_etl.rock.database import RockDatabase
from migrate_etl.spec import ImportSecrets, RockImportSpec
from migrate_etl.workspace import Workspace
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import ServiceUnavailable, Stopped
from migrate_transfer.core.retry import RetryPolicy
from tests.fakes.drivers import FREETDS, MICROSOFT
from tests.fakes.tds import Trouble
from tests.migrate_etl.rock.conftest import DRIVERS, SqlServer

IDS = [3, 6, 9, 12, 15, 18, 21, 24]
AT_ONCE = RetryPolicy(first=0.0)

DEADLOCK = (1205, "Transaction (Process ID 51) was deadlocked and has been chosen as the deadlock victim.", 13)
LOCKED = (1222, "Lock request time out period exceeded.", 16)
KILLED = (596, "Cannot continue the execution because the session is in the kill state.", 21)
SHORT_OF_MEMORY = (701, "There is insufficient system memory in resource pool 'default' to run this query.", 17)


def ids(database: RockDatabase) -> list[int]:
    key = database.tables["Person"].c.Id
    return pl.concat(database.pages(sa.select(key.label("id")), key))["id"].to_list()


@DRIVERS
@pytest.mark.parametrize("snapshot", [0, 1], ids=["pages", "snapshot"])
@pytest.mark.parametrize("after", [0, 3], ids=["before", "within"])
@pytest.mark.parametrize("what", [DEADLOCK, LOCKED, KILLED, SHORT_OF_MEMORY], ids=lambda what: str(what[0]))
def test_an_error_before_or_within_a_page_loses_no_row(
    server: SqlServer, driver: str, what: tuple[int, str, int], after: int, snapshot: int
) -> None:
    server.tds.snapshot_state = snapshot
    with RockDatabase.open(server.through(driver), page_size=5, retry=AT_ONCE) as database:
        server.tds.troubles = {server.tds.answers + 1: Trouble(*what, after_rows=after)}
        assert ids(database) == IDS


@pytest.mark.parametrize(("driver", "what"), [(FREETDS, DEADLOCK), (FREETDS, LOCKED), (MICROSOFT, KILLED)])
def test_a_page_that_failed_is_read_by_arrow_again(server: SqlServer, driver: str, what: tuple[int, str, int]) -> None:
    with RockDatabase.open(server.through(driver), page_size=5, retry=AT_ONCE) as database:
        server.tds.troubles = {server.tds.answers + 1: Trouble(*what, after_rows=3)}
        ids(database)
        assert database.no_arrow is None


@DRIVERS
def test_a_page_that_fails_every_time_is_an_error_and_no_short_page(server: SqlServer, driver: str) -> None:
    with RockDatabase.open(server.through(driver), page_size=5, retry=RetryPolicy(patience=0)) as database:
        server.tds.troubles = dict.fromkeys(range(1, 1000), Trouble(*LOCKED, after_rows=3))
        with pytest.raises(ServiceUnavailable) as caught:
            ids(database)
        assert caught.value.error_code == "ROCK_BUSY"


@pytest.mark.parametrize("outcome", ["unknown", "zero"])
def test_a_server_that_does_not_tell_how_a_statement_ended_is_read_by_rows(server: SqlServer, outcome: str) -> None:
    server.tds.outcome = outcome  # type: ignore[assignment]
    with RockDatabase.open(server.through(FREETDS), page_size=5, retry=AT_ONCE) as database:
        assert ids(database) == IDS
        assert database.no_arrow is not None


@DRIVERS
def test_a_table_that_somebody_holds_is_waited_for_and_then_given_up(server: SqlServer, driver: str) -> None:
    server.tds.hurry = 100
    with RockDatabase.open(server.through(driver), retry=RetryPolicy(patience=0)) as database:
        with server.postgres.connect("tds") as other, other.transaction():
            other.execute('LOCK TABLE "Person" IN ACCESS EXCLUSIVE MODE')
            with pytest.raises(ServiceUnavailable) as caught:
                ids(database)
        assert caught.value.error_code == "ROCK_BUSY"
        assert ids(database) == IDS


@DRIVERS
@pytest.mark.parametrize("snapshot", [0, 1], ids=["pages", "snapshot"])
@pytest.mark.parametrize("of", ["Person", "Group"], ids=["by arrow", "by rows"])
def test_lines_that_broke_while_nobody_read_are_made_again(
    server: SqlServer, driver: str, of: str, snapshot: int
) -> None:
    server.tds.snapshot_state = snapshot
    with RockDatabase.open(server.through(driver), page_size=2, retry=AT_ONCE) as database:
        columns = database.tables[of].c
        more = [columns.Description] if of == "Group" else []
        statement = sa.select(columns.Id.label("id"), *more)
        before = pl.concat(database.pages(statement, columns.Id))
        server.tds.drop_all()
        assert pl.concat(database.pages(statement, columns.Id)).equals(before)
        assert (database.reconnects, database.no_arrow) == (1, None)
        assert database.consistency == ("snapshot" if snapshot else "pages")


@DRIVERS
def test_an_error_while_the_database_is_opened_is_waited_out(server: SqlServer, driver: str) -> None:
    server.tds.snapshot_state = 1
    server.tds.troubles = {answer: Trouble(*LOCKED if answer % 2 else KILLED) for answer in (1, 3, 6, 7, 11)}
    with RockDatabase.open(server.through(driver), retry=AT_ONCE) as database:
        assert (ids(database), database.consistency) == (IDS, "snapshot")


def test_a_pause_is_heard_while_the_server_is_waited_for(server: SqlServer, tmp_path: Path) -> None:
    server.tds.troubles = dict.fromkeys(range(1, 1000), Trouble(*LOCKED))
    options: dict[str, Any] = {"mission_url": "http://127.0.0.1:9", "time_zone": "America/Chicago"}
    spec = RockImportSpec(job_id="j", organization="grace", started_on=date(2026, 11, 1), **options)
    secrets = ImportSecrets.model_validate({"rock_connection": server.through(MICROSOFT), "mission_key": "k"})
    patient = RetryPolicy(first=600.0, longest=600.0)
    with ThreadPoolExecutor(1) as pool, ImportJob(Workspace.create(tmp_path, spec), secrets, retry=patient) as job:
        scanning = pool.submit(job.scan)
        while server.tds.answers == 0:
            Control().wait(0.01)
        job.control.stop("paused")
        with pytest.raises(Stopped):
            scanning.result(timeout=60)


@DRIVERS
@pytest.mark.parametrize("snapshot", [0, 1], ids=["pages", "snapshot"])
@pytest.mark.parametrize("encrypt", ["no", "yes"])
def test_a_line_that_breaks_within_any_page_loses_no_row(
    server: SqlServer, driver: str, encrypt: str, snapshot: int
) -> None:
    server.tds.snapshot_state = snapshot
    with RockDatabase.open(server.through(driver, Encrypt=encrypt), page_size=2, retry=AT_ONCE) as database:
        for page in range(1, 5):
            server.tds.hang_up_after = server.tds.answers + page
            assert ids(database) == IDS
        assert database.reconnects > 0
        assert database.consistency == ("snapshot" if snapshot else "pages")
