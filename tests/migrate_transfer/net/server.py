"""A server on loopback that answers by a script: it misbehaves on the wire as told, call by call."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

CUT = b""
"""In a script: take the request and hang up."""


Said = bytes | Callable[[bytes], bytes]
"""An entry of a script: an answer, or what gives one to a request."""


def answer(status: int = 200, body: bytes = b"ok", **headers: str) -> bytes:
    """An honest answer; header names with `_` for `-`."""
    lines = [f"HTTP/1.1 {status} -", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Scripted:
    """Answers the n-th request with the n-th entry of the script, and the last one for ever after."""

    def __init__(self, script: tuple[Said, ...], tls: ssl.SSLContext | None) -> None:
        self._script, self._tls, self._lock = script, tls, threading.Lock()
        self.requests: list[bytes] = []
        """Head and body of each request, in order of arrival."""
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                with self._tls.wrap_socket(connection, server_side=True) if self._tls else connection as stream:
                    while request := _read(stream):
                        with self._lock:
                            self.requests.append(request)
                            entry = self._script[min(len(self.requests), len(self._script)) - 1]
                        said = entry if isinstance(entry, bytes) else entry(request)
                        stream.sendall(said)
                        if b"Content-Length" not in said or said.endswith(b"cut"):
                            return
            except OSError:
                return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _read(stream: socket.socket) -> bytes:
    """One request with its body; nothing when the other side has hung up."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := stream.recv(65536)):
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(x.split(b":")[1]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length")), 0)
    while len(body) < length:
        body += stream.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def serving(*script: Said, tls: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    server = Scripted(script, tls)
    try:
        yield server
    finally:
        server.close()
