"""Signing in by Hub: a token that is ours, fresh and used once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest

from migrate_api.database import Database
from migrate_api.tables import Tenant
from tests.migrate_api.site import Site, serving

SECRET = "a secret between Hub and Migrate, long enough"


@pytest.fixture
def hub(database: Database) -> Iterator[Site]:
    with serving(database, PORTAL_SSO_SECRET=SECRET) as site:
        yield site


def token(secret: str = SECRET, **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": "https://my.theonestack.com",
        "aud": "migrate",
        "sub": "user-1",
        "email": "ada@example.org",
        "tenant_id": "tenant-1",
        "tenant_slug": "grace",
        "role": "admin",
        "iat": now,
        "exp": now + 60,
        "jti": uuid4().hex,
        **changes,
    }
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, "HS256")


def sign_in(site: Site, given: str) -> httpx.Response:
    return httpx.get(f"{site.url}/api/auth/hub-sso", params={"token": given})


def test_a_signed_in_browser_is_who_hub_says(hub: Site) -> None:
    answer = sign_in(hub, token())
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    me = httpx.get(f"{hub.url}/api/me", cookies=dict(answer.cookies)).json()
    assert (me["name"], me["role"], me["tenant_id"]) == ("ada@example.org", "admin", "tenant-1")


def test_the_role_follows_hub(hub: Site) -> None:
    sign_in(hub, token())
    answer = sign_in(hub, token(role="viewer"))
    assert httpx.get(f"{hub.url}/api/me", cookies=dict(answer.cookies)).json()["role"] == "viewer"


def test_the_first_people_of_an_organisation_may_come_at_once(hub: Site) -> None:
    """The row of another replica is on its way when ours is to be made."""
    answers: list[httpx.Response] = []
    coming = threading.Thread(target=lambda: answers.append(sign_in(hub, token())))
    with hub.database.transaction() as session:
        session.add(Tenant(id="tenant-1", slug="grace", created_at=datetime.now(UTC)))
        session.flush()
        coming.start()
        coming.join(0.7)
    coming.join(20)
    assert answers[0].status_code == 303


def test_a_token_works_once(hub: Site) -> None:
    given = token()
    assert [sign_in(hub, given).status_code for _ in range(2)] == [303, 401]


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "another secret that is long enough too"},
        {"iat": int(time.time()) - 120},
        {"exp": int(time.time()) - 30},
        {"iat": int(time.time()) + 3600, "exp": int(time.time()) + 7200},
        {"aud": "portal"},
        {"iss": "https://evil.example.org"},
        {"role": "superuser"},
        {"tenant_id": None},
        {"jti": None},
    ],
)
def test_a_token_that_is_not_ours_or_not_fresh_is_refused(hub: Site, wrong: dict[str, Any]) -> None:
    answer = sign_in(hub, token(**wrong))
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")


def test_an_unsigned_token_is_refused(hub: Site) -> None:
    unsigned = jwt.encode({"sub": "x"}, "", "none")
    assert sign_in(hub, unsigned).status_code == 401


def test_another_sites_page_cannot_use_the_cookie(hub: Site) -> None:
    cookies = dict(sign_in(hub, token()).cookies)
    for headers, status in (({"Origin": "https://evil.example.org"}, 403), ({"Sec-Fetch-Site": "same-origin"}, 201)):
        answer = httpx.post(f"{hub.url}/api/clients", json={"name": "c"}, cookies=cookies, headers=headers)
        assert answer.status_code == status


def test_signing_out_ends_the_session(hub: Site) -> None:
    cookies = dict(sign_in(hub, token()).cookies)
    httpx.post(f"{hub.url}/api/auth/sign-out", cookies=cookies, headers={"Sec-Fetch-Site": "same-origin"})
    assert httpx.get(f"{hub.url}/api/me", cookies=cookies).status_code == 401


def test_the_pages_show_jobs_to_who_is_signed_in(hub: Site) -> None:
    cookies = dict(sign_in(hub, token()).cookies)
    page = httpx.get(hub.url, cookies=cookies)
    assert (page.status_code, "Active jobs" in page.text) == (200, True)
    stranger = httpx.get(hub.url)
    assert (stranger.status_code, "https://my.theonestack.com" in stranger.text) == (401, True)
