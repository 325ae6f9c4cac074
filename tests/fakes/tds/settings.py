"""What a server knows and does; tests change it while it runs."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.fakes.tds.login import Encryption, Login
from tests.fakes.tds.types import Sent

Odd = int | Literal["closes", "no rows", "nulls"]
"""An error's number, the end of the connection, or an answer without what was asked for."""
Manner = Literal["infos", "done before", "done after", "error after", "environment", "order", "null bitmap"]
"""Tokens that a server may send with its rows or not."""


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
    sqlite: Path | None = None
    """A file that a thin server answers from; it knows selects alone, and no types but those of the values it finds."""
    databases: tuple[str, ...] = ("RockDB",)
    """A login that names none gets its default one."""
    certificate: ssl.SSLContext | None = None
    encryption: Encryption = "none"
    product: str = "Microsoft SQL Server"
    """What it calls itself."""
    snapshot_state: int | None = 0
    """`sys.databases` tells this; None: the login may not read it."""
    snapshots: bool = True
    """Whether there are any where that says so."""
    hang_up_after: int | None = None
    """Break the connection in the middle of this many-th answer with rows, once."""
    stalls: dict[int, Literal["before", "within"]] = field(default_factory=dict)
    """By the number of the answer with rows: nothing more comes, though the connection stays."""
    outcome: Literal["told", "unknown", "zero"] = "told"
    """Whether it tells `@@ERROR` and `@@ROWCOUNT` as SQL Server does."""
    troubles: dict[int, Trouble] = field(default_factory=dict)
    """By the number of the answer with rows."""
    types: dict[str, str | Sent] = field(default_factory=dict)
    """Columns, by their name in the answer or in the table, that come in another type than PostgreSQL's."""
    computed: Sent | None = None
    """The type of what is counted or added up."""
    odd: dict[str, Odd] = field(default_factory=dict)
    """What becomes of statements and calls that hold these words; the first that fits."""
    manners: frozenset[Manner] = frozenset()
    stalls_at_login: bool = False
    packet_size: int | None = None
    """Where it does not take the client's."""
    readable_replica: int | None = None
    """The port to which logins that only read are sent on."""
    hurry: int = 1
    """Locks are waited for this many times shorter than asked."""
    port: int = 0
    statements: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """Stored procedures that drivers called."""
    seen: list[Login] = field(default_factory=list)
    """Who logged in."""
    encrypted: list[Encryption] = field(default_factory=list)
    """What was agreed with each who did."""
    answers: int = 0
    attentions: int = 0
    """How often a client asked it to cancel what it is at."""
    refused_logins: int = 0
    refused_certificates: int = 0
    sockets: list[socket.socket] = field(default_factory=list, repr=False)
    ended: threading.Event = field(default_factory=threading.Event, repr=False)

    def oddness(self, said: str) -> Odd | None:
        return next((what for words, what in self.odd.items() if words in said), None)

    def drop_all(self) -> None:
        """Every connection breaks, as when the server is started anew."""
        for one in self.sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
