"""What the service tells of itself: a log line and a count per request, metrics, traces.

Never bodies, query strings, people or secrets: routes by their template, callers not at all.
"""

from __future__ import annotations

import hmac
import json
import logging
import time
from datetime import UTC, datetime
from uuid import uuid4

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from migrate_api.callers import unknown_caller
from migrate_api.delivery import PARKED
from migrate_api.doors import Services
from migrate_api.errors import Refusal, answer
from migrate_api.seen import online_since
from migrate_api.tables import Agent, Job, OutboxMessage, TimerRun

log = logging.getLogger("migrate_api.requests")
QUIET = ("/api/agent/commands", "/api/progress", "/api/agent/heartbeat", "/api/health", "/metrics")
"""Requests that are logged only when they fail: there are thousands."""


class JsonLines(logging.Formatter):
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
    """Counts, times and logs each request; gives it an id."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
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
            self._note(scope, status, time.perf_counter() - start, id_)

    def _note(self, scope: Scope, status: int, seconds: float, id_: str) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        self._metrics.requests.labels(scope["method"], route, status).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        if status >= 400 or route not in QUIET:
            fields = {"request": id_, "method": scope["method"], "route": route, "status": status}
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


def observe(app: FastAPI, services: Services) -> None:
    """Log, count and, where there is somewhere to send them, trace the requests; `/metrics` shows the counts."""
    metrics = Metrics()
    app.add_middleware(Observed, metrics=metrics)

    @app.get("/metrics", include_in_schema=False)
    async def show(request: Request) -> Response:
        _require_collector(request, services.settings.metrics_token.get_secret_value())
        return Response(await run_in_threadpool(metrics.look, services), media_type=CONTENT_TYPE_LATEST)

    if services.settings.otlp_endpoint:
        provider = TracerProvider(resource=Resource.create({"service.name": "migrate-api"}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(services.settings.otlp_endpoint)))
        FastAPIInstrumentor.instrument_app(app, tracer_provider=provider, excluded_urls="health,metrics,hub-sso")
