"""What a church types to say where its Rock database is, and what an ODBC driver wants to hear.

Understood: the ADO.NET connection string of the product (`Server=…;Database=…;User Id=…;Password=…`), SQLAlchemy URLs
(sqlite, postgresql, mssql), and `odbc:` before a raw ODBC string. No message ever repeats a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from migrate_transfer.core.errors import InvalidRequest

SYNONYMS = {
    "server": "server",
    "data source": "server",
    "address": "server",
    "addr": "server",
    "network address": "server",
    "database": "database",
    "initial catalog": "database",
    "user id": "user",
    "uid": "user",
    "user": "user",
    "password": "password",
    "pwd": "password",
    "encrypt": "encrypt",
    "trustservercertificate": "trust",
    "trust server certificate": "trust",
    "connect timeout": "timeout",
    "connection timeout": "timeout",
    "timeout": "timeout",
    "integrated security": "integrated",
    "trusted_connection": "integrated",
    "authentication": "authentication",
}
IGNORED = {
    "application name",
    "app",
    "applicationintent",
    "application intent",
    "multipleactiveresultsets",
    "multiple active result sets",
    "multisubnetfailover",
    "multi subnet failover",
    "persist security info",
    "pooling",
    "min pool size",
    "max pool size",
    "workstation id",
    "packet size",
    "current language",
    "language",
    "connectretrycount",
    "connectretryinterval",
    "failover partner",
    "column encryption setting",
    "type system version",
    "enlist",
    "replication",
    "load balance timeout",
    "connection lifetime",
    "connection reset",
    "command timeout",
    "network library",
    "net",
    "network",
    "async",
    "asynchronous processing",
    "driver",
    "provider",
}
TRUE = ("true", "yes", "1", "mandatory", "strict", "sspi")
FALSE = ("false", "no", "0", "optional")

REMEDY = "Give it like Server=host,1433;Database=RockRMS;User Id=reader;Password=…;TrustServerCertificate=true."


@dataclass(frozen=True, slots=True)
class SqlServer:
    """Where a SQL Server is and how to log in. `port` None means the default, or the instance's own."""

    host: str
    database: str
    user: str
    password: str = field(repr=False)
    port: int | None = None
    instance: str | None = None
    encrypt: str = "true"
    trust: bool = False
    timeout: int = 15

    def odbc(self, driver: str) -> str:
        """The connection string for one installed driver: Microsoft's, or FreeTDS."""
        parts = self._freetds() if "freetds" in driver.lower() else self._microsoft(driver)
        return ";".join(f"{name}={_braced(value)}" for name, value in {"Driver": driver, **parts}.items())

    def _login(self) -> dict[str, str]:
        return {"Database": self.database, "UID": self.user, "PWD": self.password}

    def _microsoft(self, driver: str) -> dict[str, str]:
        server = self.host
        if self.port:
            server = f"tcp:{self.host},{self.port}"
        elif self.instance:
            server = f"{self.host}\\{self.instance}"
        encrypt = {"true": "yes", "false": "no", "strict": "strict"}[self.encrypt]
        if encrypt == "strict" and "18" not in driver:
            encrypt = "yes"
        return {
            "Server": server,
            **self._login(),
            "Encrypt": encrypt,
            "TrustServerCertificate": "yes" if self.trust else "no",
            "ApplicationIntent": "ReadOnly",
            "APP": "Migrate",
        }

    def _freetds(self) -> dict[str, str]:
        where = {"Server": self.host, "Port": str(self.port or 1433)}
        if self.instance and not self.port:
            where = {"Server": f"{self.host}\\{self.instance}"}
        encryption = "request" if self.encrypt == "false" or self.trust else "require"
        return {
            **where,
            **self._login(),
            "TDS_Version": "7.4",
            "ClientCharset": "UTF-8",
            "Encryption": encryption,
            "APP": "Migrate",
            "ApplicationIntent": "ReadOnly",
        }


def _braced(value: str) -> str:
    """ODBC's quoting: braces around anything that could end the value, closing braces doubled."""
    if re.search(r"[\[\]{}(),;?*=!@\s]", value):
        return "{" + value.replace("}", "}}") + "}"
    return value


