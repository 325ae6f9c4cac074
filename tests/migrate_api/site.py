"""A service that really answers, on a database of its own, with an organisation in it; and what tests ask of it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import uvicorn
from pydantic import SecretStr

from migrate_api.app import create_app
from migrate_api.bootstrap import make_tenant, make_token
from migrate_api.database import Database
from migrate_api.doors import Services
from migrate_api.principals import Role
from migrate_api.settings import ApiSettings
from migrate_api.vault import Vault

HOST = {"hostname": "srv1", "platform": "Linux", "version": "1"}
ROCK = {
    "type": "rockrms",
    "connection_string": "Server=s;Database=Rock;User Id=u;Password=hush-hush",
    "mission_org_slug": "grace",
    "mission_api_url": "https://mission.example.org",
    "mission_integration_key": "hush-key",
}


COLLECTOR = "collector"
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing here speaks TLS, and httpx would read all the authorities of the world for each call."""


@dataclass
class Site:
    """`tokens`: API tokens by role. `call` answers status and JSON; without a role nobody is signed in."""

    database: Database
    settings: ApiSettings
    url: str
    tokens: dict[str, str] = field(default_factory=dict)
    tenant_id: str = ""
    services: Services | None = None

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        role: str | None = "owner",
        key: str | None = None,
        **headers: str,
    ) -> tuple[int, Any]:
        credential = key or (self.tokens[role] if role else None)
        given = {"Authorization": f"Bearer {credential}"} if credential else {}
        answer = httpx.request(
            method, self.url + path, json=body, headers={**given, **headers}, timeout=70, verify=PLAIN
        )
        return answer.status_code, answer.json() if answer.content and "json" in answer.headers[
            "content-type"
        ] else None

    def get(self, path: str, **options: Any) -> Any:
        status, said = self.call("GET", path, **options)
        assert status < 300, said
        return said

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        status, said = self.call("POST", path, {} if body is None else body, **options)
        assert status < 300, said
        return said

    def text(self, path: str, role: str | None = None, token: str | None = None) -> str:
        """The answer as it is."""
        credential = token or (self.tokens[role] if role else None)
        headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        return httpx.get(self.url + path, headers=headers, timeout=70, verify=PLAIN).text

    def submit(self, path: str, role: str = "owner", /, **form: str) -> httpx.Response:
        """A form of a page, as a browser sends it; where it leads to is not followed."""
        credential = {"Authorization": f"Bearer {self.tokens[role]}"}
        return httpx.post(self.url + path, data=form, headers=credential, timeout=70, verify=PLAIN)

    def refused(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, str]:
        status, said = self.call(method, path, body, **options)
        assert set(said) == {"error", "code", "details"}, said
        return status, said["code"]

    def organisation(self, slug: str) -> dict[str, str]:
        """Another organisation: its tokens by role."""
        with self.database.transaction() as session:
            tenant = make_tenant(session, slug)
            self.tenant_id = self.tenant_id or tenant.id
            return {role.word: make_token(session, tenant.id, role.word, role) for role in Role}

    def agent(self, name: str = "srv1", *, hello: bool = True) -> dict[str, str]:
        """An agent that has said hello: its id and key."""
        made = self.post("/api/agent-keys", {"name": name})
        if hello:
            self.post("/api/agent/hello", {"host": HOST, "sent_at": now()}, key=made["key"])
        return {"id": made["agent_id"], "key": made["key"], "key_id": made["id"]}

    def project(self, kind: str = "rockrms_import", **fields: Any) -> dict[str, Any]:
        client = self.post("/api/clients", {"name": "Grace Church"})
        made: dict[str, Any] = self.post(
            "/api/projects", {"client_id": client["id"], "type": kind, "name": "P", **fields}
        )
        return made

    def job(self, agent: dict[str, str], project: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        project = project or self.project()
        job = {
            "name": "J",
            "project_id": project["id"],
            "agent_id": agent["id"],
            "type": "rockrms_import",
            "source": ROCK,
        }
        made: dict[str, Any] = self.post("/api/jobs", {**job, **fields})
        return made

    def lease(self, agent: dict[str, str], job: dict[str, Any]) -> int:
        """Take the job up: its token."""
        return int(self.post(f"/api/agent/jobs/{job['id']}/lease", key=agent["key"])["token"])

    def report(self, agent: dict[str, str], job: dict[str, Any], token: int, number: int, **said: Any) -> Any:
        body = {"job_id": job["id"], "token": token, "sequence": number, **said}
        return self.post("/api/progress", body, key=agent["key"])

    def running(self, agent: dict[str, str], **fields: Any) -> tuple[dict[str, Any], int]:
        """A job that is running, reported so far by three reports; and its token."""
        job = self.job(agent, **fields)
        token = self.lease(agent, job)
        for number, status in enumerate(("scanning", "ready", "running"), 1):
            self.report(agent, job, token, number, status=status, totals={"items": 10})
        return job, token


def now() -> str:
    return datetime.now(UTC).isoformat()


RECOUNT = {"completed": 10, "unchanged": 0, "skipped": 0, "failed": 0, "bytes_completed": 1000}


@contextmanager
def serving(database: Database, **options: Any) -> Iterator[Site]:
    """A service over the database on a port of its own. Its own timers are off: tests look at the clock themselves."""
    options.setdefault("vault_keys", SecretStr(Vault.new_key()))
    options.setdefault("metrics_token", SecretStr(COLLECTOR))
    given = {"requests_per_minute": 100_000, "agent_requests_per_minute": 100_000, "timers": False, **options}
    url = database.url.render_as_string(hide_password=False)
    settings = ApiSettings(database_url=url, **given)
    application = create_app(settings)
    config = uvicorn.Config(application, host="127.0.0.1", port=0, log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        thread.join(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Site(database, settings, f"http://127.0.0.1:{port}", services=application.state.services)
    finally:
        server.should_exit = True
        thread.join(20)
