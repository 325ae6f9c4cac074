"""A server that takes a statement and says nothing more, while its connection stays: given up, tried again, named."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest
import sqlalchemy as sa

from migrate_etl.rock import diagnose
from migrate_etl.rock.database import RockDatabase
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import SourceError, Stopped
from migrate_transfer.core.retry import RetryPolicy
from tests.fakes.drivers import FREETDS, MICROSOFT
from tests.migrate_etl.rock.conftest import DRIVERS, SqlServer

AT_ONCE = RetryPolicy(first=0.0)
ROAD = pytest.mark.parametrize("by_pages", [True, False], ids=["by arrow", "by rows"])


def phones(database: RockDatabase, *, by_pages: bool) -> list[int]:
    key = database.tables["PhoneNumber"].c.Id
    statement = sa.select(key.label("id"))
    return (pl.concat(database.pages(statement, key)) if by_pages else database.frame(statement))["id"].to_list()


@pytest.mark.parametrize(
    ("driver", "when", "by_pages"),
    [
        (FREETDS, "before", True),
        (FREETDS, "within", False),
        (MICROSOFT, "before", True),
        (MICROSOFT, "within", True),
        (MICROSOFT, "within", False),
    ],
)
def test_an_answer_that_never_ends_is_asked_for_again(
    server: SqlServer, driver: str, when: str, by_pages: bool
) -> None:
    with RockDatabase.open(server.through(driver, **{"Command Timeout": "1"}), retry=AT_ONCE) as database:
        server.tds.stalls = {server.tds.answers + 1: when}  # type: ignore[dict-item]
        assert phones(database, by_pages=by_pages) == [1, 2, 3, 4, 5]
        assert database.reconnects == 1


@DRIVERS
def test_a_server_that_answers_nothing_any_more_is_given_up(server: SqlServer, driver: str) -> None:
    with RockDatabase.open(server.through(driver, **{"Command Timeout": "1"}), retry=AT_ONCE) as database:
        server.tds.stalls = dict.fromkeys(range(server.tds.answers + 1, 1000), "before")
        with pytest.raises(SourceError) as caught:
            phones(database, by_pages=True)
    assert caught.value.error_code == "ROCK_NO_ANSWER"
    assert "Command Timeout" in caught.value.remedy


@DRIVERS
@ROAD
def test_a_stop_is_heard_while_the_server_says_nothing(server: SqlServer, driver: str, by_pages: bool) -> None:
    control = Control()
    with (
        RockDatabase.open(server.through(driver), control=control, retry=AT_ONCE) as database,
        ThreadPoolExecutor(1) as pool,
    ):
        server.tds.stalls = {server.tds.answers + 1: "before"}
        before = server.tds.answers
        reading = pool.submit(phones, database, by_pages=by_pages)
        while server.tds.answers == before:
            Control().wait(0.01)
        control.hurry()
        control.stop("paused")
        with pytest.raises(Stopped):
            reading.result(timeout=60)


@DRIVERS
def test_a_login_that_is_left_without_an_answer_ends(server: SqlServer, driver: str) -> None:
    server.tds.stalls_at_login = True
    diagnosis = diagnose.test_connection(server.through(driver, **{"Connect Timeout": "1"}))
    assert diagnosis.code == "ROCK_UNREACHABLE"


@DRIVERS
def test_a_second_connection_that_is_left_without_an_answer_is_done_without(server: SqlServer, driver: str) -> None:
    with RockDatabase.open(server.through(driver, **{"Connect Timeout": "1"}), retry=AT_ONCE) as database:
        server.tds.stalls_at_login = True
        assert phones(database, by_pages=True) == [1, 2, 3, 4, 5]
        assert database.no_arrow is not None


def test_a_time_for_commands_must_be_a_number(server: SqlServer) -> None:
    with pytest.raises(SourceError) as caught:
        RockDatabase.open(server.ado() + ";Command Timeout=long")
    assert caught.value.error_code == "INVALID_CONNECTION_STRING"
