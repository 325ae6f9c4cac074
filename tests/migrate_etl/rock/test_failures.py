"""Real texts of real drivers, as pyodbc, psycopg and sqlite3 hand them out, and what they mean."""

# ruff: noqa: E501  drivers' texts are quoted as they come

from __future__ import annotations

import pytest

from migrate_etl.rock.failures import ADVICE, FailureCode, Moment, failure, failure_code
from migrate_transfer.core.errors import SourceError, TransientError

MS = "[Microsoft][ODBC Driver 18 for SQL Server]"
TDS = "[FreeTDS][SQL Server]"

CONNECTING: list[tuple[str | None, str, FailureCode]] = [
    ("08S01", f"[08S01] {TDS}Unable to connect: Adaptive Server is unavailable or does not exist (20009) (SQLDriverConnect)",
     "ROCK_UNREACHABLE"),
    ("08001", f"[08001] {TDS}Unable to connect to data source (0) (SQLDriverConnect)", "ROCK_UNREACHABLE"),
    ("HYT00", f"[HYT00] {TDS}Timeout expired (0) (SQLDriverConnect)", "ROCK_UNREACHABLE"),
    ("42000", f"[42000] {TDS}Adaptive Server connection failed (20002) (SQLDriverConnect)", "ROCK_UNREACHABLE"),
    ("28000", f"[28000] {TDS}Login failed for user 'rock'. (18456) (SQLDriverConnect)", "ROCK_LOGIN_FAILED"),
    ("42000", f"[42000] {TDS}Login failed for user 'rock'. (18456) (SQLDriverConnect)", "ROCK_LOGIN_FAILED"),
    ("42000", f"[42000] {TDS}Cannot open database \"Rok\" requested by the login. The login failed. (4060)"
     " (SQLDriverConnect)", "ROCK_DATABASE_NOT_FOUND"),
    ("37000", f"[37000] {TDS}Cannot open server \"h\" requested by the login. The login failed. (40532)"
     " (SQLDriverConnect)", "ROCK_UNREACHABLE"),
    ("HYT00", f"[HYT00] {MS}Login timeout expired (0) (SQLDriverConnect); [HYT00] {MS}TCP Provider: Error code 0x2AF9"
     f" (11001); [HYT00] {MS}A network-related or instance-specific error has occurred while establishing a connection to"
     " h. Server is not found or not accessible. (11001)", "ROCK_UNREACHABLE"),
    ("08001", f"[08001] {MS}TCP Provider: Error code 0x2746 (10054) (SQLDriverConnect)", "ROCK_UNREACHABLE"),
    ("28000", f"[28000] {MS}[SQL Server]Login failed for user 'rock'. (18456) (SQLDriverConnect)", "ROCK_LOGIN_FAILED"),
    ("28000", f"[28000] {MS}[SQL Server]用户 'sa' 登录失败。 (18456) (SQLDriverConnect); [28000] {MS}[SQL Server]无法打开登录所请求的"
     "数据库 \"qq\"。登录失败。 (4060)", "ROCK_DATABASE_NOT_FOUND"),
    ("42000", f"[42000] {MS}[SQL Server]The target database ('Rock') is in an availability group and currently does not"
     f" allow read only connections. (979) (SQLDriverConnect); [28000] {MS}[SQL Server]Login failed. (18456)",
     "ROCK_REPLICA_REFUSED"),
    ("28000", f"[28000] {MS}[SQL Server]Login failed for user 'u'. Reason: The password of the account has expired."
     " (18487) (SQLDriverConnect)", "ROCK_LOGIN_FAILED"),
    ("42000", f"[42000] {MS}[SQL Server]Cannot open server 'x' requested by the login. Client with IP address '1.2.3.4' is"
     " not allowed to access the server. (40615) (SQLDriverConnect)", "ROCK_UNREACHABLE"),
    ("08001", f"[08001] {MS}SSL Provider: [error:0A000086:SSL routines::certificate verify failed:self-signed certificate]"
     f" (-1) (SQLDriverConnect); [08001] {MS}Client unable to establish connection. For solutions related to encryption"
     " errors, see https://go.microsoft.com/fwlink/?linkid=2226722 (-1)", "ROCK_CERTIFICATE_NOT_TRUSTED"),
    ("08001", "[08001] [Microsoft][ODBC Driver 17 for SQL Server]SSL Provider: [error:1416F086:SSL routines:"
     "tls_process_server_certificate:certificate verify failed:unable to get local issuer certificate] (-1)",
     "ROCK_CERTIFICATE_NOT_TRUSTED"),
    ("08001", f"[08001] {MS}SSL-Anbieter: Die Zertifikatkette wurde von einer nicht vertrauenswürdigen"
     " Zertifizierungsstelle ausgestellt. (-2146893019)", "ROCK_CERTIFICATE_NOT_TRUSTED"),
    ("08001", f"[08001] {MS}SSL Provider: [error:1425F102:SSL routines:ssl_choose_client_version:unsupported protocol]"
     " (-1) (SQLDriverConnect)", "ROCK_ENCRYPTION_REFUSED"),
    ("08001", f"[08001] {MS}SSL Provider: [error:0A000086:SSL routines::certificate verify failed:subject name does not"
     " match host name] (-1) (SQLDriverConnect)", "ROCK_CERTIFICATE_NOT_TRUSTED"),
    ("08001", f"[08001] {MS}Encryption not supported on SQL Server. (20) (SQLDriverConnect)", "ROCK_ENCRYPTION_REFUSED"),
    ("08001", f"[08001] {MS}SSL Provider: [error:0A000410:SSL routines::sslv3 alert handshake failure:SSL alert number"
     " 40] (-1) (SQLDriverConnect)", "ROCK_ENCRYPTION_REFUSED"),
    ("08001", f"[08001] {MS}Client unable to establish connection because an error was encountered during handshakes"
     " before login. Common causes include client attempting to connect to an unsupported version of SQL Server, server"
     " too busy to accept new connections or a resource limitation (memory or maximum allowed connections) on the server."
     " (10054) (SQLDriverConnect)", "ROCK_UNREACHABLE"),
    ("HY000", f"[HY000] {MS}Protocol error in TDS stream (0) (SQLDriverConnect)", "ROCK_UNREACHABLE"),
    ("01000", "[01000] [unixODBC][Driver Manager]Can't open lib 'ODBC Driver 17 for SQL Server' : file not found (0)"
     " (SQLDriverConnect)", "ODBC_DRIVER_MISSING"),
    ("IM002", "[IM002] [unixODBC][Driver Manager]Data source name not found and no default driver specified (0)"
     " (SQLDriverConnect)", "ODBC_DRIVER_MISSING"),
    ("08001", '[08001] connection to server at "127.0.0.1", port 1 failed: Connection refused (101)', "ROCK_UNREACHABLE"),
    ("08001", '[08001] FATAL:  database "nope" does not exist (101) (SQLDriverConnect)', "ROCK_DATABASE_NOT_FOUND"),
    ("08001", '[08001] FATAL:  password authentication failed for user "x" (101)', "ROCK_LOGIN_FAILED"),
    (None, 'connection failed: FATAL:  role "x" does not exist', "ROCK_LOGIN_FAILED"),
    (None, "unable to open database file", "ROCK_DATABASE_NOT_FOUND"),
    (None, "file is not a database", "NOT_A_ROCK_DATABASE"),
]  # fmt: skip

