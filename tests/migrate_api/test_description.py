"""The page that describes the API loads nothing from elsewhere."""

from __future__ import annotations

import re

import httpx
import pytest

from migrate_api.database import Database
from tests.migrate_api.site import serving


@pytest.fixture
def page(database: Database) -> httpx.Response:
    with serving(database) as site:
        found = httpx.get(f"{site.url}/docs")
        loaded = re.findall(r'(?:src|href|url)\s*[=:]\s*["\']([^"\']+)', found.text)
        found.extensions["loaded"] = {path: httpx.get(site.url + path) for path in loaded}
    return found


def test_all_that_the_page_loads_is_there(page: httpx.Response) -> None:
    loaded = page.extensions["loaded"]
    assert sorted(loaded) == [
        "/docs/assets/favicon.png",
        "/docs/assets/swagger-ui-bundle.js",
        "/docs/assets/swagger-ui.css",
        "/openapi.json",
    ]
    assert all(answer.status_code == 200 and answer.content for answer in loaded.values())
    assert loaded["/openapi.json"].json()["openapi"].startswith("3.1")


def test_the_page_may_load_nothing_else(page: httpx.Response) -> None:
    assert "http" not in re.sub(r"<!DOCTYPE[^>]*>", "", page.text)
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
