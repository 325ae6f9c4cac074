"""Messages over a socket: cut into packets, and inside TLS where the two agreed on it."""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import suppress

PRELOGIN, LOGIN, SQL_BATCH, CALL, ANSWER, ATTENTION, TRANSACTION = 0x12, 0x10, 0x01, 0x03, 0x04, 0x06, 0x0E
TLS_HANDSHAKE = 0x16
"""The first byte of a client that begins with TLS, as TDS 8.0 does."""


class Line:
    """One connection. Raises EOFError when the client has gone, ssl.SSLError when it refuses our certificate."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.packet_size = 4096
        self._tls: ssl.SSLObject | None = None
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()

    def begins_with_tls(self) -> bool:
        return self.sock.recv(1, socket.MSG_PEEK) == bytes([TLS_HANDSHAKE])

    def start_tls(self, context: ssl.SSLContext, *, in_packets: bool) -> None:
        """TDS 7 wraps the handshake in PRELOGIN packets; what follows goes without such a wrapping.

        It knows TLS up to 1.2: what 1.3 sends after the handshake has no place in it.
        """
        context.maximum_version = ssl.TLSVersion.TLSv1_2 if in_packets else ssl.TLSVersion.MAXIMUM_SUPPORTED
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(self._came, self._goes, server_side=True)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush(in_packets=in_packets)
                self._came.write(self._packet()[2] if in_packets else self._some())
            except ssl.SSLError:
                with suppress(OSError):
                    self._flush(in_packets=in_packets)
                raise
        self._flush(in_packets=in_packets)
        self._tls = tls

    def stop_tls(self) -> None:
        """In clear from here on: so it goes where only the login is to be encrypted."""
        self._tls = None

    def receive(self) -> tuple[int, bytes]:
        """Kind and body of the next message."""
        whole = b""
        while True:
            kind, last, body = self._packet()
            whole += body
            if last:
                return kind, whole

    def send(self, data: bytes, kind: int = ANSWER) -> None:
        self._write(self.packets(data, kind))

    def send_half(self, data: bytes) -> None:
        """And no more: the line breaks in the middle of an answer."""
        self._write(self.packets(data)[: len(data) // 2])

    def packets(self, data: bytes, kind: int = ANSWER) -> bytes:
        room = self.packet_size - 8
        pieces = [data[at : at + room] for at in range(0, len(data), room)] or [b""]
        heads = [
            struct.pack(">BBHHBB", kind, number == len(pieces), len(piece) + 8, 51, number % 256, 0)
            for number, piece in enumerate(pieces, 1)
        ]
        return b"".join(head + piece for head, piece in zip(heads, pieces, strict=True))

    def _packet(self) -> tuple[int, bool, bytes]:
        kind, status, length = struct.unpack(">BBH4x", self._exactly(8))
        return kind, bool(status & 1), self._exactly(length - 8)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += self._read(count - len(data))
        return data

    def _read(self, most: int) -> bytes:
        while self._tls is not None:
            try:
                return self._tls.read(most) or self._gone()
            except ssl.SSLWantReadError:
                self._came.write(self._some())
        return self._some(most)

    def _some(self, most: int = 65_536) -> bytes:
        return self.sock.recv(most) or self._gone()

    def _gone(self) -> bytes:
        raise EOFError

    def _write(self, data: bytes) -> None:
        if self._tls is None:
            self.sock.sendall(data)
        else:
            self._tls.write(data)
            self._flush(in_packets=False)

    def _flush(self, *, in_packets: bool) -> None:
        data = self._goes.read()
        if data:
            self.sock.sendall(self.packets(data, PRELOGIN) if in_packets else data)