READING: list[tuple[str | None, str, FailureCode]] = [
    ("42000", f"[42000] {MS}[SQL Server]The SELECT permission was denied on the object 'Person', database 'Rock', schema"
     " 'dbo'. (229) (SQLExecDirectW)", "ROCK_PERMISSION_DENIED"),
    ("42000", f"[42000] {TDS}The SELECT permission was denied on the column 'Amount' of the object 'X'. (230)"
     " (SQLExecDirectW)", "ROCK_PERMISSION_DENIED"),
    ("42S02", f"[42S02] {TDS}Invalid object name 'dbo.Person'. (208) (SQLExecDirectW)", "ROCK_OBJECT_MISSING"),
    ("42S22", f"[42S22] {MS}[SQL Server]Invalid column name 'GivingId'. (207) (SQLExecDirectW)", "ROCK_OBJECT_MISSING"),
    ("42501", '[42501] ERROR: permission denied for table Person (1) (SQLExecDirectW)', "ROCK_PERMISSION_DENIED"),
    ("40001", f"[40001] {MS}[SQL Server]Transaction (Process ID 52) was deadlocked on lock resources with another process"
     " and has been chosen as the deadlock victim. (1205) (SQLExecDirectW)", "ROCK_BUSY"),
    ("42000", f"[42000] {TDS}Lock request time out period exceeded. (1222) (SQLExecDirectW)", "ROCK_BUSY"),
    ("08S01", f"[08S01] {MS}TCP Provider: Error code 0x68 (104) (SQLFetch)", "ROCK_CONNECTION_LOST"),
    ("08S01", f"[08S01] {TDS}Write to the server failed (20006) (SQLExecDirectW)", "ROCK_CONNECTION_LOST"),
    ("HYT00", f"[HYT00] {TDS}Timeout expired (0) (SQLExecDirectW)", "ROCK_NO_ANSWER"),
    ("HYT00", f"[HYT00] {MS}Query timeout expired (0) (SQLExecDirectW)", "ROCK_NO_ANSWER"),
    ("HY000", "The driver did not supply an error!", "ROCK_NO_ANSWER"),
    ("01000", f"[01000] {TDS}Unexpected EOF from the server (20017) (SQLExecDirectW)", "ROCK_CONNECTION_LOST"),
    ("57P01", "terminating connection due to administrator command", "ROCK_CONNECTION_LOST"),
    ("HY000", f"[HY000] {TDS}Unknown error (0) (SQLExecDirectW)", "ROCK_CONNECTION_LOST"),
    ("HY000", f"State: HY000, (0), Message: {TDS}Unknown error", "ROCK_CONNECTION_LOST"),
    ("IMC06", f"[IMC06] {MS}The connection is broken and recovery is not possible. The connection is marked by the client"
     " driver as unrecoverable. No attempt was made to restore the connection. (0) (SQLExecDirectW)",
     "ROCK_CONNECTION_LOST"),
    ("HY000", f"[HY000] {MS}[SQL Server]Cannot continue the execution because the session is in the kill state. (596)"
     " (SQLFetch)", "ROCK_CONNECTION_LOST"),
    ("42000", f"[42000] {MS}[SQL Server]SHUTDOWN is in progress. (6005) (SQLExecDirectW)", "ROCK_CONNECTION_LOST"),
    ("42000", f"[42000] {TDS}There is insufficient system memory in resource pool 'default' to run this query. (701)"
     " (SQLExecDirectW)", "ROCK_BUSY"),
    ("42000", f"[42000] {TDS}Incorrect syntax near 'LIMIT'. (102) (SQLExecDirectW)", "ROCK_QUERY_FAILED"),
    (None, "database is locked", "ROCK_BUSY"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "text", "code"), CONNECTING)
