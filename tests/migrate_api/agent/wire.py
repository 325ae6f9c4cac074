"""A wire between an agent and its service that tests can cut."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Wire:
    """What lies between agent and service; it can be cut."""

    def __init__(self, target: str) -> None:
        host, port = target.removeprefix("http://").split(":")
        self._target, self._cut = (host, int(port)), threading.Event()
        self._deaf = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self) -> None:
        self._cut.set()
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def deaf(self) -> None:
        """What is said arrives, the answers do not."""
        self._deaf.set()

    def mend(self) -> None:
        self._cut.clear()
        self._deaf.clear()

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                inward, _ = self._listener.accept()
                if self._cut.is_set():
                    inward.close()
                    continue
                outward = socket.create_connection(self._target)
                self._open += [inward, outward]
                for one, other, back in ((inward, outward, False), (outward, inward, True)):
                    threading.Thread(target=self._pass, args=(one, other, back), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket, back: bool) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                if back and self._deaf.is_set():
                    break
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):  # closing alone says nothing while another thread still reads
                end.shutdown(socket.SHUT_RDWR)
            end.close()
