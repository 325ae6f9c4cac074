"""Rows as databases keep them."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from migrate_etl.sandbox.rock import Rock, empty_rock
from tests.conftest import Postgres

MIDNIGHT = datetime(2024, 1, 1)


def test_sqlite_keeps_cents_and_moments_as_sqlalchemy_does(tmp_path: Path) -> None:
    with empty_rock(tmp_path / "rock.sqlite") as rock:
        rock.gift(12_345, MIDNIGHT, None)
        rock.add("Schedule", WeeklyTimeOfDay=time(19, 30))
    connection = sqlite3.connect(tmp_path / "rock.sqlite")
    assert connection.execute("select Amount from FinancialTransactionDetail").fetchall() == [(12_345,)]
    moments = connection.execute("select TransactionDateTime from FinancialTransaction").fetchall()
    assert moments == [("2024-01-01 00:00:00.000000",)]
    assert connection.execute("select WeeklyTimeOfDay from Schedule").fetchall() == [("19:30:00.000000",)]
    connection.close()


def test_postgres_keeps_decimals_dates_and_any_name(postgres: Postgres) -> None:
    url = postgres.create("rock_writer")
    with empty_rock(url) as rock:
        rock.gift(-12_345, MIDNIGHT, None)
        rock.person("Zoë 🎉\t", "back\\slash\nline")
    with postgres.connect("rock_writer") as connection:
        assert connection.execute('select "Amount" from "FinancialTransactionDetail"').fetchall() == [
            (Decimal("-123.45"),)
        ]
        assert connection.execute('select "TransactionDateTime" from "FinancialTransaction"').fetchall() == [
            (MIDNIGHT,)
        ]
        named = connection.execute('select "FirstName", "LastName" from "Person" where "Id" = 4').fetchall()
    assert named == [("Zoë 🎉\t", "back\\slash\nline")]


def test_columns_nobody_gives_get_neutral_values_and_a_guid_of_their_own(rock: Rock) -> None:
    first, second = rock.add("FinancialBatch"), rock.add("FinancialBatch")
    table = rock.tables.tables["FinancialBatch"]
    rows = rock.execute(sa.select(table.c.Id, table.c.Name, table.c.IsAutomated, table.c.Guid)).all()
    assert [tuple(row)[:3] for row in rows] == [(first, "", False), (second, "", False)]
    assert rows[0].Guid != rows[1].Guid


def test_ids_leave_gaps_and_go_on_behind_given_ones(rock: Rock) -> None:
    assert rock.add("Category", Name="a", Id=7) == 7
    assert rock.add("Category", Name="b") == 8
    assert rock.next_id("Category", skip=10) == 19


def test_a_column_or_table_the_release_lacks_is_passed_over(tmp_path: Path) -> None:
    with empty_rock(tmp_path / "rock.sqlite", "v7") as rock:
        assert not rock.has("Person", "GivingId")
        rock.person("Ann", "Hill", GivingId="P4")
        rock.occurrence(None, date(2024, 1, 7))
        assert rock.execute(sa.text('select count(*) from "Person"')).scalar_one() == 4


def test_more_rows_than_a_block(rock: Rock) -> None:
    rock.bulk("Category", ("Id", "Name", "EntityTypeId"), ((n, f"c{n}", 1) for n in range(1, 45_001)))
    counted = rock.execute(sa.text('select count(*), count(distinct "Guid"), max("Id") from "Category"')).one()
    assert tuple(counted) == (45_000, 45_000, 45_000)


def test_nothing_is_kept_after_an_error(tmp_path: Path) -> None:
    empty_rock(tmp_path / "rock.sqlite").close()
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'rock.sqlite'}")
    with pytest.raises(sa.exc.OperationalError), Rock(engine, sa.MetaData()) as rock:
        _delete_and_stumble(rock)
    with engine.connect() as connection:
        assert connection.execute(sa.text('select count(*) from "Person"')).scalar_one() == 3
    engine.dispose()


def _delete_and_stumble(rock: Rock) -> None:
    rock.execute(sa.text('delete from "Person"'))
    rock.execute(sa.text("nonsense"))
