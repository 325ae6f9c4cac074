"""A NUL in an address is refused: PostgreSQL takes none, and would be asked for it."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from migrate_api.errors import answer, invalid


class NoNuls:
    """Answers in place of the service."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and ("\0" in scope["path"] or b"%00" in scope["query_string"]):
            await answer(invalid({"address": "must not hold a NUL character"}))(scope, receive, send)
        else:
            await self._app(scope, receive, send)
