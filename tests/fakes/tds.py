"""A server that speaks SQL Server's protocol (TDS 7.4) on loopback and answers from a real PostgreSQL.

T-SQL is translated with sqlglot, so what is no T-SQL is refused; rows, types and rights are PostgreSQL's. Knows no
encryption, no procedures and no parameters: SQL texts in, result sets out. It keeps what it was asked in `statements`.
"""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import sqlglot
from sqlglot import exp

PRELOGIN, LOGIN, SQL_BATCH, ANSWER = 0x12, 0x10, 0x01, 0x04
SILENT = ("SET ", "BEGIN TRANSACTION", "IF @@TRANCOUNT")


@dataclass
class TdsServer:
    """What the server knows and does; tests change it while it runs."""

    conninfo: str
    logins: dict[str, str]
    databases: tuple[str, ...] = ("RockDB",)
    """A login that names none gets its default one."""
    snapshot_state: int | None = 0
    """`sys.databases` tells this; None: the login may not read it."""
    hang_up_after: int | None = None
    """Break the connection in the middle of this many-th answer with rows, once."""
    port: int = 0
    statements: list[str] = field(default_factory=list)
    answers: int = 0
    refused_logins: int = 0


@contextmanager
def serve(server: TdsServer) -> Iterator[TdsServer]:
    """Run until the block ends; the port is `server.port`."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            _Connection(self.request, server).run()

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Listener(("127.0.0.1", 0), Handler) as listener:
        server.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


class _Connection:
    def __init__(self, sock: Any, server: TdsServer) -> None:
        self.sock, self.server = sock, server

    def run(self) -> None:
        try:
            self._greet()
        except (ConnectionError, EOFError):
            return

    def _greet(self) -> None:
        kind, data = self._receive()
        if kind != PRELOGIN:
            return
        self._send(bytes([0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xFF, 16, 0, 0, 0, 0, 0, 2]))
        kind, data = self._receive()
        user, password, database = _login_fields(data)
        if self.server.logins.get(user) != password:
            self.server.refused_logins += 1
            self._send(_error(18456, f"Login failed for user '{user}'.", 14) + _done(2))
        elif database and database not in self.server.databases:
            text = f'Cannot open database "{database}" requested by the login. The login failed.'
            self._send(_error(4060, text, 11) + _error(18456, f"Login failed for user '{user}'.", 14) + _done(2))
        else:
            self._send(_login_ack() + _done())
            with psycopg.connect(self.server.conninfo, user=user, autocommit=True) as database_:
                self._answer(database_)

    def _answer(self, database: psycopg.Connection[Any]) -> None:
        while True:
            kind, data = self._receive()
            if kind != SQL_BATCH:
                self._send(_error(2812, "Could not find stored procedure.", 16) + _done(2))
                continue
            (skip,) = struct.unpack_from("<I", data)
            sql = data[skip:].decode("utf-16le").strip()
            self.server.statements.append(sql)
            answer = self._result(sql, database)
            if answer[0] == 0x81:
                self.server.answers += 1
                if self.server.answers == self.server.hang_up_after:
                    self.sock.sendall(_packets(answer)[: len(answer) // 2])
                    return
            self._send(answer)

    def _result(self, sql: str, database: psycopg.Connection[Any]) -> bytes:
        if sql.upper().startswith(SILENT):
            return _done()
        if "sys.databases" in sql:
            if self.server.snapshot_state is None:
                return _error(229, "The SELECT permission was denied on the object 'databases'.", 14) + _done(2)
            return _rows([("snapshot_isolation_state", _INT)], [(self.server.snapshot_state,)])
        if "DATABASEPROPERTYEX" in sql:
            return _rows([("", ("text", 256))], [("SQL_Latin1_General_CP1_CI_AS",)])
        try:
            with database.cursor() as cursor:
                cursor.execute(_postgres(sql))  # type: ignore[arg-type]
                columns = [(column.name, _type(column)) for column in cursor.description or []]
                return _rows(columns, cursor.fetchall())
        except sqlglot.errors.SqlglotError:
            return _error(102, "Incorrect syntax.", 15) + _done(2)
        except psycopg.errors.InsufficientPrivilege:
            return _error(229, "The SELECT permission was denied on the object 'X', schema 'dbo'.", 14) + _done(2)
        except psycopg.errors.UndefinedTable:
            return _error(208, "Invalid object name 'X'.", 16) + _done(2)

    def _receive(self) -> tuple[int, bytes]:
        body = b""
        while True:
            kind, status, length = struct.unpack(">BBH4x", self._exactly(8))
            body += self._exactly(length - 8)
            if status & 1:
                return kind, body

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.sock.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def _send(self, data: bytes) -> None:
        self.sock.sendall(_packets(data))


def _packets(data: bytes) -> bytes:
    pieces = [data[at : at + 4088] for at in range(0, len(data), 4088)] or [b""]
    heads = [
        struct.pack(">BBHHBB", ANSWER, n == len(pieces), len(p) + 8, 0, n % 256, 0) for n, p in enumerate(pieces, 1)
    ]
    return b"".join(head + piece for head, piece in zip(heads, pieces, strict=True))


def _login_fields(data: bytes) -> tuple[str, str, str]:
    def text(at: int) -> bytes:
        offset, length = struct.unpack_from("<HH", data, at)
        return data[offset : offset + length * 2]

    scrambled = bytes(((byte ^ 0xA5) << 4 | (byte ^ 0xA5) >> 4) & 0xFF for byte in text(44))
    return text(40).decode("utf-16le"), scrambled.decode("utf-16le"), text(68).decode("utf-16le")


def _postgres(sql: str) -> str:
    tree = sqlglot.parse_one(sql, read="tsql")
    in_catalogue = "INFORMATION_SCHEMA" in sql
    for table in tree.find_all(exp.Table):
        if table.db == "dbo":
            table.set("db", None)
    if in_catalogue:
        for name in tree.find_all(exp.Identifier):
            name.set("this", name.name.lower())
        for literal in tree.find_all(exp.Literal):
            literal.set("this", "public" if literal.name == "dbo" else literal.name)
    return tree.sql("postgres", identify=True)


_INT = ("int", 4)


def _type(column: psycopg.Column) -> tuple[str, int]:
    match column.type_code:
        case 16:
            return "bit", 1
        case 20 | 23:
            return "int", 8 if column.type_code == 20 else 4
        case 1700:
            return "decimal", column.precision or 38
        case 1114:
            return "datetime", 8
        case 1082:
            return "date", 3
        case 2950:
            return "guid", 16
        case 1043:
            size = column.display_size
            # A letter of PostgreSQL may take two of the units that nvarchar counts.
            return "text", size * 4 if size else 0xFFFF
    return "text", 0xFFFF


def _rows(columns: list[tuple[str, tuple[str, int]]], rows: list[tuple[Any, ...]]) -> bytes:
    head = struct.pack("<BH", 0x81, len(columns))
    for name, (kind, size) in columns:
        head += struct.pack("<IH", 0, 1) + _type_info(kind, size) + bytes([len(name)]) + name.encode("utf-16le")
    kinds = [type_ for _, type_ in columns]
    body = [b"\xd1" + b"".join(_value(v, *k) for v, k in zip(row, kinds, strict=True)) for row in rows]
    return head + b"".join(body) + _done(0x10, len(rows))


def _type_info(kind: str, size: int) -> bytes:
    match kind:
        case "int":
            return bytes([0x26, size])
        case "bit":
            return bytes([0x68, 1])
        case "decimal":
            return bytes([0x6A, 17, size, 2])
        case "datetime":
            return bytes([0x6F, 8])
        case "date":
            return bytes([0x28])
        case "guid":
            return bytes([0x24, 16])
    return struct.pack("<BH5s", 0xE7, size, b"\x09\x04\xd0\x00\x34")


def _value(value: Any, kind: str, size: int) -> bytes:
    if value is None:
        return {"text": b"\xff" * (8 if size == 0xFFFF else 2)}.get(kind, b"\0")
    match kind:
        case "int":
            return bytes([size]) + int(value).to_bytes(size, "little", signed=True)
        case "bit":
            return bytes([1, value])
        case "decimal":
            cents = int(Decimal(value).quantize(Decimal("0.01")).scaleb(2))
            return bytes([17, cents >= 0]) + abs(cents).to_bytes(16, "little")
        case "datetime":
            return b"\x08" + _datetime(value)
        case "date":
            return b"\x03" + (value - date.min).days.to_bytes(3, "little")
        case "guid":
            return b"\x10" + UUID(str(value)).bytes_le
    data = str(value).encode("utf-16le")
    if size == 0xFFFF:
        return struct.pack("<QI", len(data), len(data)) + data + b"\0" * 4 if data else struct.pack("<QI", 0, 0)
    return struct.pack("<H", len(data)) + data


def _datetime(value: datetime) -> bytes:
    """Days from 1900 and three-hundredths of a second; SQL Server's `datetime` begins in 1753."""
    midnight = value.replace(hour=0, minute=0, second=0, microsecond=0)
    ticks = round((value - midnight).total_seconds() * 300)
    return struct.pack("<iI", (midnight - datetime(1900, 1, 1)).days, ticks)


def _error(number: int, text: str, severity: int) -> bytes:
    message = struct.pack("<H", len(text)) + text.encode("utf-16le")
    body = struct.pack("<iBB", number, 1, severity) + message + b"\x03" + "SQL".encode("utf-16le") + b"\0" + b"\1\0\0\0"
    return struct.pack("<BH", 0xAA, len(body)) + body


def _login_ack() -> bytes:
    name = "Microsoft SQL Server"
    body = b"\x01\x74\x00\x00\x04" + bytes([len(name)]) + name.encode("utf-16le") + b"\x10\x00\x00\x00"
    return struct.pack("<BH", 0xAD, len(body)) + body


def _done(status: int = 0, rows: int = 0) -> bytes:
    return struct.pack("<BHHQ", 0xFD, status, 0xC1 if rows else 0, rows)
