"""Posts bodies to one server over libcurl, from many threads: a tenth of what a client in Python takes for each."""

from __future__ import annotations

from collections.abc import Mapping

import pycurl

from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import TransientError
from migrate_transfer.net.curl import Answer, Handle, Link, Request


class Poster:
    """Connections to one server, kept open, as many as threads post at once. Thread-safe."""

    def __init__(self, base_url: str, timeout: float) -> None:
        """`timeout`: seconds without a byte after which an answer is given up."""
        self._base = base_url.rstrip("/")
        self._link = Link(Control(), stall=max(1, round(timeout)))
        self._idle: list[Handle] = []

    def close(self) -> None:
        """Close the connections; nobody may be posting."""
        while self._idle:
            self._idle.pop().curl.close()

    def post(self, path: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """The whole answer, whatever its status. Raises ConnectionLost, TargetError (TLS), InvalidRequest (address)."""
        lines = [f"{name}: {value}" for name, value in headers.items()]
        try:
            handle = self._idle.pop()
        except IndexError:
            handle = Handle(self._link)
            handle.curl.setopt(pycurl.ACCEPT_ENCODING, "")
        handle.prepare(Request(None, "POST", self._base + path, lines, content), [], None)
        answer = handle.perform()
        self._idle.append(handle)
        if isinstance(answer, TransientError):
            raise answer
        return answer
