"""Connection strings as churches write them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate_etl.rock.connection import OdbcString, PostgresServer, SqliteFile, SqlServer, parse_ado, parse_connection
from migrate_etl.rock.server import ServerAddress, parse_server
from migrate_transfer.core.errors import SourceError

REST = "Database=RockDB;User Id=rock;Password=secret"


def sql_server(text: str) -> SqlServer:
    place = parse_connection(text)
    assert isinstance(place, SqlServer)
    return place


def refusal(text: str) -> SourceError:
    with pytest.raises(SourceError) as caught:
        parse_connection(text)
    return caught.value


def test_the_documented_string_is_understood() -> None:
    place = sql_server(f"Server=sql.church.org;{REST};TrustServerCertificate=true")
    assert (place.address, place.database, place.user) == (ServerAddress("sql.church.org"), "RockDB", "rock")
    assert (place.password, place.trust_certificate, place.encrypt) == ("secret", True, None)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("host", ServerAddress("host")),
        ("host,1444", ServerAddress("host", port=1444)),
        ("tcp:host,1444", ServerAddress("host", port=1444)),
        ("TCP:host", ServerAddress("host")),
        ("host\\ROCK", ServerAddress("host", "ROCK")),
        ("tcp:host\\ROCK,1444", ServerAddress("host", port=1444)),
        ("host\\MSSQLSERVER", ServerAddress("host")),
        (".", ServerAddress("localhost")),
        ("(local)\\SQLEXPRESS", ServerAddress("localhost", "SQLEXPRESS")),
        (" 10.0.0.7 , 1433 ", ServerAddress("10.0.0.7", port=1433)),
        ("[fe80::1],1433", ServerAddress("fe80::1", port=1433)),
        ("church.database.windows.net", ServerAddress("church.database.windows.net")),
    ],
)
def test_servers(text: str, address: ServerAddress) -> None:
    assert parse_server(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "np:host",
        "lpc:.",
        "admin:host",
        "\\\\host\\pipe\\sql\\query",
        "(localdb)\\v11.0",
        "host:1433",
        "host,port",
        "host,0",
        "host,70000",
        "",
        "a b",
    ],
)
def test_servers_that_cannot_be_reached_are_refused_with_a_reason(text: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_server(text)
    assert caught.value.error_code == "INVALID_CONNECTION_STRING"


@pytest.mark.parametrize("server", ["Server", "data source", "ADDRESS", "Addr", "Network Address", "DataSource"])
@pytest.mark.parametrize("database", ["Database", "Initial  Catalog"])
@pytest.mark.parametrize("user", ["User Id", "UID", "user", "UserID"])
@pytest.mark.parametrize("password", ["Password", "pwd"])
def test_synonyms_and_letter_case(server: str, database: str, user: str, password: str) -> None:
    place = sql_server(f" {server} = h ; {database} = d ;{user}=u;{password}=p;;")
    assert (place.address.host, place.database, place.user, place.password) == ("h", "d", "u", "p")


def test_the_last_of_repeated_keywords_wins() -> None:
    assert sql_server(f"Server=a;Data Source=b;Addr=c;{REST};Pwd=other").address.host == "c"
    assert sql_server(f"Server=a;{REST};Pwd=other").password == "other"


@pytest.mark.parametrize(
    ("written", "password"),
    [
        ('"a;b"', "a;b"),
        ("'a;b'", "a;b"),
        ('"say ""hi"""', 'say "hi"'),
        ("'it''s'", "it's"),
        ('"it\'s"', "it's"),
        ("a=b==c", "a=b==c"),
        ("{abc}", "{abc}"),
        ("{a;b}}c}", "a;b}c"),
        ("  blank  ", "blank"),
        ('"  kept  "', "  kept  "),
        ("ab\"c'd", "ab\"c'd"),
        ("pässwörd😀", "pässwörd😀"),
    ],
)
def test_passwords_with_awkward_letters(written: str, password: str) -> None:
    for text in (f"Server=h;Database=d;User Id=u;Password={written}", f"Password={written};Server=h;Database=d;UID=u"):
        assert sql_server(text).password == password


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_any_password_survives_quoting(password: str) -> None:
    doubled = password.replace('"', '""')
    assert parse_ado(f'Server=h;Password="{doubled}";Database=d;User Id=u').password == password


@given(st.text())
def test_no_text_crashes_the_parser(text: str) -> None:
    with suppress(SourceError):
        parse_connection(text)


