"""A wire that fails on command: a proxy on loopback that reads each HTTP request and each answer whole, and then does
with them what its script says. Everything else passes as it is.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Literal

Fault = Literal[
    "reset",  # the connection breaks before the request is passed on
    "lost",  # the request is passed on, and its answer dropped
    "stall",  # nothing ever comes
    "503",
    "503 wait",  # with Retry-After
    "429",
    "truncate",  # the answer ends in the middle
    "cut head",  # it ends within its headers: before the object's tier, or at the last byte
    "corrupt request",  # a byte of its body is another one
    "corrupt answer",
]
FAULTS: tuple[Fault, ...] = ("reset", "lost", "503", "503 wait", "429", "truncate", "corrupt request", "corrupt answer")
BUSY = b"HTTP/1.1 %s\r\nx-ms-error-code: ServerBusy\r\n%sContent-Length: 0\r\n\r\n"  # as Azure says it
ANSWERS = {
    "503": BUSY % (b"503 Server Busy", b""),
    "503 wait": BUSY % (b"503 Server Busy", b"Retry-After: 1\r\n"),
    "429": BUSY % (b"429 Too Many Requests", b"Retry-After: 1\r\n"),
}


MISMATCH = b"HTTP/1.1 400 Bad Request\r\nx-ms-error-code: Md5Mismatch\r\nContent-Length: 0\r\n\r\n"
"""What Azure says of a list of blocks that was corrupted; Azurite does not look at its Content-MD5."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer: first line, its headers as they came, body."""

    first: bytes
    head: bytes
    body: bytes

    @property
    def whole(self) -> bytes:
        return self.head + self.body

    def header(self, name: bytes) -> bytes:
        for line in self.head.split(b"\r\n")[1:]:
            found, _, value = line.partition(b":")
            if found.lower() == name:
                return value.strip()
        return b""


Script = Callable[[Message], "Fault | Message | None"]
"""What happens to a request (or what is passed on in its place); asked once for each, from several threads."""


def quiet(request: Message) -> None:
    """A script: the wire works."""


@dataclass
class Wire:
    """Listens on `port` and passes on to `target` on this machine. Change `script` at any time."""

    target: int
    script: Script = quiet
    seen: list[tuple[bytes, Fault | None]] = field(default_factory=list)
    """The first line of every request, and what happened to it."""

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._closed = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._begin(self._accept)

    def close(self) -> None:
        self._closed.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _begin(self, work: Callable[..., None], *given: object) -> None:
        thread = threading.Thread(target=work, args=given)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._begin(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        try:
            with client, socket.create_connection(("127.0.0.1", self.target)) as server:
                with self._lock:
                    self._open |= {client, server}
                if self._closed.is_set():
                    return
                with client.makefile("rb") as asking, server.makefile("rb") as telling, suppress(OSError):
                    while (request := _request(asking)) is not None:
                        fault = self.script(request)
                        if isinstance(fault, Message):
                            request, fault = fault, None
                        self.seen.append((request.first, fault))
                        if not self._pass(client, server, telling, request, fault):
                            return
        except OSError:
            return
        finally:
            with self._lock:
                self._open -= {client}

    def _pass(
        self, client: socket.socket, server: socket.socket, telling: object, request: Message, fault: Fault | None
    ) -> bool:
        """Do with one exchange as told; whether the connection lives on."""
        if fault == "reset":
            _reset(client)
            return False
        if fault == "stall":
            self._closed.wait()
            return False
        if fault in ANSWERS:
            client.sendall(ANSWERS[fault])
            return True
        if fault == "corrupt request" and b"comp=blocklist" in request.first:
            client.sendall(MISMATCH)
            return True
        server.sendall(_corrupted(request).whole if fault == "corrupt request" else request.whole)
        answer = _answer(telling, request.first.startswith(b"HEAD "))
        if answer is None or fault == "lost":
            _reset(client)
            return False
        if fault == "truncate":
            client.sendall(answer.whole[: max(1, len(answer.whole) - 1 - len(answer.body) // 2)])
            return False
        if fault == "cut head":
            client.sendall(answer.head[: answer.head.find(b"x-ms-access-tier:")])
            return False
        client.sendall((_corrupted(answer) if fault == "corrupt answer" else answer).whole)
        return True


def _request(file: object) -> Message | None:
    return _message(file, bodiless=False)


def _answer(file: object, bodiless: bool) -> Message | None:
    while (found := _message(file, bodiless)) is not None and found.first.split(b" ")[1:2] == [b"100"]:
        continue
    return found


def _message(file: object, bodiless: bool) -> Message | None:
    """The next one on a connection, with a body of known length or in chunks; None at its end."""
    lines: list[bytes] = []
    while (line := file.readline()) not in (b"\r\n", b""):  # type: ignore[attr-defined]
        lines.append(line)
    if not lines:
        return None
    found = Message(lines[0].rstrip(), b"".join(lines) + b"\r\n", b"")
    status = found.first.split(b" ")[1:2]
    if bodiless or status in ([b"204"], [b"304"]):
        return found
    if found.header(b"transfer-encoding").lower() == b"chunked":
        return Message(found.first, found.head, b"".join(_chunks(file)))
    return Message(found.first, found.head, file.read(int(found.header(b"content-length") or 0)))  # type: ignore[attr-defined]


def _chunks(file: object) -> Iterator[bytes]:
    """A body in chunks, as it stands on the wire."""
    while True:
        line = file.readline()  # type: ignore[attr-defined]
        yield line
        if not line or int(line.split(b";")[0], 16) == 0:
            yield file.readline()  # type: ignore[attr-defined]
            return
        yield file.read(int(line.split(b";")[0], 16) + 2)  # type: ignore[attr-defined]


def _corrupted(message: Message) -> Message:
    """The same with one bit of its body turned, past the chunk's size where there is one."""
    if len(message.body) < 8:
        return message
    place = len(message.body) // 2
    turned = bytes([message.body[place] ^ 1])
    return Message(message.first, message.head, message.body[:place] + turned + message.body[place + 1 :])


def _reset(client: socket.socket) -> None:
    """Close at once, without a word: what was sent and not read is lost."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def at_random(seed: int, share: float, faults: tuple[Fault, ...] = FAULTS, waits: int = 3) -> Script:
    """Such a share of the requests meet one of the faults; those that ask for a wait, `waits` times. Of the answers
    only an object's content is corrupted, each object's once: for the rest there is TLS."""
    chance, lock, corrupted = Random(seed), threading.Lock(), set[bytes]()
    left = waits

    def script(request: Message) -> Fault | None:
        nonlocal left
        with lock:
            fault = chance.choice(faults) if chance.random() < share else None
            if fault == "corrupt answer":
                place = request.first.split(b"?")[0]
                if not place.startswith(b"GET ") or b"comp=list" in request.first or place in corrupted:
                    return None
                corrupted.add(place)
            if fault in ("503 wait", "429"):
                left -= 1
                return fault if left >= 0 else None
            return fault

    return script


@contextmanager
def wire(target: int, script: Script = quiet) -> Iterator[Wire]:
    """A wire to a port of this machine, gone at the end."""
    made = Wire(target, script)
    try:
        yield made
    finally:
        made.close()