def parse_ado(text: str) -> SqlServer:
    """An ADO.NET connection string; the last of several spellings of a key wins.

    Raises InvalidRequest naming what is missing, unknown or not possible; never a value.
    """
    found: dict[str, str] = {}
    for key, value in _pairs(text):
        name = SYNONYMS.get(key)
        if name is None and key not in IGNORED:
            raise _bad(f"The connection string has an unknown key ({key[:40]}).")
        if name:
            found[name] = value
    _refuse_other_logins(found)
    missing = [name for name in ("server", "database", "user", "password") if not found.get(name, "").strip()]
    if missing:
        raise _bad(f"The connection string lacks {', '.join(missing)}.")
    host, instance, port = _server(found["server"].strip())
    return SqlServer(
        host=host,
        instance=instance,
        port=port,
        database=found["database"].strip(),
        user=found["user"].strip(),
        password=found["password"],
        encrypt=_encryption(found.get("encrypt", "true")),
        trust=_switch("TrustServerCertificate", found.get("trust", "false")),
        timeout=_seconds(found.get("timeout", "15")),
    )


def _bad(message: str, remedy: str = REMEDY) -> InvalidRequest:
    return InvalidRequest(message, code="CONNECTION_STRING_INVALID", remedy=remedy)


def _pairs(text: str) -> Sequence[tuple[str, str]]:
    """key=value pairs: keys in lower case, `==` in a key is a literal `=`, values may be quoted or braced."""
    pairs = []
    at = 0
    while at < len(text):
        while at < len(text) and text[at] in "; \t\r\n":
            at += 1
        if at == len(text):
            break
        end = re.compile(r"(?<!=)=(?!=)|(?<===)=(?!=)").search(text, at)
        if end is None:
            raise _bad("The connection string has a key without a value.")
        key = re.sub(r"\s+", " ", text[at : end.start()].replace("==", "=")).strip().lower()
        value, at = _value(text, end.end())
        pairs.append((key, value))
    return pairs


def _value(text: str, at: int) -> tuple[str, int]:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    quote = text[at : at + 1]
    if quote not in ("'", '"', "{") or not quote:
        end = text.find(";", at)
        end = len(text) if end < 0 else end
        return text[at:end].strip(), end + 1
    closing = "}" if quote == "{" else quote
    value, at = "", at + 1
    while True:
        end = text.find(closing, at)
        if end < 0:
            raise _bad("The connection string has a quote that is not closed.")
        value += text[at:end]
        if text[end + 1 : end + 2] != closing:
            break
        value, at = value + closing, end + 2
    rest = text[end + 1 :]
    if rest.lstrip() and not rest.lstrip().startswith(";"):
        raise _bad("The connection string has text after a quoted value.")
    after = text.find(";", end + 1)
    return value, len(text) if after < 0 else after + 1


def _refuse_other_logins(found: Mapping[str, str]) -> None:
    if found.get("integrated", "false").strip().lower() in TRUE:
        raise _bad(
            "Integrated security is not possible: the agent has no Windows login that the SQL Server knows.",
            "Make a SQL login with read access to the Rock database and give User Id and Password.",
        )
    authentication = found.get("authentication", "SqlPassword").replace(" ", "").lower()
    if authentication not in ("sqlpassword", "notspecified", ""):
        raise _bad(
            "Only SQL logins are possible, not the Authentication that the connection string asks for.",
            "Make a SQL login with read access to the Rock database and give User Id and Password.",
        )


def _server(text: str) -> tuple[str, str | None, int | None]:
    prefix, _, rest = text.partition(":")
    if rest and prefix.lower() in ("np", "lpc", "admin", "via"):
        raise _bad("Only TCP connections are possible, not named pipes or shared memory.", "Use Server=tcp:host,1433.")
    name = rest if prefix.lower() == "tcp" and rest else text
    name, _, port = name.partition(",")
    host, _, instance = name.strip().partition("\\")
    host = {"(local)": "localhost", ".": "localhost"}.get(host.strip().lower(), host.strip())
    if not host or host.lower().startswith("(localdb)"):
        raise _bad("The connection string names no server that can be reached over TCP.")
    if port.strip() and not (port.strip().isascii() and port.strip().isdigit() and 0 < int(port) < 65536):
        raise _bad("The port in Server must be a number from 1 to 65535.")
    instance = instance.strip()
    return host, None if instance.upper() in ("", "MSSQLSERVER") else instance, int(port) if port.strip() else None


def _encryption(value: str) -> str:
    word = value.strip().lower()
    if word == "strict":
        return "strict"
    return "true" if _switch("Encrypt", word) else "false"


def _switch(key: str, value: str) -> bool:
    word = value.strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise _bad(f"{key} must be true or false.")


def _seconds(value: str) -> int:
    if not value.strip().isdigit():
        raise _bad("Connect Timeout must be a number of seconds.")
    return min(max(int(value), 1), 300)
