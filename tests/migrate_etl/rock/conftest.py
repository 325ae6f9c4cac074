"""A church behind SQL Server's protocol, and ways to it through each driver."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
import pytest

from tests.conftest import Postgres
from tests.fakes import certificates
from tests.fakes.drivers import FREETDS, MICROSOFT
from tests.fakes.tds import TdsServer, serve
from tests.migrate_etl.rock import church

PASSWORD = "s{e[c;r'e\"t p=a@!"
DRIVERS = pytest.mark.parametrize("driver", [FREETDS, MICROSOFT])


@dataclass
class SqlServer:
    """A running server with a church, and connection strings for it."""

    tds: TdsServer
    url: str
    """The same church, straight."""
    postgres: Postgres
    connect_timeout: int = field(default=15)

    def through(self, driver: str, *, user: str = "postgres", password: str = PASSWORD, **options: str) -> str:
        """A connection string; the certificate is not checked unless the options say so."""
        given = {"driver": driver, "TrustServerCertificate": "yes", "Connect Timeout": "5", **options}
        database = given.pop("database", "RockDB")
        host = given.pop("host", "localhost")
        login = f"{user}:{quote(password, safe='')}"
        return f"mssql+pyodbc://{login}@{host}:{self.tds.port}/{database}?{urlencode(given)}"

    def ado(self, *, database: str = "RockDB", password: str = PASSWORD) -> str:
        quoted = password.replace('"', '""')
        login = f'User Id=postgres;Password="{quoted}"'
        return f"Server=tcp:127.0.0.1,{self.tds.port};Database={database};{login};TrustServerCertificate=true"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """The authority's certificate, and the server's own signed by it."""
    return certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def church_url(postgres: Postgres) -> str:
    url = postgres.create("tds")
    church.build(url)
    fit_for_sql_server(postgres, "tds")
    return url


def fit_for_sql_server(postgres: Postgres, database: str) -> None:
    """A bit compares with 1 as in T-SQL, nvarchar(50) holds 25 letters of two units, and datetime begins in 1753."""
    with postgres.connect(database) as connection:
        connection.execute(
            "UPDATE pg_cast SET castcontext = 'i' WHERE castsource = 'int4'::regtype AND casttarget = 'bool'::regtype"
        )
        connection.execute('UPDATE "Person" SET "FirstName" = left("FirstName", 25)')
        for table, column in (("Person", "CreatedDateTime"), ("FinancialTransaction", "TransactionDateTime")):
            connection.execute(f'UPDATE "{table}" SET "{column}" = \'1753-01-01\' WHERE "{column}" < \'1753-01-01\'')


@pytest.fixture
def server(church_url: str, postgres: Postgres, certificate: tuple[Path, ssl.SSLContext]) -> Iterator[SqlServer]:
    """As SQL Server comes: it encrypts logins, and more where asked to, with a certificate nobody knows."""
    yield from running(postgres, "tds", church_url, certificate[1])


def running(postgres: Postgres, database: str, url: str, context: ssl.SSLContext) -> Iterator[SqlServer]:
    conninfo = psycopg.conninfo.make_conninfo(host=str(postgres.folder), dbname=database)
    settings = TdsServer(conninfo, {"postgres": PASSWORD}, certificate=context, encryption="login")
    with serve(settings) as tds:
        yield SqlServer(tds, url, postgres)


@pytest.fixture
def trusted(certificate: tuple[Path, ssl.SSLContext]) -> Iterator[None]:
    """While it is in use, this machine trusts the authority, and no other."""
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = str(certificate[0])
    yield
    del os.environ["SSL_CERT_FILE"]
    if before is not None:
        os.environ["SSL_CERT_FILE"] = before
