"""What the two kinds of ODBC driver are told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from migrate_etl.rock.connection import parse_ado
from migrate_etl.rock.odbc import choose_driver, odbc_string, without_own_retries
from migrate_transfer.core.errors import SourceError

MICROSOFT = "ODBC Driver 18 for SQL Server"
REST = "Database=RockDB;User Id=rock;Password=secret"


@pytest.mark.parametrize(
    ("installed", "chosen"),
    [
        (["FreeTDS", "PostgreSQL Unicode"], "FreeTDS"),
        (["FreeTDS", "ODBC Driver 17 for SQL Server", MICROSOFT], MICROSOFT),
        (["ODBC Driver 9 for SQL Server", "ODBC Driver 17 for SQL Server"], "ODBC Driver 17 for SQL Server"),
    ],
)
def test_the_best_driver_is_taken(installed: list[str], chosen: str) -> None:
    assert choose_driver(installed) == chosen


def test_without_a_driver_the_command_that_installs_one_is_named() -> None:
    with pytest.raises(SourceError) as caught:
        choose_driver(["PostgreSQL Unicode", "SQLite3"])
    assert caught.value.error_code == "ODBC_DRIVER_MISSING"
    assert "apt-get install unixodbc tdsodbc" in caught.value.remedy


def test_microsofts_driver() -> None:
    place = parse_ado(f"Server=h,1444;{REST};Encrypt=true;TrustServerCertificate=true;MultiSubnetFailover=true")
    assert odbc_string(place, MICROSOFT) == (
        "Driver={ODBC Driver 18 for SQL Server};Server=tcp:h,1444;Encrypt=yes;TrustServerCertificate=yes;"
        "MultiSubnetFailover=Yes;ConnectRetryCount=0;Database=RockDB;UID=rock;PWD=secret;APP=Migrate;ApplicationIntent=ReadOnly;"
    )


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (
            "Driver={ODBC Driver 18 for SQL Server};UID=u",
            "Driver={ODBC Driver 18 for SQL Server};UID=u;ConnectRetryCount=0;",
        ),
        ("Driver={ODBC Driver 18 for SQL Server};connectRetryCount=2;", None),
        ("Driver={FreeTDS};UID=u", None),
        ("DSN=rock", None),
    ],
)
def test_a_string_for_microsofts_driver_is_told_who_makes_connections_again(given: str, used: str | None) -> None:
    assert without_own_retries(given) == (used or given)


def test_microsofts_driver_finds_a_named_instance_by_itself() -> None:
    assert "Server=tcp:h\\ROCK;" in odbc_string(parse_ado(f"Server=h\\ROCK;{REST}"), MICROSOFT)


def test_freetds() -> None:
    place = parse_ado(f"Server=h;{REST};Encrypt=true;TrustServerCertificate=true")
    assert odbc_string(place, "FreeTDS") == (
        "Driver={FreeTDS};Server=h;Port=1433;TDS_Version=7.4;ClientCharset=UTF-8;Encryption=require;"
        "Database=RockDB;UID=rock;PWD=secret;APP=Migrate;ApplicationIntent=ReadOnly;"
    )


def test_freetds_is_sent_to_its_own_file_where_the_certificate_counts() -> None:
    first, again, other = (
        odbc_string(parse_ado(f"Server={server};{REST};Encrypt=true"), "FreeTDS")
        for server in ("sql.example", "sql.example", "sql.example,1444")
    )
    assert first == again
    assert (";Servername=sql.example;" in first, ";Servername=sql.example+1;" in other) == (True, True)
    written = Path(os.environ["FREETDSCONF"]).read_text()
    assert "port = 1444" in written.split("[sql.example+1]")[1]
    assert "ca file = " in written
    assert "secret" not in written


def test_freetds_is_given_an_instance_or_a_port_never_both() -> None:
    text = odbc_string(parse_ado(f"Server=h\\ROCK;{REST}"), "FreeTDS")
    assert "Server=h\\ROCK;TDS_Version" in text
    assert "Port" not in text


@pytest.mark.parametrize("driver", ["FreeTDS", "ODBC Driver 17 for SQL Server"])
def test_strict_encryption_needs_microsofts_newest(driver: str) -> None:
    with pytest.raises(SourceError):
        odbc_string(parse_ado(f"Server=h;{REST};Encrypt=strict"), driver)


@pytest.mark.parametrize(
    ("password", "written"),
    [("a;b", "{a;b}"), ("a}b", "{a}}b}"), ("a{b", "{a{b}"), ("a b", "{a b}"), ("a=b", "{a=b}"), ("it's", "it's")],
)
def test_values_are_put_in_braces_where_they_need_it(password: str, written: str) -> None:
    text = odbc_string(parse_ado(f'Server=h;Database=d;User Id=u;Password="{password}"'), MICROSOFT)
    assert f"PWD={written};" in text


@pytest.mark.parametrize(
    ("password", "written"), [("a;b", "{a;b}"), ("a}b", "a}b"), ("{ab", "{{ab}"), ("a=b", "a=b"), (" a", "{ a}")]
)
def test_freetds_is_written_to_as_old_and_new_ones_read(password: str, written: str) -> None:
    place = parse_ado(f'Server=h;Database=d;User Id=u;Password="{password}"')
    assert f"PWD={written};" in odbc_string(place, "FreeTDS")


def test_a_password_freetds_would_garble_is_refused_without_naming_it() -> None:
    with pytest.raises(SourceError) as caught:
        odbc_string(parse_ado('Server=h;Database=d;User Id=u;Password="a;hunter}2"'), "FreeTDS")
    assert "hunter" not in f"{caught.value}{caught.value.remedy}"
