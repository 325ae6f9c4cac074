"""Traces: a span per request at the collector, and nothing in them that a log line would not say."""

from __future__ import annotations

import httpx
import pytest

from migrate_api.database import Database
from tests.fakes.collector import Collector, collecting
from tests.migrate_api.site import serving

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def facts(collector: Collector) -> dict[str, dict[str, object]]:
    """Attributes by the name of the span."""
    return {
        span.name: {one.key: one.value.string_value or one.value.int_value for one in span.attributes}
        for span in collector.spans
    }


@pytest.mark.parametrize("path", ["", "/", "/v1/traces"])
def test_each_request_is_a_span_by_its_route(empty_database: Database, path: str) -> None:
    with collecting() as collector:
        with serving(empty_database, otlp_endpoint=collector.url + path) as site:
            site.tokens = site.organisation("grace")
            client = site.post("/api/clients", {"name": "Grace"})
            site.get(f"/api/clients/{client['id']}")
            id_ = httpx.get(f"{site.url}/api/health").headers["X-Request-Id"]
        found = facts(collector)
    assert {"POST /api/clients", "GET /api/clients/{client_id}", "GET /api/health"} <= set(found)
    assert found["GET /api/health"] == {
        "http.request.method": "GET",
        "http.route": "/api/health",
        "http.response.status_code": 200,
        "migrate.request.id": id_,
    }


def test_nothing_of_callers_or_query_strings_is_sent(empty_database: Database) -> None:
    secrets = ("a-state-from-microsoft", "a-token-from-hub", "nobody-knows-this-token", "a-path-of-the-user")
    with collecting() as collector:
        with serving(empty_database, otlp_endpoint=collector.url) as site:
            httpx.get(f"{site.url}/api/azure/callback", params={"state": secrets[0]})
            httpx.get(f"{site.url}/api/auth/hub-sso", params={"token": secrets[1]})
            httpx.get(f"{site.url}/api/jobs", headers={"Authorization": f"Bearer {secrets[2]}"})
            httpx.get(f"{site.url}/{secrets[3]}")
        spans, sent = collector.spans, b"".join(collector.bodies)
    assert len(spans) == 4
    assert not [word for word in (*secrets, "127.0.0.1", "python-httpx") if word.encode() in sent]
    assert any(span.name == "GET unmatched" for span in spans)


def test_a_span_stands_below_that_of_its_caller(empty_database: Database) -> None:
    with collecting() as collector:
        with serving(empty_database, otlp_endpoint=collector.url) as site:
            httpx.get(f"{site.url}/api/health", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
        (span,) = collector.spans
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)


def test_a_collector_that_is_away_stops_nothing(empty_database: Database) -> None:
    with collecting() as collector:
        collector.away = True
        with serving(empty_database, otlp_endpoint=collector.url) as site:
            assert httpx.get(f"{site.url}/api/health").status_code == 200
    assert collector.spans == []
