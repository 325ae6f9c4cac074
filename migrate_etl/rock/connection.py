"""Connection strings as people write them -> where the Rock database is. Pure; what a driver needs is in `odbc.py`.

Understood are ADO.NET strings as Rock itself uses them (`Server=...;Database=...;User Id=...;Password=...`), the URLs
sqlite:///file, postgresql+psycopg://... and mssql+pyodbc://..., and ODBC strings, marked by `odbc:` or by their
`Driver=`. No error repeats any part of the string but the words of its grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from migrate_etl.rock.ado import refused, split_pairs
from migrate_etl.rock.server import ServerAddress, parse_server

Encrypt = Literal["mandatory", "optional", "strict"]

COMMAND_TIMEOUT = 600
"""Seconds a statement may take unless the string says otherwise: sums over all gifts of a large church take minutes."""


@dataclass(frozen=True, slots=True)
class SqlServer:
    """A SQL Server database and the SQL account that reads it. `encrypt` None leaves it to the driver."""

    address: ServerAddress
    database: str
    user: str = field(repr=False)
    password: str = field(repr=False)
    encrypt: Encrypt | None = None
    trust_certificate: bool | None = None
    certificate_host: str | None = None
    certificate_file: str | None = None
    """The one certificate that is trusted, where the encryption is strict."""
    connect_timeout: int = 15
    command_timeout: int = COMMAND_TIMEOUT
    read_only: bool = True
    multi_subnet: bool = False
    application: str = "Migrate"
    driver: str | None = None
    """ODBC driver by name; None takes the best one installed."""


@dataclass(frozen=True, slots=True)
class OdbcString:
    """An ODBC connection string as it is, for any driver."""

    text: str = field(repr=False)
    connect_timeout: int = 15
    command_timeout: int = COMMAND_TIMEOUT


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A sample database."""

    path: Path


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A Rock database kept in PostgreSQL, reached through psycopg."""

    conninfo: Mapping[str, str] = field(repr=False)


Place = SqlServer | OdbcString | SqliteFile | PostgresServer


def parse_connection(text: str) -> Place:
    """Where the string leads. Raises SourceError INVALID_CONNECTION_STRING or INTEGRATED_SECURITY_REFUSED."""
    text = text.strip()
    if not text:
        raise refused("The connection string is empty.")
    if text[:5].lower() == "odbc:":
        return OdbcString(text[5:])
    if re.match(r"[A-Za-z][A-Za-z0-9+]*://", text):
        return _from_url(text)
    if re.search(r"(^|;)\s*(driver|dsn)\s*=", text, re.IGNORECASE):
        return OdbcString(text)
    return parse_ado(text)


def _from_url(text: str) -> Place:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise refused("The connection URL cannot be read.") from None
    match url.get_backend_name():
        case "sqlite":
            return SqliteFile(Path(url.database or ""))
        case "postgresql":
            return _postgres(url)
        case "mssql":
            return _sql_server_url(url)
    raise refused("Only sqlite, postgresql and mssql URLs are understood.")


def _postgres(url: URL) -> PostgresServer:
    parts = {"host": url.host, "port": url.port, "dbname": url.database, "user": url.username, "password": url.password}
    given = {name: str(value) for name, value in parts.items() if value is not None}
    return PostgresServer(given | {name: value for name, value in url.query.items() if isinstance(value, str)})


def _sql_server_url(url: URL) -> Place:
    options = {name.lower(): value for name, value in url.query.items() if isinstance(value, str)}
    if "odbc_connect" in options:
        return OdbcString(options["odbc_connect"])
    driver = options.pop("driver", None)
    host = url.host or ""
    options |= {"server": f"{host},{url.port}" if url.port else host, "database": url.database or ""}
    options |= {"user id": url.username or "", "password": url.password or ""}
    return _build(options.items(), driver)


def parse_ado(text: str) -> SqlServer:
    """An ADO.NET connection string; the last of repeated keywords wins, an empty value counts as not given."""
    return _build(split_pairs(text), None)


_KEYWORDS = {
    "server": ("server", "data source", "datasource", "address", "addr", "network address"),
    "database": ("database", "initial catalog"),
    "user": ("user id", "userid", "uid", "user"),
    "password": ("password", "pwd"),
    "encrypt": ("encrypt",),
    "trust": ("trustservercertificate", "trust server certificate"),
    "certificate_host": ("hostnameincertificate", "host name in certificate"),
    "certificate_file": ("servercertificate", "server certificate"),
    "timeout": ("connect timeout", "connection timeout", "timeout"),
    "command_timeout": ("command timeout", "commandtimeout"),
    "intent": ("applicationintent", "application intent"),
    "multi_subnet": ("multisubnetfailover", "multi subnet failover"),
    "application": ("application name", "app"),
    "integrated": ("integrated security", "trusted_connection"),
    "authentication": ("authentication",),
    "file": ("attachdbfilename", "extended properties", "initial file name"),
}
_MEANING = {keyword: meaning for meaning, keywords in _KEYWORDS.items() for keyword in keywords}
_HARMLESS = frozenset(
    """asynchronous processing;async;attestation protocol;column encryption setting;
    connect retry count;connectretrycount;connect retry interval;connectretryinterval;connection lifetime;
    load balance timeout;connection reset;context connection;current language;language;enclave attestation url;
    enlist;failover partner;failoverpartner;ip address preference;ipaddresspreference;max pool size;
    min pool size;multiple active result sets;multipleactiveresultsets;mars_connection;net;network;
    network library;packet size;persist security info;persistsecurityinfo;pool blocking period;
    poolblockingperiod;pooling;replication;server spn;serverspn;transaction binding;
    transparent network ip resolution;transparentnetworkipresolution;type system version;user instance;
    workstation id;wsid""".replace("\n", "")
    .replace("  ", "")
    .split(";")
)
"""ADO.NET keywords that change nothing for one patient reader."""


def _build(pairs: Iterable[tuple[str, str]], driver: str | None) -> SqlServer:
    given = _meanings(pairs)
    _refuse_other_logins(given)
    missing = [words for name, words in _NEEDED.items() if not given.get(name)]
    if missing:
        raise refused(f"The connection string lacks {' and '.join(missing)}.")
    address = parse_server(given["server"])
    azure = address.host.lower().endswith(".database.windows.net")
    return SqlServer(
        address=address,
        database=given["database"],
        user=given["user"],
        password=given["password"],
        encrypt=_encrypt(given.get("encrypt", "true" if azure else "")),
        trust_certificate=_flag("TrustServerCertificate", given.get("trust", "")),
        certificate_host=given.get("certificate_host") or None,
        certificate_file=given.get("certificate_file") or None,
        connect_timeout=_seconds("Connect Timeout", given.get("timeout", ""), 15, _LONGEST),
        command_timeout=_seconds(
            "Command Timeout", given.get("command_timeout", ""), COMMAND_TIMEOUT, _LONGEST_COMMAND
        ),
        read_only=_read_only(given.get("intent", "")),
        multi_subnet=bool(_flag("MultiSubnetFailover", given.get("multi_subnet", ""))),
        application=given.get("application") or "Migrate",
        driver=driver,
    )


_NEEDED = {
    "server": "the server (Server=)",
    "database": "the database (Database=)",
    "user": "the user (User Id=)",
    "password": "the password (Password=)",
}


def _meanings(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    given: dict[str, str] = {}
    for position, (keyword, value) in enumerate(pairs, start=1):
        meaning = _MEANING.get(keyword)
        if meaning is not None:
            given[meaning] = value
        elif keyword not in _HARMLESS:
            # Not named: what stands there may be the tail of a password with an unquoted semicolon.
            raise refused(
                f"Part {position} of the connection string is no keyword of SQL Server.",
                "Check the spelling; put a value that holds a semicolon in double quotes.",
            )
    return given


def _refuse_other_logins(given: Mapping[str, str]) -> None:
    integrated = given.get("integrated", "")
    if integrated.lower() == "sspi" or (integrated and _flag("Integrated Security", integrated)):
        raise refused(
            "Integrated security is not possible: the agent has no Windows identity that the SQL Server knows.",
            "Create a SQL Server login with read access and give it as User Id and Password.",
            code="INTEGRATED_SECURITY_REFUSED",
        )
    method = given.get("authentication", "").replace(" ", "").lower()
    if method not in ("", "sqlpassword"):
        raise refused(
            "Only SQL Server logins are possible: the agent cannot sign in to Entra ID on its own for this database.",
            "Use Authentication=SqlPassword, or leave it out, with a SQL Server login and its password.",
            code="INTEGRATED_SECURITY_REFUSED",
        )
    if given.get("file"):
        raise refused("A database file cannot be attached; name a database that the server has.")


def _flag(name: str, value: str) -> bool | None:
    words = {"": None, "true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if value.lower() not in words:
        raise refused(f"{name} must be true or false.")
    return words[value.lower()]


def _encrypt(value: str) -> Encrypt | None:
    if value.lower() == "strict":
        return "strict"
    if value.lower() in ("mandatory", "optional"):
        return "mandatory" if value.lower() == "mandatory" else "optional"
    flag = _flag("Encrypt", value)
    return None if flag is None else "mandatory" if flag else "optional"


def _read_only(value: str) -> bool:
    if value.lower() not in ("", "readonly", "readwrite"):
        raise refused("ApplicationIntent must be ReadOnly or ReadWrite.")
    return value.lower() != "readwrite"


def _seconds(name: str, value: str, usual: int, longest: int) -> int:
    if not value:
        return usual
    if not value.isascii() or not value.isdigit():
        raise refused(f"{name} must be a number of seconds.")
    return min(int(value) or longest, longest)


_LONGEST, _LONGEST_COMMAND = 600, 6 * 3600
"""Zero asks ADO.NET to wait for ever; nobody wants that of a job."""
