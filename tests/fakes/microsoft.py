"""A Microsoft on loopback: sign-in pages, tokens, Resource Manager, storage accounts; over TLS, with books of its own.

It is strict where Microsoft is (PKCE, single use of codes, one service a token, roles, signatures) and misbehaves only
when told to: `fail`, `strict_rotation`, `revoke`, `left_alone`. It is served by microsoft_server.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

CLIENT_ID, CLIENT_SECRET = "0d5c1d8a-6c5e-4d0f-9a5e-1f6c0c6c1a11", "the-service's-own-hush"


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, said: Any, **headers: str) -> Reply:
        return cls(status, json.dumps(said).encode(), {"Content-Type": "application/json; charset=utf-8", **headers})


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))

    @property
    def bearer(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass
class Someone:
    """A person with an account. `roles`: by storage account, `contributor`, `reader` or none."""

    name: str
    tenant: str
    roles: dict[str, str] = field(default_factory=dict)
    lists: bool = True
    id: str = field(default_factory=lambda: str(uuid4()))


@dataclass
class Account:
    """A storage account. `walled`: its firewall lets nobody in; `endpoint`: its blobs are elsewhere."""

    name: str
    subscription: str
    containers: dict[str, dict[str, bytes]]
    walled: bool = False
    endpoint: str = ""


@dataclass
class Fault:
    """The next so many calls whose path ends like this are answered with the reply, or not at all."""

    path: str
    reply: Reply | None
    times: int = 1


class FakeMicrosoft:
    """The whole of it. `calls` are the paths that were asked; `signed_in` is known already and has agreed before."""

    def __init__(self, url: str, authority: Path) -> None:
        self.url, self.authority = url, authority
        self.people: dict[str, Someone] = {}
        self.subscriptions: dict[str, str] = {}
        self.accounts: dict[str, Account] = {}
        self.redirects: set[str] = set()
        self.signed_in = ""
        self.faults: list[Fault] = []
        self.calls: list[str] = []
        self.page_size, self.token_seconds, self.strict_rotation = 2, 3600, False
        self.asked: dict[str, dict[str, str]] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.refresh: dict[str, dict[str, Any]] = {}
        self.access: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, dict[str, str]] = {}
        self.lock = Lock()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def left_alone(self, days: int) -> None:
        """Nobody has used a token for so long."""
        for token in self.refresh.values():
            token["used_at"] -= timedelta(days=days)
        for token in self.access.values():
            token["ends"] -= timedelta(days=days)

    def person(self, name: str, **roles: str) -> Someone:
        found = self.people[name] = Someone(name, "6babcaad-604b-40ac-a9d7-9fd97c0b779f", roles)
        return found

    def account(self, name: str, *containers: str, subscription: str = "Church IT") -> Account:
        self.subscriptions.setdefault(subscription, str(uuid4()))
        found = self.accounts[name] = Account(name, subscription, {container: {} for container in containers})
        return found

    def revoke(self, name: str) -> None:
        """A new password: every refresh token of the person is void."""
        for token in self.refresh.values():
            token["revoked"] = token["revoked"] or token["person"] == name

    def fail(self, path: str, status: int | None, said: Any = None, times: int = 1, **headers: str) -> None:
        """With no status the connection is dropped."""
        reply = None if status is None else Reply.of(status, said, **headers)
        self.faults.append(Fault(path, reply, times))

    def fault(self, path: str) -> Fault | None:
        with self.lock:
            found = next((one for one in self.faults if path.endswith(one.path) and one.times), None)
            if found is not None:
                found.times -= 1
            return found