@pytest.mark.parametrize(
    ("option", "encrypt"),
    [
        ("Encrypt=true", "mandatory"),
        ("Encrypt=Mandatory", "mandatory"),
        ("Encrypt=no", "optional"),
        ("Encrypt=optional", "optional"),
        ("Encrypt=Strict", "strict"),
        ("Application Name=Rock", None),
    ],
)
def test_encryption_words(option: str, encrypt: str | None) -> None:
    assert sql_server(f"Server=h;{REST};{option}").encrypt == encrypt


def test_azure_is_always_encrypted_and_read_only_is_the_rule() -> None:
    place = sql_server(
        f"Server=tcp:church.database.windows.net,1433;{REST};Persist Security Info=False;MARS_Connection=1"
    )
    assert (place.encrypt, place.read_only) == ("mandatory", True)
    assert not sql_server(f"Server=h;{REST};ApplicationIntent=ReadWrite").read_only


@pytest.mark.parametrize(("written", "seconds"), [("30", 30), ("0", 600), ("99999", 600)])
def test_connect_timeout(written: str, seconds: int) -> None:
    assert sql_server(f"Server=h;{REST};Connection Timeout={written}").connect_timeout == seconds


@pytest.mark.parametrize(
    "option",
    [
        "Integrated Security=SSPI",
        "Integrated Security=true",
        "Trusted_Connection=yes",
        "Authentication=ActiveDirectoryMSI",
    ],
)
def test_windows_and_entra_logins_are_refused_with_a_reason(option: str) -> None:
    error = refusal(f"Server=h;Database=d;{option}")
    assert error.error_code == "INTEGRATED_SECURITY_REFUSED"
    assert "User Id" in error.remedy or "SqlPassword" in error.remedy


@pytest.mark.parametrize(
    "option", ["Integrated Security=false", "Authentication=Sql Password", "Trusted_Connection=No"]
)
def test_words_that_mean_a_sql_login_are_fine(option: str) -> None:
    assert sql_server(f"Server=h;{REST};{option}").user == "rock"


def test_what_is_missing_is_named() -> None:
    assert "server" in refusal("Database=d;User Id=u;Password=p").message
    message = refusal("Server=h;Password=").message
    assert all(word in message for word in ("database", "user", "password"))


@pytest.mark.parametrize(
    "text",
    [
        "Server=h;Database=d;User Id=u;Password=hunter2;hunter3=x",
        "Server=h;Database=d;User Id=u;Password=a;hunter2",
        "Server=h;Database=d;User Id=u;Password='hunter2",
        "Server=hunter2:99;Database=d;User Id=u;Password=p",
        "Server=h;Database=d;User Id=u;Password=p;Encrypt=hunter2",
        "Server=h;Database=d;User Id=u;Password=p;Connect Timeout=hunter2",
        "mysql://u:hunter2@h/d",
        "postgresql://u:hunter2@h:port/d",
    ],
)
def test_no_part_of_the_string_is_repeated_in_an_error(text: str) -> None:
    error = refusal(text)
    assert "hunter" not in f"{error} {error.remedy} {error.details} {error.__cause__}"


@pytest.mark.parametrize(
    "text",
    [
        "Server=h;Database=d;User Id=u;Password=hunter2",
        "postgresql+psycopg://u:hunter2@h/d",
        "odbc:Driver=x;PWD=hunter2",
        "mssql+pyodbc://u:hunter2@h/d",
    ],
)
def test_no_password_shows_in_a_repr(text: str) -> None:
    assert "hunter2" not in repr(parse_connection(text))


def test_urls_and_odbc_strings() -> None:
    assert parse_connection("sqlite:////tmp/rock.db") == SqliteFile(Path("/tmp/rock.db"))
    assert parse_connection("odbc:Driver=x;Server=y") == OdbcString("Driver=x;Server=y")
    assert parse_connection("Driver={FreeTDS};Server=y") == OdbcString("Driver={FreeTDS};Server=y")
    place = parse_connection("postgresql+psycopg://postgres@/rock?host=/tmp/pg")
    assert place == PostgresServer({"dbname": "rock", "user": "postgres", "host": "/tmp/pg"})


def test_a_sql_server_url_names_its_driver() -> None:
    url = "mssql+pyodbc://rock:p%40ss@h:1444/RockDB?driver=ODBC+Driver+18+for+SQL+Server&TrustServerCertificate=yes"
    place = sql_server(url)
    assert (place.address, place.password) == (ServerAddress("h", port=1444), "p@ss")
    assert (place.driver, place.trust_certificate) == ("ODBC Driver 18 for SQL Server", True)
    assert parse_connection("mssql+pyodbc:///?odbc_connect=Driver%3Dx") == OdbcString("Driver=x")
