"""What a server knows and does; tests change it while it runs."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from tests.fakes.tds.login import Encryption, Login


@dataclass(frozen=True, slots=True)
class Trouble:
    """What becomes of an answer with rows: an error after so many of them; a fatal one ends the connection."""

    number: int
    text: str
    severity: int = 16
    after_rows: int = 0


@dataclass
class TdsServer:
    """What the server knows and does; tests change it while it runs."""

    conninfo: str
    logins: dict[str, str]
    databases: tuple[str, ...] = ("RockDB",)
    """A login that names none gets its default one."""
    certificate: ssl.SSLContext | None = None
    encryption: Encryption = "none"
    snapshot_state: int | None = 0
    """`sys.databases` tells this; None: the login may not read it."""
    hang_up_after: int | None = None
    """Break the connection in the middle of this many-th answer with rows, once."""
    outcome: Literal["told", "unknown", "zero"] = "told"
    """Whether it tells `@@ERROR` and `@@ROWCOUNT` as SQL Server does."""
    troubles: dict[int, Trouble] = field(default_factory=dict)
    """By the number of the answer with rows."""
    types: dict[str, str] = field(default_factory=dict)
    """Columns, by name, of a type that PostgreSQL has no word for."""
    readable_replica: int | None = None
    """The port to which logins that only read are sent on."""
    hurry: int = 1
    """Locks are waited for this many times shorter than asked."""
    port: int = 0
    statements: list[str] = field(default_factory=list)
    seen: list[Login] = field(default_factory=list)
    """Who logged in."""
    encrypted: list[Encryption] = field(default_factory=list)
    """What was agreed with each who did."""
    answers: int = 0
    refused_logins: int = 0
    refused_certificates: int = 0
    sockets: list[socket.socket] = field(default_factory=list, repr=False)

    def drop_all(self) -> None:
        """Every connection breaks, as when the server is started anew."""
        for one in self.sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
