"""What a route asks for in its signature: the caller, with the role it needs, a transaction, the services."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session

from migrate_api.azure.access import Accesses
from migrate_api.azure.connections import Connections
from migrate_api.callers import Callers
from migrate_api.database import Database
from migrate_api.errors import Refusal
from migrate_api.principals import AgentCaller, Person, Role
from migrate_api.seen import Seen
from migrate_api.settings import ApiSettings
from migrate_api.turns import Turns
from migrate_api.vault import Vault
from migrate_api.waker import Waker

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection


Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Services:
    """What the application is made of; `app.state.services`."""

    settings: ApiSettings
    database: Database
    vault: Vault
    callers: Callers
    waker: Waker
    seen: Seen
    turns: Turns
    since: datetime
    """When this replica started."""
    connections: Connections
    accesses: Accesses
    abroad: Turns
    """For work that asks Microsoft: it may take long, and must not hold all threads."""

    async def in_turn(self, work: Callable[[Session], Found]) -> Found:
        """One step in one transaction, when it is its turn; for routes that must not hold either for long."""

        def step() -> Found:
            with self.database.transaction() as session:
                return work(session)

        return await self.turns.take(step)


def services_of(connection: HTTPConnection) -> Services:
    found: Services = connection.app.state.services
    return found


async def _services(request: Request) -> Services:
    """Async because it does nothing: a plain function would be sent to a thread."""
    return services_of(request)


def _transaction(request: Request) -> Iterator[Session]:
    with services_of(request).database.transaction() as session:
        yield session


Inside = Annotated[Services, Depends(_services)]
Transaction = Annotated[Session, Depends(_transaction, scope="function")]
"""Committed before the answer goes out."""


def _person(needed: Role) -> Callable[[Request, Session], Person]:
    def person(request: Request, session: Transaction) -> Person:
        return _enough(services_of(request).callers.person(session, request), needed)

    person.__name__ = f"at_least_{needed.word}"
    return person


def _enough(found: Person, needed: Role) -> Person:
    if found.role < needed:
        raise Refusal(
            403,
            "FORBIDDEN",
            f"This needs the role {needed.word}; you are {found.role.word}.",
            remedy="Ask an owner or admin of your organisation.",
            details={"requiredPermission": needed.word},
        )
    return found


def _waiting(needed: Role) -> Callable[[Request], Awaitable[Person]]:
    """In a transaction of its own: a route that waits must not hold one."""

    async def person(request: Request) -> Person:
        inside = services_of(request)
        found = await inside.in_turn(lambda session: inside.callers.person(session, request))
        return _enough(found, needed)

    person.__name__ = f"waiting_{needed.word}"
    return person


@dataclass(frozen=True, slots=True)
class AgentDoor:
    """For the routes of agents: one step on one thread, in turn; an agent that was just seen is known from memory."""

    request: Request
    inside: Services

    async def step(self, work: Callable[[Session, AgentCaller], Found], caller: AgentCaller | None = None) -> Found:
        """Do the work in one transaction for the calling agent. Raises Refusal: 401, 409, 426, 429, or the work's."""
        known = caller or self.inside.callers.remembered(self.request)
        return await self.inside.turns.take(lambda: self._in_transaction(work, known))

    async def caller(self) -> AgentCaller:
        """The calling agent."""
        known = self.inside.callers.remembered(self.request)
        return known if known is not None else await self.step(_themselves)

    def _in_transaction(self, work: Callable[[Session, AgentCaller], Found], known: AgentCaller | None) -> Found:
        with self.inside.database.transaction() as session:
            return work(session, known or self.inside.callers.agent(session, self.request))


@dataclass(frozen=True, slots=True)
class PersonDoor:
    """For orders of people: who they are, their rate and the order in one step on one thread. Dependencies one by one
    are four, each of which waits for its turn in the event loop among thousands of agents."""

    request: Request
    inside: Services
    needed: Role

    async def step(self, work: Callable[[Session, Person], Found]) -> Found:
        """Do the work in one transaction for the calling person. Raises Refusal: 401, 403, 429, or the work's."""
        return await run_in_threadpool(self._in_transaction, work)

    def _in_transaction(self, work: Callable[[Session, Person], Found]) -> Found:
        with self.inside.database.transaction() as session:
            return work(session, _enough(self.inside.callers.person(session, self.request), self.needed))


async def _member_door(request: Request) -> PersonDoor:
    return PersonDoor(request, services_of(request), Role.MEMBER)


def _themselves(session: Session, caller: AgentCaller) -> AgentCaller:
    return caller


async def _agent_door(request: Request) -> AgentDoor:
    return AgentDoor(request, services_of(request))


Viewer = Annotated[Person, Depends(_person(Role.VIEWER))]
Member = Annotated[Person, Depends(_person(Role.MEMBER))]
Admin = Annotated[Person, Depends(_person(Role.ADMIN))]
Owner = Annotated[Person, Depends(_person(Role.OWNER))]
WaitingViewer = Annotated[Person, Depends(_waiting(Role.VIEWER))]
WaitingMember = Annotated[Person, Depends(_waiting(Role.MEMBER))]
Agents = Annotated[AgentDoor, Depends(_agent_door)]
OrderingMember = Annotated[PersonDoor, Depends(_member_door)]
