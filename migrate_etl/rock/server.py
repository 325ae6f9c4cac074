"""The `Server=` of a connection string: host, named instance, port. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from migrate_etl.rock.ado import refused

DEFAULT_PORT = 1433


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Either a port or a named instance leads to the server; with neither it is the default port."""

    host: str
    instance: str | None = None
    port: int | None = None


def parse_server(text: str) -> ServerAddress:
    """`host`, `host,port`, `host\\instance`, each with or without `tcp:`; `.` and `(local)` are this machine.

    Where port and instance are both given, the port leads and the instance is left aside, as SQL Server's own
    clients do. Raises SourceError INVALID_CONNECTION_STRING.
    """
    name = text.strip()
    protocol, rest = re.match(r"(?:(tcp|np|lpc|admin):)?(.*)", name, re.IGNORECASE | re.DOTALL).groups()  # type: ignore[union-attr]
    if (protocol or "tcp").lower() != "tcp" or rest.startswith("\\\\"):
        raise refused(
            "Only TCP/IP leads to the server: named pipes, shared memory and the admin channel end at its own machine.",
            "Write Server=host,1433 or Server=host\\instance, and enable TCP/IP on the SQL Server.",
        )
    if rest.lower().startswith("(localdb)"):
        raise refused("A LocalDB cannot be reached from another program's machine.", "Name a SQL Server instance.")
    host, comma, port = rest.rpartition(",") if "," in rest else (rest, "", "")
    host, _, instance = host.strip().partition("\\")
    host = _host(host.strip())
    if comma:
        return ServerAddress(host, None, _port(port.strip()))
    if instance.strip() and instance.strip().lower() != "mssqlserver":
        return ServerAddress(host, instance.strip())
    return ServerAddress(host)


def _host(host: str) -> str:
    if host.lower() in (".", "(local)", "localhost"):
        return "localhost"
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if host.count(":") == 1:
        raise refused("The port follows the server after a comma, not a colon.", "Write Server=host,1433.")
    if not re.fullmatch(r"[A-Za-z0-9_.:%-]+", host):
        raise refused("The server's name is empty or holds a letter no host name has.", "Write Server=host,1433.")
    return host


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise refused("The port must be a number from 1 to 65535.", "Write Server=host,1433.")
    return int(text)
