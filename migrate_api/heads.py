"""`HEAD` is answered like `GET`, without the body: load balancers ask so. Only for what is looked at: of the API, a
`GET` may hand out an agent's orders or use up a sign-in."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

HEALTH = "/api/health"


class Heads:
    """Asks the service for the whole answer. The server keeps the body back: it knows what it was asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD" and _is_looked_at(scope["path"].rstrip("/")):
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)


def _is_looked_at(path: str) -> bool:
    return path == HEALTH or not f"{path}/".startswith("/api/")
