"""A service, a Microsoft, a person with a browser between them, and what tests ask of the three."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import httpx
import jwt
import sqlalchemy as sa
from sqlalchemy.orm import Session

from migrate_api.app import create_app
from migrate_api.database import Database
from migrate_api.doors import Services
from migrate_api.tables import AzureConnection, OutboxMessage, SealedSecret
from tests.fakes.microsoft import CLIENT_ID, CLIENT_SECRET, FakeMicrosoft
from tests.migrate_api.site import PLAIN, Site, serving

PUBLIC = "https://migrate.example.org"
CALLBACK = f"{PUBLIC}/api/connections/azure/callback"
HUB_SECRET = "a secret between Hub and Migrate, long enough"
ADA, CONTAINER = "ada@example.org", "backups"
LOCAL = {"type": "local", "path": "/data"}


class _Form(HTMLParser):
    """The one form of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action, self.fields = "", dict[str, str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.action = given["action"]
        elif tag == "input":
            self.fields[given["name"]] = given.get("value", "")


@dataclass
class Ground:
    """`options` are the service's settings; another replica gets the same."""

    site: Site
    fake: FakeMicrosoft
    options: dict[str, Any] = field(default_factory=dict)

    def begin(self, project: dict[str, Any], body: Any = None, **who: Any) -> str:
        said = self.site.post(f"/api/connections/azure/{project['id']}/sign-in", body, **who)
        return str(said["url"])

    def at_microsoft(self, url: str, person: str = ADA, choice: str = "accept") -> str:
        """Sign in there. The browser posts the answer to the service, without the service's cookie, and is sent on:
        where to."""
        trusted = ssl.create_default_context(cafile=str(self.fake.authority))
        with httpx.Client(verify=trusted) as browser:
            page = browser.get(url)
            assert page.status_code == 200, page.text
            form = _Form(page.text)
            given = {**form.fields, "person": person, "choice": choice}
            form = _Form(browser.post(self.fake.url + form.action, data=given).text)
        assert form.action == CALLBACK
        answer = httpx.post(self.here(form.action), data=form.fields, verify=PLAIN)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def come_back(self, place: str, role: str = "owner", **headers: str) -> httpx.Response:
        given = {"Authorization": f"Bearer {self.site.tokens[role]}", **headers}
        return httpx.get(self.here(place), headers=given, timeout=60, verify=PLAIN)

    def sign_in(self, project: dict[str, Any], person: str = ADA, choice: str = "accept") -> httpx.Response:
        """The whole way round."""
        return self.come_back(self.at_microsoft(self.begin(project), person, choice))

    def cookie(self, email: str = "ada@church.example", role: str = "admin") -> dict[str, str]:
        """A Hub user of the organisation, signed in by a browser."""
        seconds = int(now().timestamp())
        claims = {
            "iss": "https://my.theonestack.com",
            "aud": "migrate",
            "sub": email,
            "email": email,
            "tenant_id": self.site.tenant_id,
            "tenant_slug": "grace",
            "role": role,
            "iat": seconds,
            "exp": seconds + 60,
            "jti": uuid4().hex,
        }
        token = jwt.encode(claims, HUB_SECRET, "HS256")
        answer = httpx.get(f"{self.site.url}/api/auth/hub-sso", params={"token": token}, verify=PLAIN)
        assert answer.status_code == 303, answer.text
        # The service says it is reached over TLS, as it is when something stands before it.
        return dict(answer.cookies)

    def here(self, place: str) -> str:
        """Where the service really is."""
        return self.site.url + place.removeprefix(PUBLIC)

    def choose(self, project: dict[str, Any], **changes: Any) -> tuple[int, Any]:
        choice = {"account": "acme123", "container": CONTAINER, "tier": "cool", "prefix": "acme/files", **changes}
        return self.site.call("PUT", f"/api/connections/azure/{project['id']}/storage", choice)

    def connected(self, **project: Any) -> dict[str, Any]:
        """A project that is connected by Ada's account."""
        made = self.site.project("file_migration", **project)
        assert self.sign_in(made).status_code == 303
        status, said = self.choose(made)
        assert status == 200, said
        return made

    def status(self, project: dict[str, Any]) -> str:
        return str(self.site.get(f"/api/projects/{project['id']}")["status"])

    def job(self, agent: dict[str, str], project: dict[str, Any]) -> dict[str, Any]:
        return self.site.job(agent, project, type="migrate_files", source=LOCAL)

    def take_up(self, agent: dict[str, str], job: dict[str, Any]) -> tuple[int, Any]:
        return self.site.call("POST", f"/api/agent/jobs/{job['id']}/lease", key=agent["key"])

    def access(self, agent: dict[str, str], job: dict[str, Any], token: int) -> tuple[int, Any]:
        path = f"/api/agent/jobs/{job['id']}/storage-access"
        return self.site.call("POST", path, {"token": token}, key=agent["key"])

    def services(self) -> Services:
        """The service's own insides, over the same database."""
        app = create_app(self.site.settings)
        found: Services = app.state.services
        return found

    def put_as(self, cookie: dict[str, str], path: str, body: Any) -> None:
        """What a page of the service's own does."""
        own = {"Sec-Fetch-Site": "same-origin"}
        answer = httpx.put(self.site.url + path, json=body, cookies=cookie, headers=own, timeout=60, verify=PLAIN)
        assert answer.status_code == 200, answer.text

    def hub_project(self, email: str = "ada@church.example") -> dict[str, Any]:
        """A project that a Hub user has connected, from button to container, in a browser with a cookie."""
        made, cookie = self.site.project("file_migration"), self.cookie(email)
        own = {"Sec-Fetch-Site": "same-origin"}
        path = f"{self.site.url}/api/connections/azure/{made['id']}"
        url = httpx.post(f"{path}/sign-in", cookies=cookie, headers=own, timeout=60, verify=PLAIN).json()["url"]
        back = httpx.get(self.here(self.at_microsoft(url)), cookies=cookie, timeout=60, verify=PLAIN)
        assert back.status_code == 303, back.text
        choice = {"account": "acme123", "container": CONTAINER}
        self.put_as(cookie, f"/api/connections/azure/{made['id']}/storage", choice)
        return made

    def mails(self) -> list[tuple[str, str]]:
        """Name and recipient of every mail so far."""
        with self.site.database.transaction() as session:
            query = sa.select(OutboxMessage).where(OutboxMessage.channel == "mail")
            return [(one.name, one.body["to"]) for one in session.scalars(query.order_by(OutboxMessage.created_at))]

    def row(self, session: Session, project: dict[str, Any]) -> AzureConnection:
        return session.get_one(AzureConnection, project["id"])

    def stored(self) -> str:
        """Everything the database keeps sealed, as it stands there."""
        with self.site.database.transaction() as session:
            return " ".join(session.scalars(sa.select(SealedSecret.sealed)))


def now() -> datetime:
    return datetime.now(UTC)


def options(fake: FakeMicrosoft) -> dict[str, Any]:
    return {
        "public_url": PUBLIC,
        "microsoft_client_id": CLIENT_ID,
        "microsoft_client_secret": CLIENT_SECRET,
        "microsoft_authority": f"{fake.url}/organizations",
        "azure_management_url": fake.url,
        "PORTAL_SSO_SECRET": HUB_SECRET,
    }


@contextmanager
def ground_on(database: Database, fake: FakeMicrosoft, **more: Any) -> Iterator[Ground]:
    given = {**options(fake), **more}
    with serving(database, **given) as site:
        site.tokens = site.organisation("grace")
        fake.redirects.add(CALLBACK)
        fake.account("acme123", CONTAINER, "other")
        fake.person(ADA, acme123="contributor")
        yield Ground(site, fake, given)