def test_what_goes_wrong_while_connecting(state: str | None, text: str, code: FailureCode) -> None:
    assert failure_code(state, text, "connecting") == code


@pytest.mark.parametrize(("state", "text", "code"), READING)
def test_what_goes_wrong_while_reading(state: str | None, text: str, code: FailureCode) -> None:
    assert failure_code(state, text, "reading") == code


@pytest.mark.parametrize(
    ("state", "text", "moment"),
    [(s, t, "connecting") for s, t, _ in CONNECTING] + [(s, t, "reading") for s, t, _ in READING],
)
def test_every_failure_has_a_remedy_and_none_of_the_drivers_words(state: str | None, text: str, moment: Moment) -> None:
    error = failure(state, text, moment)
    assert error.remedy == ADVICE[failure_code(state, text, moment)].remedy
    assert not any(word in f"{error}{error.details}" for word in ("rock'", "qq", "Rok", "Person'", "1.2.3.4", "nope"))


def test_a_broken_link_and_a_busy_database_may_be_tried_again_and_nothing_else() -> None:
    for state, text, code in READING:
        transient = code in ("ROCK_BUSY", "ROCK_CONNECTION_LOST", "ROCK_NO_ANSWER")
        assert isinstance(failure(state, text, "reading"), TransientError if transient else SourceError)
