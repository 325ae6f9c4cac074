"""Between the wire and the sandbox's application: keeps the request log and makes scripted faults happen."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from migrate_etl.sandbox.mission.books import Books
from migrate_etl.sandbox.mission.faults import Fault, FaultScript, Received, ending, handling
from migrate_etl.sandbox.mission.wire import cut, send_half

HTML = "<!doctype html><title>Welcome</title><p>Please sign in to the guest network.</p>"


@dataclass(slots=True)
class LoggedRequest:
    """What was received and how it ended; `status` is null where the connection was cut."""

    n: int
    method: str
    path: str
    query: str
    idempotency_key: str | None
    records: int = 0
    replayed: bool = False
    status: int | None = None
    faults: list[str] = field(default_factory=list)


@dataclass(slots=True)
class RequestLog:
    """Counts of all requests since the last reset, and the latest of them."""

    count: int = 0
    by_path: Counter[str] = field(default_factory=Counter)
    latest: deque[LoggedRequest] = field(default_factory=lambda: deque(maxlen=20_000))

    def begin(self, received: Received) -> LoggedRequest:
        self.count += 1
        self.by_path[received.path] += 1
        key = received.headers.get("idempotency-key")
        entry = LoggedRequest(self.count, received.method, received.path, received.query, key)
        self.latest.append(entry)
        return entry

    def clear(self) -> None:
        self.count = 0
        self.by_path.clear()
        self.latest.clear()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Misbehaviour:
    """ASGI middleware over the contract's paths. `latency` is in seconds, spent before each answer."""

    def __init__(self, app: ASGIApp, books: Books, script: FaultScript, log: RequestLog, latency: float) -> None:
        self._app, self._books, self._script, self._log, self._latency = app, books, script, log, latency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        received = await _received(scope, receive)
        entry = self._log.begin(received)
        faults = self._script.striking(received)
        entry.faults = [fault.action for fault in faults]
        await self._prepare(faults, received)
        scope.setdefault("state", {})["handling"] = handling(faults)
        last = ending(faults)
        if last is not None and last.action == "drop_before":
            await cut(scope, receive)
            return
        answer = await self._answer(last, scope, receive, received)
        state = scope["state"]
        entry.records, entry.replayed = state.get("records", 0), state.get("replayed", False)
        await asyncio.sleep(self._latency)
        if last is not None and last.action == "drop_after_commit":
            await cut(scope, receive)
        elif last is not None and last.action == "truncate":
            await send_half(scope, receive, answer.status, answer.body)
        else:
            entry.status = answer.status
            await _give(send, answer)

    async def _prepare(self, faults: list[Fault], received: Received) -> None:
        for fault in faults:
            if fault.action == "slow":
                await asyncio.sleep(fault.milliseconds / 1000)
            elif fault.action == "revoke_key":
                self._books.revoke(received.headers.get("x-integration-key"))

    async def _answer(self, last: Fault | None, scope: Scope, receive: Receive, received: Received) -> Answer:
        if last is not None and last.action in ("status", "reject_batch"):
            return _scripted(last, 503 if last.action == "status" else 400)
        answer = await self._ask(scope, receive, received)
        if last is None:
            return answer
        match last.action:
            case "status_after_commit":
                return _scripted(last, 500)
            case "not_json":
                return Answer(200, [(b"content-type", b"text/html")], (last.body or HTML).encode())
            case "status_only":
                return Answer(last.status or 200, [], (last.body or "").encode())
        return answer

    async def _ask(self, scope: Scope, receive: Receive, received: Received) -> Answer:
        """What the application itself answers."""
        waiting: list[Message] = [{"type": "http.request", "body": received.body, "more_body": False}]
        sent: list[Message] = []

        async def give_body() -> Message:
            return waiting.pop() if waiting else await receive()

        async def keep(message: Message) -> None:
            sent.append(message)

        await self._app(scope, give_body, keep)
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], list(sent[0]["headers"]), body)


def _scripted(fault: Fault, default: int) -> Answer:
    refusal = fault.refusal(default)
    headers = [(name.lower().encode(), value.encode()) for name, value in refusal.headers.items()]
    if fault.body is not None:
        return Answer(refusal.status, [*headers, (b"content-type", b"text/html")], fault.body.encode())
    return Answer(refusal.status, [*headers, (b"content-type", b"application/json")], refusal.body())


async def _give(send: Send, answer: Answer) -> None:
    length = (b"content-length", str(len(answer.body)).encode())
    headers = [pair for pair in answer.headers if pair[0] != b"content-length"]
    await send({"type": "http.response.start", "status": answer.status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": answer.body})


async def _received(scope: Scope, receive: Receive) -> Received:
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = scope["query_string"].decode("latin-1")
    return Received(scope["method"], scope["path"], query, headers, b"".join(parts))
