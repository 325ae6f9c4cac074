"""Who is calling, and what a role may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal


class Role(IntEnum):
    """Roles of users and API tokens; each may do what those before it may. A viewer reads only."""

    VIEWER = 1
    MEMBER = 2
    ADMIN = 3
    OWNER = 4

    @classmethod
    def named(cls, name: str) -> Role:
        """Raises KeyError for a name that is no role."""
        return cls[name.upper()]

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Person:
    """A Hub user or an API token: `id` of its row, `email` where mails go (a token's maker)."""

    kind: Literal["user", "token"]
    id: str
    tenant_id: str
    role: Role
    name: str
    email: str

    @property
    def actor(self) -> str:
        """As it stands in histories: `user:jane@example.org`, `token:Nightly`."""
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class AgentCaller:
    """An agent's process, known by its key."""

    id: str
    tenant_id: str
    name: str
    key_id: str
    instance: str | None
    """Of this request, not necessarily the one that may speak for the agent."""

    @property
    def actor(self) -> str:
        return f"agent:{self.name}"
