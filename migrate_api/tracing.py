"""Traces of requests, sent to a collector by OTLP over HTTP.

A span says method, route template, status and the request's id, as a log line does. The instrumentation that is to be
had for FastAPI also sends addresses with their query strings and who calls: neither leaves this service.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import Scope

SIGNAL_PATH = "/v1/traces"
SECONDS = 5.0
"""What sending a batch may take, all attempts together: so long a collector that is away holds up the service's end."""


class Traces:
    """Spans of one service on their way to `endpoint`: the collector's address, or that of its traces."""

    def __init__(self, endpoint: str) -> None:
        address = endpoint.rstrip("/")
        if urlsplit(address).path == "":
            address += SIGNAL_PATH
        resource = Resource.create({"service.name": "migrate-api"})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(address, timeout=SECONDS)))
        self._tracer = self._provider.get_tracer("migrate_api")
        self._caller = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, scope: Scope) -> Iterator[Span]:
        """The span of a request, below that of the caller where it named one (`traceparent`)."""
        context = self._caller.extract(Headers(scope=scope))
        with self._tracer.start_as_current_span(
            scope["method"], context, SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:
            yield span

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


def describe(span: Span, method: str, route: str, status: int, id_: str) -> None:
    """What became of the request, in the words of the semantic conventions."""
    span.update_name(f"{method} {route}")
    span.set_attributes(
        {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
            "migrate.request.id": id_,
        }
    )
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))
