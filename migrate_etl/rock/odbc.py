"""What an ODBC driver for SQL Server wants to be told; the driver itself is used in `opening.py`.

Pure, but for FreeTDS's own file, which `freetds.py` writes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from migrate_etl.rock.ado import refused
from migrate_etl.rock.connection import SqlServer
from migrate_etl.rock.failures import ADVICE
from migrate_etl.rock.freetds import checked_server
from migrate_etl.rock.server import DEFAULT_PORT
from migrate_transfer.core.errors import SourceError

_MICROSOFT = re.compile(r"ODBC Driver (\d+) for SQL Server", re.IGNORECASE)


_CHECKED = "Servername"


def certificate_unchecked(driver: str, text: str) -> bool:
    """Whether the driver took what certificate came, if any."""
    return is_freetds(driver) and f"{_CHECKED}=" not in text


def is_freetds(driver: str) -> bool:
    return "tds" in driver.lower()


def speaks_postgresql(driver: str, server: str) -> bool:
    """By the driver, for what a server calls itself is its own affair: one that speaks TDS is spoken to in T-SQL."""
    return not is_freetds(driver) and "msodbc" not in driver.lower() and "postgre" in server.lower()


def choose_driver(installed: Sequence[str]) -> str:
    """Microsoft's newest, else FreeTDS. Raises SourceError ODBC_DRIVER_MISSING with the command that installs one."""
    microsoft = sorted(((int(m[1]), m[0]) for m in map(_MICROSOFT.fullmatch, installed) if m), reverse=True)
    if microsoft:
        return microsoft[0][1]
    free = [name for name in installed if is_freetds(name)]
    if free:
        return free[0]
    advice = ADVICE["ODBC_DRIVER_MISSING"]
    raise SourceError(advice.message, code="ODBC_DRIVER_MISSING", remedy=advice.remedy)


def odbc_string(place: SqlServer, driver: str) -> str:
    """The ODBC connection string for the place. Raises SourceError for what the driver cannot do."""
    options = _freetds(place) if is_freetds(driver) else _microsoft(place, driver)
    login = {"Database": place.database, "UID": place.user, "PWD": place.password, "APP": place.application}
    pairs = {"Driver": driver, **options, **login, "ApplicationIntent": "ReadOnly" if place.read_only else None}
    quoted = _quoted_for_freetds if is_freetds(driver) else _quoted
    # The closing semicolon is for FreeTDS, which before 1.3.21 lost a last value in braces without it.
    return ";".join(f"{name}={quoted(name, value)}" for name, value in pairs.items() if value) + ";"


def _microsoft(place: SqlServer, driver: str) -> dict[str, str | None]:
    """Options of `ODBC Driver 17/18 for SQL Server`; 18 encrypts unless told otherwise."""
    address = place.address
    version = _MICROSOFT.fullmatch(driver)
    if place.encrypt == "strict" and version is not None and int(version[1]) < 18:
        raise refused("Encrypt=strict needs Microsoft's ODBC driver 18.", "Install msodbcsql18 or use Encrypt=true.")
    end = f"\\{address.instance}" if address.instance else f",{address.port or DEFAULT_PORT}"
    return {
        "Server": f"tcp:{address.host}{end}",
        "Encrypt": {"mandatory": "yes", "optional": "no", "strict": "strict", None: None}[place.encrypt],
        "TrustServerCertificate": {True: "yes", False: "no", None: None}[place.trust_certificate],
        "HostNameInCertificate": place.certificate_host,
        "ServerCertificate": place.certificate_file,
        "MultiSubnetFailover": "Yes" if place.multi_subnet else None,
        "ConnectRetryCount": "0",
    }


def without_own_retries(text: str) -> str:
    """An ODBC string that tells Microsoft's driver not to log in again by itself, unless it says how often.

    Who reads has to know that a connection broke: what comes after is another moment of the database.
    """
    if _MICROSOFT.search(text) is None or "connectretrycount" in text.lower():
        return text
    return f"{text.rstrip().rstrip(';')};ConnectRetryCount=0;"


def _freetds(place: SqlServer) -> dict[str, str | None]:
    """Options of FreeTDS: it asks the SQL Browser for an instance's port.

    Certificates are checked where everything is to be encrypted and the string does not trust whatever comes.
    """
    address = place.address
    if place.encrypt == "strict":
        raise refused("Encrypt=strict needs Microsoft's ODBC driver 18.", "Install msodbcsql18 or use Encrypt=true.")
    if place.encrypt == "mandatory" and not place.trust_certificate:
        if place.certificate_host not in (None, address.host):
            raise refused(
                "FreeTDS cannot check a certificate for another name than the server's.",
                "Connect by the name that stands in the certificate, or install Microsoft's ODBC driver.",
            )
        return {_CHECKED: checked_server(address), "ClientCharset": "UTF-8"}
    named = address.instance is not None
    return {
        "Server": f"{address.host}\\{address.instance}" if named else address.host,
        "Port": None if named else str(address.port or DEFAULT_PORT),
        "TDS_Version": "7.4",
        "ClientCharset": "UTF-8",
        "Encryption": {"mandatory": "require", "optional": "request", None: None}[place.encrypt],
    }


def _quoted(name: str, value: str) -> str:
    """In braces where the value would otherwise be misread, a closing brace inside doubled, as ODBC lays down."""
    plain = re.fullmatch(r"[^\s{}\[\]();,?*=!@]+", value) is not None
    return value if name == "Server" or (plain and name != "Driver") else "{" + value.replace("}", "}}") + "}"


def _quoted_for_freetds(name: str, value: str) -> str:
    """FreeTDS before 1.3.21 does not know doubled braces and later ones do: only what both read alike is sent."""
    if name != "Driver" and value == value.strip() and ";" not in value and not value.startswith("{"):
        return value
    if "}" in value:
        raise refused(
            "FreeTDS cannot be given a password or name with this mix of a semicolon and a closing brace.",
            "Choose a password without } or ; for the SQL account, or install Microsoft's ODBC driver.",
        )
    return "{" + value + "}"
