"""What a connection to SQL Server is encrypted with, and what is said where it is not: both drivers, real TLS."""

from __future__ import annotations

import shutil
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest
import sqlalchemy as sa

from migrate_etl.rock import diagnose
from migrate_etl.rock.database import RockDatabase
from tests.fakes import certificates
from tests.fakes.drivers import FREETDS, MICROSOFT
from tests.migrate_etl.rock.conftest import DRIVERS, SqlServer

CHECKED = {"TrustServerCertificate": "no"}
UNKNOWN = "ROCK_CERTIFICATE_NOT_TRUSTED"

AGREED = [
    # driver, the server's own rule, Encrypt= -> what is encrypted
    (FREETDS, "none", "no", "none"),
    (FREETDS, "login", "", "login"),
    (FREETDS, "login", "no", "login"),
    (FREETDS, "login", "yes", "all"),
    (FREETDS, "all", "", "all"),
    (FREETDS, "all", "no", "all"),
    (FREETDS, "all", "yes", "all"),
    (MICROSOFT, "none", "no", "none"),
    (MICROSOFT, "login", "", "all"),
    (MICROSOFT, "login", "no", "login"),
    (MICROSOFT, "login", "yes", "all"),
    (MICROSOFT, "all", "", "all"),
    (MICROSOFT, "all", "no", "all"),
    (MICROSOFT, "all", "yes", "all"),
]


@pytest.mark.parametrize(("driver", "rule", "asked", "agreed"), AGREED)
def test_as_much_is_encrypted_as_either_side_wants(
    server: SqlServer, driver: str, rule: str, asked: str, agreed: str
) -> None:
    server.tds.encryption = rule  # type: ignore[assignment]
    with RockDatabase.open(server.through(driver, Encrypt=asked), page_size=2) as database:
        key = database.tables["Campus"].c.Id
        pages = database.pages(sa.select(key.label("id")), key)
        assert [page["id"].to_list() for page in pages] == [[1, 2]]
        assert database.no_arrow is None
    assert server.tds.encrypted == [agreed, agreed]


@pytest.mark.parametrize(
    ("driver", "rule", "asked"),
    [
        (MICROSOFT, "login", "yes"),
        (MICROSOFT, "login", ""),
        (MICROSOFT, "all", "yes"),
        (MICROSOFT, "all", "no"),
        (MICROSOFT, "login", "strict"),
        (FREETDS, "login", "yes"),
        (FREETDS, "all", "yes"),
    ],
)
def test_a_certificate_of_an_unknown_authority_is_not_trusted(
    server: SqlServer, driver: str, rule: str, asked: str
) -> None:
    server.tds.encryption = rule  # type: ignore[assignment]
    diagnosis = diagnose.test_connection(server.through(driver, Encrypt=asked, **CHECKED))
    assert diagnosis.code == UNKNOWN
    assert "TrustServerCertificate=true" in str(diagnosis.remedy)
    assert server.tds.seen == []


@pytest.mark.parametrize(("driver", "asked"), [(MICROSOFT, "yes"), (MICROSOFT, "strict"), (FREETDS, "yes")])
def test_a_certificate_of_a_known_authority_is_trusted(
    server: SqlServer, trusted: None, driver: str, asked: str
) -> None:
    contents = diagnose.test_connection(server.through(driver, Encrypt=asked, **CHECKED)).contents
    assert contents is not None
    assert contents.arrow
    assert not any("certificate" in note for note in contents.notes)
    assert server.tds.encrypted == ["all", "all"]


def test_freetds_checks_no_certificate_for_another_name(server: SqlServer, trusted: None) -> None:
    other = server.through(FREETDS, Encrypt="yes", HostNameInCertificate="sql.example.org", **CHECKED)
    assert diagnose.test_connection(other).code == "INVALID_CONNECTION_STRING"
    assert server.tds.seen == []


def test_a_name_that_is_not_in_the_certificate_is_said_to_be_another(server: SqlServer, trusted: None) -> None:
    by_number = {"host": "127.0.0.1", "Encrypt": "yes", **CHECKED}
    diagnosis = diagnose.test_connection(server.through(MICROSOFT, **by_number))
    assert diagnosis.code == UNKNOWN
    assert "HostNameInCertificate" in str(diagnosis.remedy)
    named = server.through(MICROSOFT, **by_number, HostNameInCertificate="localhost")
    assert diagnose.test_connection(named).ok


def test_a_certificate_at_hand_is_trusted_where_encryption_is_strict(
    server: SqlServer, tmp_path: Path, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    own = tmp_path / "own.pem"
    shutil.copy(certificate[0].with_name("server.pem"), own)
    text = server.through(MICROSOFT, Encrypt="strict", ServerCertificate=str(own), TrustServerCertificate="")
    assert diagnose.test_connection(text).code == "OK"


@DRIVERS
@pytest.mark.parametrize("trust", ["yes", "no"])
def test_encryption_that_the_server_cannot_do_is_not_silently_left_out(
    server: SqlServer, driver: str, trust: str
) -> None:
    server.tds.encryption = "none"
    diagnosis = diagnose.test_connection(server.through(driver, Encrypt="yes", TrustServerCertificate=trust))
    assert diagnosis.code == "ROCK_ENCRYPTION_REFUSED"
    assert server.tds.seen == []


@DRIVERS
def test_a_handshake_without_a_common_cipher_is_no_unreachable_server(
    server: SqlServer, driver: str, tmp_path: Path
) -> None:
    _, server.tds.certificate = certificates.make(tmp_path)
    server.tds.certificate.set_ciphers("PSK-AES128-GCM-SHA256")
    assert diagnose.test_connection(server.through(driver, Encrypt="yes")).code == "ROCK_ENCRYPTION_REFUSED"


@contextmanager
def stranger(words: bytes) -> Iterator[int]:
    """The port of something that is no SQL Server."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            self.request.sendall(words)

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield int(listener.server_address[1])
        listener.shutdown()
        thread.join()


@DRIVERS
@pytest.mark.parametrize("words", [b"", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"], ids=["none", "http"])
def test_a_port_where_no_sql_server_answers(server: SqlServer, driver: str, words: bytes) -> None:
    with stranger(words) as server.tds.port:
        diagnosis = diagnose.test_connection(server.through(driver, Encrypt="yes"))
    assert diagnosis.code == "ROCK_UNREACHABLE"
