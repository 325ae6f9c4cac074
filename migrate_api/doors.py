"""What a route asks for in its signature: the caller, with the role it needs, a transaction, the services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from migrate_api.callers import Callers
from migrate_api.database import Database
from migrate_api.errors import Refusal
from migrate_api.principals import AgentCaller, Person, Role
from migrate_api.seen import Seen
from migrate_api.settings import ApiSettings
from migrate_api.vault import Vault
from migrate_api.waker import Waker

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection


@dataclass(frozen=True, slots=True)
class Services:
    """What the application is made of; `app.state.services`."""

    settings: ApiSettings
    database: Database
    vault: Vault
    callers: Callers
    waker: Waker
    seen: Seen


def services_of(connection: HTTPConnection) -> Services:
    found: Services = connection.app.state.services
    return found


def _services(request: Request) -> Services:
    return services_of(request)


def _transaction(request: Request) -> Iterator[Session]:
    with services_of(request).database.transaction() as session:
        yield session


Inside = Annotated[Services, Depends(_services)]
Transaction = Annotated[Session, Depends(_transaction, scope="function")]
"""Committed before the answer goes out."""


def _person(needed: Role) -> Callable[[Request, Session], Person]:
    def person(request: Request, session: Transaction) -> Person:
        found = services_of(request).callers.person(session, request)
        if found.role < needed:
            raise Refusal(
                403,
                "FORBIDDEN",
                f"This needs the role {needed.word}; you are {found.role.word}.",
                remedy="Ask an owner or admin of your organisation.",
                details={"requiredPermission": needed.word},
            )
        return found

    person.__name__ = f"at_least_{needed.word}"
    return person


def _waiting_viewer(request: Request) -> Person:
    """In a transaction of its own: a route that waits must not hold one."""
    with services_of(request).database.transaction() as session:
        return services_of(request).callers.person(session, request)


def _agent(request: Request, session: Transaction) -> AgentCaller:
    return services_of(request).callers.agent(session, request)


Viewer = Annotated[Person, Depends(_person(Role.VIEWER))]
Member = Annotated[Person, Depends(_person(Role.MEMBER))]
Admin = Annotated[Person, Depends(_person(Role.ADMIN))]
Owner = Annotated[Person, Depends(_person(Role.OWNER))]
WaitingViewer = Annotated[Person, Depends(_waiting_viewer)]
CallingAgent = Annotated[AgentCaller, Depends(_agent)]
