"""Who asks with `HEAD` gets the status and the headers of `GET`, and no body."""

from __future__ import annotations

import httpx
import pytest

from tests.migrate_api.site import PLAIN, Site

pytestmark = pytest.mark.parametrize("kind", ["sqlite"])


def asked(site: Site, method: str, path: str, role: str | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {site.tokens[role]}"} if role else {}
    return httpx.request(method, site.url + path, headers=headers, verify=PLAIN)


@pytest.mark.parametrize("path", ["/api/health", "/api/health/"])
def test_a_load_balancer_sees_that_the_service_is_well(site: Site, path: str) -> None:
    head, get = asked(site, "HEAD", path), asked(site, "GET", path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize("path", ["/", "/clients", "/jobs", "/settings"])
def test_a_page_answers_to_who_may_see_it_and_only_to_them(site: Site, path: str) -> None:
    head = asked(site, "HEAD", path, "owner")
    assert (head.status_code, head.content, head.headers["content-type"]) == (200, b"", "text/html; charset=utf-8")
    assert asked(site, "HEAD", path).status_code == 401


def test_orders_of_an_agent_are_not_handed_out_by_it(site: Site) -> None:
    """`GET` hands them out for ten seconds; here nobody would have got them."""
    agent = site.agent()
    site.job(agent)
    credential = {"Authorization": f"Bearer {agent['key']}"}
    answer = httpx.head(f"{site.url}/api/agent/commands", headers=credential, verify=PLAIN)
    assert answer.status_code == 405
    assert len(site.get("/api/agent/commands", key=agent["key"])["commands"]) == 1
