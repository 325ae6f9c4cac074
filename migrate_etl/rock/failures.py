"""What a database driver's error means, and what to do about it. Pure: error texts in, our errors out.

Told apart by SQLSTATE, the server's error number and, where both are silent, the driver's words. Nothing of the
driver's text is passed on: it may quote the statement, a value or a login.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from migrate_transfer.core.errors import ConnectionLost, MigrateError, ServiceUnavailable, SourceError

FailureCode = Literal[
    "ROCK_UNREACHABLE",
    "ROCK_LOGIN_FAILED",
    "ROCK_PERMISSION_DENIED",
    "ROCK_CERTIFICATE_NOT_TRUSTED",
    "ROCK_ENCRYPTION_REFUSED",
    "ROCK_DATABASE_NOT_FOUND",
    "ROCK_REPLICA_REFUSED",
    "ROCK_OBJECT_MISSING",
    "NOT_A_ROCK_DATABASE",
    "ROCK_CONNECTION_LOST",
    "ROCK_NO_ANSWER",
    "ROCK_BUSY",
    "ODBC_DRIVER_MISSING",
    "ROCK_QUERY_FAILED",
]

Moment = Literal["connecting", "reading"]


@dataclass(frozen=True, slots=True)
class Advice:
    """What the person who reads the error is told."""

    message: str
    remedy: str


INSTALL_DRIVER = (
    "Install a driver: `sudo apt-get install unixodbc tdsodbc` (FreeTDS), or Microsoft's `msodbcsql18`"
    " (https://learn.microsoft.com/sql/connect/odbc/download-odbc-driver-for-sql-server)."
)

ADVICE: dict[FailureCode, Advice] = {
    "ROCK_UNREACHABLE": Advice(
        "The database server cannot be reached (connection refused or time-out).",
        "Check the SQL Server name or IP in the connection string, that TCP/IP is enabled in SQL Server Configuration"
        " Manager, and that the firewall lets this machine reach the server on port 1433.",
    ),
    "ROCK_LOGIN_FAILED": Advice(
        "The database server refused the login.",
        "Check user and password: they are wrong, or the SQL account has no read access to the RockRMS database.",
    ),
    "ROCK_PERMISSION_DENIED": Advice(
        "The login may not read a table the import needs.",
        "Give the SQL account read access to the RockRMS database, for example the role db_datareader.",
    ),
    "ROCK_CERTIFICATE_NOT_TRUSTED": Advice(
        "The database server's certificate is not trusted.",
        "Add TrustServerCertificate=true to the connection string if the server uses a self-signed certificate;"
        " where only the name differs, HostNameInCertificate= with the name that stands in it.",
    ),
    "ROCK_ENCRYPTION_REFUSED": Advice(
        "This machine and the database server did not agree on encryption.",
        "Ask for a TLS version both support; on a trusted network Encrypt=false in the connection string does without.",
    ),
    "ROCK_DATABASE_NOT_FOUND": Advice(
        "The server has no such database, or the login may not open it.",
        "Make the database name in the connection string match the RockRMS database name exactly,"
        " and map the login to a user in it.",
    ),
    "ROCK_REPLICA_REFUSED": Advice(
        "The server keeps a replica of the database that does not take this login's kind of connection.",
        "Name the listener of the availability group in the connection string; where the message has error 979, add"
        " ApplicationIntent=ReadWrite (nothing is written even so), where it has 978, leave that out.",
    ),
    "ROCK_OBJECT_MISSING": Advice(
        "The database lacks a table or column that the import reads.",
        "Run test-connection: it names what is missing.",
    ),
    "NOT_A_ROCK_DATABASE": Advice(
        "This is not a Rock database.",
        "Match the database name in the connection string to the RockRMS database name exactly.",
    ),
    "ROCK_CONNECTION_LOST": Advice(
        "The connection to the database broke while reading.",
        "Check the network to the database server; start the job again: it goes on where it stopped.",
    ),
    "ROCK_NO_ANSWER": Advice(
        "The database took a statement and did not answer in time.",
        "Look at what holds the database server up; where its statements take that long by nature, allow more seconds"
        " by Command Timeout= in the connection string. Start the job again: it goes on where it stopped.",
    ),
    "ROCK_BUSY": Advice(
        "The database was too busy: other work held its locks.",
        "Start the job again outside service hours; it goes on where it stopped.",
    ),
    "ODBC_DRIVER_MISSING": Advice("The ODBC driver for SQL Server is not installed.", INSTALL_DRIVER),
    "ROCK_QUERY_FAILED": Advice(
        "The database could not run a statement of the import.",
        "Run test-connection; if it finds nothing, send the support bundle with the numbers in this message.",
    ),
}

_BY_NUMBER: dict[int, FailureCode] = {
    18456: "ROCK_LOGIN_FAILED",
    18452: "ROCK_LOGIN_FAILED",
    18486: "ROCK_LOGIN_FAILED",
    18487: "ROCK_LOGIN_FAILED",
    18488: "ROCK_LOGIN_FAILED",
    18470: "ROCK_LOGIN_FAILED",
    17892: "ROCK_LOGIN_FAILED",
    40615: "ROCK_UNREACHABLE",
    40532: "ROCK_UNREACHABLE",
    40613: "ROCK_UNREACHABLE",
    4060: "ROCK_DATABASE_NOT_FOUND",
    4064: "ROCK_DATABASE_NOT_FOUND",
    911: "ROCK_DATABASE_NOT_FOUND",
    916: "ROCK_DATABASE_NOT_FOUND",
    **dict.fromkeys((976, 978, 979, 982, 983), "ROCK_REPLICA_REFUSED"),
    229: "ROCK_PERMISSION_DENIED",
    230: "ROCK_PERMISSION_DENIED",
    297: "ROCK_PERMISSION_DENIED",
    207: "ROCK_OBJECT_MISSING",
    208: "ROCK_OBJECT_MISSING",
    1205: "ROCK_BUSY",
    1222: "ROCK_BUSY",
    3960: "ROCK_BUSY",
    3961: "ROCK_BUSY",
    701: "ROCK_BUSY",
    1204: "ROCK_BUSY",
    8645: "ROCK_BUSY",
    40501: "ROCK_BUSY",
    10928: "ROCK_BUSY",
    10929: "ROCK_BUSY",
    49918: "ROCK_BUSY",
    49919: "ROCK_BUSY",
    49920: "ROCK_BUSY",
    596: "ROCK_CONNECTION_LOST",
    6005: "ROCK_CONNECTION_LOST",
    40197: "ROCK_CONNECTION_LOST",
    17142: "ROCK_UNREACHABLE",
    18401: "ROCK_UNREACHABLE",
    20002: "ROCK_UNREACHABLE",
    20003: "ROCK_UNREACHABLE",
    20004: "ROCK_CONNECTION_LOST",
    20006: "ROCK_CONNECTION_LOST",
    20008: "ROCK_UNREACHABLE",
    20009: "ROCK_UNREACHABLE",
    20013: "ROCK_UNREACHABLE",
    20014: "ROCK_LOGIN_FAILED",
    20017: "ROCK_CONNECTION_LOST",
    20020: "ROCK_CONNECTION_LOST",
    20047: "ROCK_CONNECTION_LOST",
}
"""SQL Server's own error numbers, and FreeTDS's (20000 and up)."""

_VAGUENESS: tuple[FailureCode, ...] = (
    "ROCK_REPLICA_REFUSED",
    "ROCK_DATABASE_NOT_FOUND",
    "ROCK_PERMISSION_DENIED",
    "ROCK_OBJECT_MISSING",
    "ROCK_BUSY",
    "ROCK_LOGIN_FAILED",
    "ROCK_UNREACHABLE",
    "ROCK_CONNECTION_LOST",
)
"""Codes that numbers lead to, the most telling first."""

_BY_STATE: dict[str, FailureCode] = {
    "28000": "ROCK_LOGIN_FAILED",
    "28P01": "ROCK_LOGIN_FAILED",
    "3D000": "ROCK_DATABASE_NOT_FOUND",
    "42501": "ROCK_PERMISSION_DENIED",
    "42S02": "ROCK_OBJECT_MISSING",
    "42S22": "ROCK_OBJECT_MISSING",
    "42P01": "ROCK_OBJECT_MISSING",
    "42703": "ROCK_OBJECT_MISSING",
    "IM002": "ODBC_DRIVER_MISSING",
    "IM003": "ODBC_DRIVER_MISSING",
    "HYT00": "ROCK_UNREACHABLE",
    "HYT01": "ROCK_UNREACHABLE",
    "08S01": "ROCK_CONNECTION_LOST",
    "08003": "ROCK_CONNECTION_LOST",
    "08006": "ROCK_CONNECTION_LOST",
    "57P01": "ROCK_CONNECTION_LOST",
    "57P02": "ROCK_CONNECTION_LOST",
    "57P03": "ROCK_UNREACHABLE",
    **dict.fromkeys(("IMC01", "IMC02", "IMC03", "IMC04", "IMC05", "IMC06"), "ROCK_CONNECTION_LOST"),
    "40001": "ROCK_BUSY",
    "40P01": "ROCK_BUSY",
    "55P03": "ROCK_BUSY",
    "08001": "ROCK_UNREACHABLE",
}

_BY_WORDS: tuple[tuple[str, FailureCode], ...] = (
    (r"certifica|zertifikat|self.signed|unable to get local issuer", "ROCK_CERTIFICATE_NOT_TRUSTED"),
    (r"ssl provider|ssl routines|unsupported protocol|tls|encryption", "ROCK_ENCRYPTION_REFUSED"),
    (r"can't open lib|data source name not found|file not found", "ODBC_DRIVER_MISSING"),
    (r"password authentication failed|login failed|no pg_hba.conf entry", "ROCK_LOGIN_FAILED"),
    (r'role "[^"]*" does not exist', "ROCK_LOGIN_FAILED"),
    (r'database "[^"]*" does not exist|cannot open database', "ROCK_DATABASE_NOT_FOUND"),
    (r"permission denied|permission was denied", "ROCK_PERMISSION_DENIED"),
    (
        r'relation "[^"]*" does not exist|column [^ ]* does not exist|invalid object name|no such (table|column)',
        "ROCK_OBJECT_MISSING",
    ),
    (r"unable to open database file", "ROCK_DATABASE_NOT_FOUND"),
    (r"database (table )?is locked", "ROCK_BUSY"),
    (r"file is not a database", "NOT_A_ROCK_DATABASE"),
    (r"server closed the connection|terminating connection|communication link", "ROCK_CONNECTION_LOST"),
    # All that is known where Microsoft's driver waited in vain in the middle of an answer.
    (r"driver did not supply an error", "ROCK_NO_ANSWER"),
    # All that FreeTDS says where a statement met a connection that had broken before.
    (r"\[freetds\].*unknown error", "ROCK_CONNECTION_LOST"),
    (r"protocol error in tds stream", "ROCK_UNREACHABLE"),
    (
        r"refused|timed? ?out|timeout|unreachable|could not connect|could not translate|unable to connect|no such host",
        "ROCK_UNREACHABLE",
    ),
)

_NUMBER = re.compile(r"\((\d+)\)")


def failure_code(state: str | None, text: str, moment: Moment) -> FailureCode:
    """What the error is, from its SQLSTATE and text.

    `moment` decides what a dropped link means: while connecting the server cannot be reached, while reading the
    connection was lost.
    """
    found = _by_number(text) or _decisive_words(state, text) or _BY_STATE.get(state or "") or _words(text)
    if found == "ROCK_UNREACHABLE" and moment == "reading":
        return "ROCK_NO_ANSWER" if state in ("HYT00", "HYT01") else "ROCK_CONNECTION_LOST"
    if found in ("ROCK_CONNECTION_LOST", "ROCK_NO_ANSWER") and moment == "connecting":
        return "ROCK_UNREACHABLE"
    return found or "ROCK_QUERY_FAILED"


def _by_number(text: str) -> FailureCode | None:
    """The most telling of the known numbers: a server that lacks the database also says that the login failed."""
    numbers = (int(number) for number in _NUMBER.findall(text))
    known = [_BY_NUMBER[number] for number in numbers if number in _BY_NUMBER]
    return min(known, key=_VAGUENESS.index, default=None)


def _decisive_words(state: str | None, text: str) -> FailureCode | None:
    """States that drivers use for anything that goes wrong while connecting: only the words tell."""
    return _words(text) if state in ("08001", "08004", "08006", "HY000", "01000", "08S01", None) else None


def _words(text: str) -> FailureCode | None:
    return next((code for pattern, code in _BY_WORDS if re.search(pattern, text, re.IGNORECASE)), None)


def failure(state: str | None, text: str, moment: Moment) -> MigrateError:
    """Our error for a driver's: transient ones while reading, `SourceError` otherwise; never the driver's own text."""
    code = failure_code(state, text, moment)
    advice = ADVICE[code]
    numbers = [int(number) for number in _NUMBER.findall(text) if number != "0"]
    details = {"sqlstate": state, "numbers": numbers}
    if code in ("ROCK_CONNECTION_LOST", "ROCK_NO_ANSWER"):
        return ConnectionLost(advice.message, code=code, remedy=advice.remedy, details=details)
    if code == "ROCK_BUSY":
        return ServiceUnavailable(advice.message, code=code, remedy=advice.remedy, details=details)
    return SourceError(_numbered(advice.message, state, numbers), code=code, remedy=advice.remedy, details=details)


def no_answer(seconds: float) -> ConnectionLost:
    """The error for a read that was given up after so many seconds."""
    advice = ADVICE["ROCK_NO_ANSWER"]
    return ConnectionLost(
        advice.message, code="ROCK_NO_ANSWER", remedy=advice.remedy, details={"command_timeout": seconds}
    )


def _numbered(message: str, state: str | None, numbers: list[int]) -> str:
    known = ", ".join(filter(None, [state and f"SQLSTATE {state}", *(f"error {number}" for number in numbers[:1])]))
    return f"{message} ({known})" if known else message
