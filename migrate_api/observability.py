"""What the service tells of itself: a log line and a count per request, metrics, traces.

Never bodies, query strings, people or secrets: routes by their template, callers not at all.
"""

from __future__ import annotations

import hmac
import json
import logging
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from uuid import uuid4

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from opentelemetry.trace import INVALID_SPAN, Span
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from migrate_api.callers import unknown_caller
from migrate_api.delivery import PARKED
from migrate_api.doors import Services
from migrate_api.errors import Refusal, answer
from migrate_api.seen import online_since
from migrate_api.tables import Agent, Job, OutboxMessage, TimerRun
from migrate_api.tracebacks import PlacesOnly
from migrate_api.tracing import Traces, describe

log = logging.getLogger("migrate_api.requests")
QUIET = ("/api/agent/commands", "/api/progress", "/api/agent/heartbeat", "/api/health", "/metrics")
"""Requests that are logged only when they fail: there are thousands."""


class JsonLines(PlacesOnly):
    """A log line as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_as_json() -> None:
    """All logs, one JSON object a line, to standard error: our own, and what libraries warn of."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    logging.getLogger("migrate_api").setLevel(logging.INFO)
    logging.captureWarnings(True)


class Metrics:
    """Counts of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        words = ("method", "route", "status")
        self.requests = Counter("migrate_requests", "Requests answered", words, registry=self.registry)
        self.seconds = Histogram("migrate_request_seconds", "Time to answer", ("route",), registry=self.registry)
        self.agents = Gauge("migrate_agents_online", "Agents online", registry=self.registry)
        self.polls = Gauge("migrate_polls_waiting", "Command polls waiting here", registry=self.registry)
        self.jobs = Gauge("migrate_jobs", "Jobs by status", ("status",), registry=self.registry)
        self.timers = Gauge(
            "migrate_timer_ran_timestamp_seconds", "When a timer last ended well", ("timer",), registry=self.registry
        )
        self.outbox = Gauge("migrate_outbox", "Messages not delivered", ("channel", "state"), registry=self.registry)

    def look(self, services: Services) -> bytes:
        """The metrics as text, the gauges asked anew."""
        now = datetime.now(UTC)
        with services.database.transaction() as session:
            online = sa.select(sa.func.count()).select_from(Agent).where(Agent.last_seen_at >= online_since(now))
            self.agents.set(session.scalar(online) or 0)
            by_status = sa.select(Job.status, sa.func.count()).where(Job.deleted_at.is_(None)).group_by(Job.status)
            self.jobs.clear()
            for status, count in session.execute(by_status):
                self.jobs.labels(status.value).set(count)
            for name, ran_at in session.execute(sa.select(TimerRun.name, TimerRun.ran_at)):
                self.timers.labels(name).set(ran_at.timestamp() if ran_at else 0)
            self.outbox.clear()
            state = sa.case((OutboxMessage.due_at == PARKED, "parked"), else_="waiting")
            waiting = sa.select(OutboxMessage.channel, state, sa.func.count())
            waiting = waiting.where(OutboxMessage.delivered_at.is_(None)).group_by(OutboxMessage.channel, state)
            for channel, word, count in session.execute(waiting):
                self.outbox.labels(channel, word).set(count)
        self.polls.set(services.waker.waiting)
        return generate_latest(self.registry)


class Observed:
    """Counts, times, logs and traces each request; gives it an id."""

    def __init__(self, app: ASGIApp, metrics: Metrics, traces: Traces | None) -> None:
        self._app, self._metrics, self._traces = app, metrics, traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with self._traces.request(scope) if self._traces else nullcontext(INVALID_SPAN) as span:
            await self._answer(scope, receive, send, span)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, span: Span) -> None:
        status, start, id_, begun = 500, time.perf_counter(), uuid4().hex[:16], False

        async def noted(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                MutableHeaders(scope=message)["X-Request-Id"] = id_
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception:
            log.exception("unforeseen", extra={"fields": {"request": id_}})
            if begun:
                raise
            await answer(_unforeseen(id_))(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            describe(span, scope["method"], route, status, id_)
            self._note(scope["method"], route, status, time.perf_counter() - start, id_)

    def _note(self, method: str, route: str, status: int, seconds: float, id_: str) -> None:
        self._metrics.requests.labels(method, route, status).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        if status >= 400 or route not in QUIET:
            fields = {"request": id_, "method": method, "route": route, "status": status}
            fields["milliseconds"] = round(seconds * 1000, 1)
            log.info("answered", extra={"fields": fields})


def _unforeseen(id_: str) -> Refusal:
    remedy = f"Try again; if it stays so, send the service's log lines of request {id_} to those who maintain it."
    return Refusal(500, "INTERNAL_ERROR", "Something went wrong that nobody foresaw.", remedy=remedy)


def _require_collector(request: Request, token: str) -> None:
    """A bearer token, not an address: behind a proxy everybody comes from this machine."""
    if not token:
        raise Refusal(404, "NOT_FOUND", "Metrics are not shown.", remedy="Set MIGRATE_METRICS_TOKEN for the service.")
    given = request.headers.get("authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise unknown_caller("The metrics are for the collector alone.")


def observe(app: FastAPI, services: Services, traces: Traces | None) -> None:
    """Log, count and, where there is somewhere to send them, trace the requests; `/metrics` shows the counts."""
    metrics = Metrics()
    app.add_middleware(Observed, metrics=metrics, traces=traces)

    @app.get("/metrics", include_in_schema=False)
    async def show(request: Request) -> Response:
        _require_collector(request, services.settings.metrics_token.get_secret_value())
        return Response(await run_in_threadpool(metrics.look, services), media_type=CONTENT_TYPE_LATEST)
