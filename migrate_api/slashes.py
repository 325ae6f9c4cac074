"""A slash at the end of a path means nothing. Who writes one gets the same answer, not a redirect: many programs do not
follow one, and behind a proxy it leads to another scheme."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class NoSlashes:
    """Takes it off."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/"):
            scope["path"] = scope["path"].rstrip("/") or "/"
        await self._app(scope, receive, send)
