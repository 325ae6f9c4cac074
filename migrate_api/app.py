"""The application: routers, the services they share, and the one place where errors become answers."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException

from migrate_api import chores
from migrate_api.azure.access import Accesses
from migrate_api.azure.connections import CALLBACK, Connections
from migrate_api.azure.microsoft import Microsoft
from migrate_api.callers import Callers
from migrate_api.database import Database
from migrate_api.description import describe
from migrate_api.doors import Services, services_of
from migrate_api.errors import NO_OBJECT, Refusal, answer, complaints, invalid
from migrate_api.heads import Heads
from migrate_api.limits import RateHeaders
from migrate_api.nuls import NoNuls
from migrate_api.observability import observe
from migrate_api.pages import render
from migrate_api.pages.forms import Unsaved, unsaved
from migrate_api.pages.routes import PAGES
from migrate_api.routes import (
    agent_work,
    agents,
    azure,
    clients,
    connection_tests,
    health,
    jobs,
    outbox,
    projects,
    reports,
    sign_in,
    tokens,
)
from migrate_api.seen import Seen
from migrate_api.settings import ApiSettings
from migrate_api.slashes import NoSlashes
from migrate_api.tracing import Traces
from migrate_api.turns import InTurn, Turns
from migrate_api.vault import Vault
from migrate_api.waker import Waker
from migrate_transfer.core.errors import MigrateError

log = logging.getLogger(__name__)
ROUTERS = (
    agent_work.routes,  # first: requests that come by the hundred a second look no further
    sign_in.routes,
    tokens.routes,
    clients.routes,
    projects.routes,
    azure.routes,
    agents.routes,
    connection_tests.routes,
    jobs.routes,
    reports.routes,
    outbox.routes,
    health.routes,
)
READ = (*ROUTERS[1:], ROUTERS[0])
"""In the order in which people read of them."""
AT_ONCE = 8
"""Requests at the database at once; each may need a connection of either kind."""
ABROAD = 4
"""Requests at Microsoft at once."""
SHOWN_TO_PEOPLE = ("/api/auth/hub-sso", CALLBACK)
_CODES = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "TOO_LARGE", 415: "UNSUPPORTED_MEDIA_TYPE"}


def create_app(settings: ApiSettings) -> FastAPI:
    """The whole service over one database, whose tables are brought up to date when it starts."""
    services = _services(settings)
    app = FastAPI(
        title="The One Migrate",
        version="1",
        description="Moves organisations from one home to another and proves that nothing was lost.",
        lifespan=_lifespan,
        openapi_tags=[{"name": name} for name in dict.fromkeys(str(one.tags[0]) for one in READ)],
        docs_url=None,
        redoc_url=None,
        # As they are: a router that is included is made anew for each application, and asked at each request.
        routes=[route for routes in (*ROUTERS, *PAGES) for route in routes.routes],
    )
    app.state.services = services
    app.add_middleware(InTurn, turns=services.turns)
    app.add_middleware(RateHeaders)
    app.add_middleware(NoSlashes)
    app.add_middleware(NoNuls)
    describe(app)
    _answer_errors(app)
    _answer_database(app)
    app.state.traces = Traces(settings.otlp_endpoint) if settings.otlp_endpoint else None
    observe(app, services, app.state.traces)
    app.add_middleware(Heads)  # outermost: what is counted and traced is what is done
    return app


def _services(settings: ApiSettings) -> Services:
    database = Database(settings.database_url, connections=AT_ONCE)
    callers = Callers(database, settings)
    vault = Vault(settings.vault_keys.get_secret_value())
    waker = Waker(database, heard=callers.forget_agent, hearing=callers.forget_all)
    connections = Connections(database, vault, settings, Microsoft(settings))
    return Services(
        settings=settings,
        database=database,
        vault=vault,
        callers=callers,
        waker=waker,
        seen=Seen(database),
        turns=Turns(AT_ONCE),
        since=datetime.now(UTC),
        connections=connections,
        accesses=Accesses(connections, waker),
        abroad=Turns(ABROAD),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    services.database.migrate()
    async with AsyncExitStack() as stack:
        stack.callback(services.database.close)
        if app.state.traces:
            stack.callback(app.state.traces.close)
        await stack.enter_async_context(services.waker.running())
        await stack.enter_async_context(services.seen.running())
        if services.settings.timers:
            stack.enter_context(chores.running(services))
        yield


def _answer_errors(app: FastAPI) -> None:
    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Refusal) -> Response:
        return _refused(request, refusal)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        """Names the fields and what is wrong with them, never what was sent: it may be a password."""
        found = complaints(error.errors())
        if found.get("body") == NO_OBJECT and "json" not in request.headers.get("content-type", ""):
            found["body"] = "send JSON, with the header Content-Type: application/json"
        return _refused(request, invalid(found))

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code, "REQUEST_REFUSED")
        return _refused(request, Refusal(error.status_code, code, str(error.detail), headers=error.headers))

    app.exception_handler(Unsaved)(unsaved)

    @app.exception_handler(MigrateError)
    async def ours(request: Request, error: MigrateError) -> Response:
        log.error("%s: %s", error.error_code, error.message)
        return _refused(request, Refusal(503, error.error_code, error.message, remedy=error.remedy))


def _answer_database(app: FastAPI) -> None:
    """What goes wrong at the database and is nobody's mistake."""

    @app.exception_handler(OperationalError)
    @app.exception_handler(InterfaceError)
    async def database_away(request: Request, error: Exception) -> Response:
        log.error("The database does not answer (%s).", type(error).__name__)
        return _refused(request, _unavailable("The database does not answer."))

    @app.exception_handler(IntegrityError)
    @app.exception_handler(StaleDataError)
    async def overtaken(request: Request, error: Exception) -> Response:
        """The row that was looked up is gone by now, or another one like it has come. Tried again it is seen."""
        log.warning("Somebody else changed the same thing at the same moment (%s).", type(error).__name__)
        return _refused(
            request, _unavailable("Somebody else changed the same thing at the same moment: nothing was done.")
        )

    @app.exception_handler(DataError)
    async def not_kept(request: Request, error: DataError) -> Response:
        """PostgreSQL keeps no text with a NUL in it."""
        log.warning("The database keeps something that was sent not (%s).", type(error.orig).__name__)
        return _refused(request, invalid({"body": "holds a character or a number that cannot be kept"}))


def _refused(request: Request, refusal: Refusal) -> Response:
    """As JSON to programs, as a page to people."""
    if request.url.path.startswith("/api/") and not _is_looked_at(request):
        return answer(refusal)
    return render.refused(refusal, services_of(request).settings.sso_issuer)


def _is_looked_at(request: Request) -> bool:
    """A browser was sent here and somebody looks at the answer."""
    return request.url.path in SHOWN_TO_PEOPLE and "text/html" in request.headers.get("accept", "")


def _unavailable(message: str) -> Refusal:
    remedy = "Try again in a few seconds."
    return Refusal(503, "SERVICE_UNAVAILABLE", message, remedy=remedy, headers={"Retry-After": "2"})
