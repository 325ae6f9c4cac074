"""The TCP side of a request: how a connection is really cut, and how an answer is really left unfinished.

ASGI has no word for either, so the server hands its transport to the application (`scope["sandbox.transport"]`).
"""

from __future__ import annotations

import asyncio
import socket
from http import HTTPStatus

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

TRANSPORT = "sandbox.transport"


class OpenProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol, which also shows its transport to the application."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # asyncio does this only for sockets made with an explicit protocol number; without it every answer, written in
        # two pieces, waited 40 ms for the client's delayed acknowledgement.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        app = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope[TRANSPORT] = transport
            await app(scope, receive, send)

        self.app = with_transport


async def cut(scope: Scope, receive: Receive) -> None:
    """Close the connection without an answer, and wait until the server knows."""
    scope[TRANSPORT].abort()
    await _gone(receive)


async def send_half(scope: Scope, receive: Receive, status: int, body: bytes) -> None:
    """Announce the whole body, send half of it, close."""
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    scope[TRANSPORT].write(head.encode() + body[: len(body) // 2])
    scope[TRANSPORT].close()
    await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
