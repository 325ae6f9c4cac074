"""No more requests at the database at once than it has connections for.

A request takes its steps on threads of a pool and keeps its connection between them. Without turns, requests that wait
for a connection could hold every thread that those with one need to go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from fastapi.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

OWN_TURNS = ("/api/agent/", "/api/progress", "/api/connection-tests/", "/api/connections/azure/")
"""Paths whose routes take their turn themselves, for one step on one thread: those that wait, those that
ask elsewhere, and those that come by the thousand."""
Found = TypeVar("Found")


class Turns:
    """So many at once; the others wait in the order they came."""

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)

    async def take(self, look: Callable[[], Found]) -> Found:
        """Call a function that uses the database, on a thread, when it is its turn."""
        async with self._free:
            return await run_in_threadpool(look)

    async def through(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._free:
            await app(scope, receive, send)


class InTurn:
    """Lets requests through in turn."""

    def __init__(self, app: ASGIApp, turns: Turns) -> None:
        self._app, self._turns = app, turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(OWN_TURNS) or _is_connecting(scope["path"]):
            await self._app(scope, receive, send)
        else:
            await self._turns.through(self._app, scope, receive, send)


def _is_connecting(path: str) -> bool:
    """The pages on which a project is connected ask Microsoft."""
    return path.startswith("/projects/") and path.split("/")[3:4] == ["azure"]
