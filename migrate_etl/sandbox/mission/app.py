"""The sandbox's application: the contract's nine paths, and the errors they share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import orjson
from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from migrate_etl.sandbox.mission import reading
from migrate_etl.sandbox.mission.admin import admin_routes
from migrate_etl.sandbox.mission.answers import Refusal, invalid
from migrate_etl.sandbox.mission.books import Books
from migrate_etl.sandbox.mission.envelope import check_transport, is_slug, read_batch
from migrate_etl.sandbox.mission.faults import FaultScript
from migrate_etl.sandbox.mission.limits import RateLimit
from migrate_etl.sandbox.mission.misbehaviour import Misbehaviour, RequestLog
from migrate_etl.sandbox.mission.shapes import SHAPES, Shape


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """How a sandbox is to behave. `rate_limit` counts requests per `rate_window` seconds; `latency` is in seconds."""

    database: Path
    organization: str
    key: str = field(repr=False)
    rate_limit: int | None = None
    rate_window: int = 60
    latency: float = 0.0
    read_back: bool = True


def create_app(settings: SandboxSettings, books: Books) -> ASGIApp:
    """The application over these books, with the settings' key let in."""
    limits = RateLimit(settings.rate_limit, settings.rate_window)
    books.admit(settings.organization, settings.key)
    script, log = FaultScript(), RequestLog()
    app = FastAPI(title="Mission sandbox", openapi_url=None)
    app.state.books, app.state.limits, app.state.database = books, limits, settings.database
    for shape in SHAPES.values():
        app.post(shape.path)(_importer(shape))
    if settings.read_back:
        app.get("/api/import/totals")(read_totals)
        app.get("/api/import/records")(read_records)
    app.include_router(admin_routes(books, limits, script, log))
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _bad_parameters)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(500, _broken)
    app.add_middleware(Misbehaviour, books=books, script=script, log=log, latency=settings.latency)
    return app


async def caller(request: Request) -> str:
    """The organisation of the request's key. Raises Refusal (401, 403, 429)."""
    organization: str = request.app.state.books.owner(request.headers.get("x-integration-key"))
    request.state.limits = request.app.state.limits.enter(organization)
    return organization


Caller = Annotated[str, Depends(caller)]


def _importer(shape: Shape) -> Any:
    async def take(request: Request, organization: Caller) -> Response:
        return _take(request, organization, shape, await request.body())

    return take


def _take(request: Request, organization: str, shape: Shape, body: bytes) -> Response:
    """Synchronous, so that nothing comes between looking for a stored answer and storing one."""
    books: Books = request.app.state.books
    check_transport(request.headers, body)
    key, digest = request.headers["idempotency-key"], hashlib.sha256(body).hexdigest()
    before = books.answered(organization, key)
    if before is not None:
        if (before.path, before.body_sha256) != (shape.path, digest):
            raise Refusal(422, code="IDEMPOTENCY_KEY_REUSED", message="This key came before with another request.")
        request.state.records, request.state.replayed = before.records, True
        return _reply(request, before.answer, {"Idempotent-Replayed": "true"})
    batch = read_batch(body, key)
    request.state.records = len(batch.records)
    _own(organization, batch.organization)
    answer = books.take(organization, shape, key, batch.records, digest, request.state.handling)
    return _reply(request, answer, {})


def read_totals(request: Request, own: Caller, organization: str) -> Response:
    _own(own, organization)
    return _reply(request, orjson.dumps(reading.totals(request.app.state.database, own)), {})


def read_records(
    request: Request,
    own: Caller,
    organization: str,
    entity: str,
    after: Annotated[str | None, Query(min_length=1, max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=reading.LARGEST_PAGE)] = 1000,
) -> Response:
    if entity not in SHAPES:
        raise invalid({"entity": f"one of {', '.join(SHAPES)} expected"})
    _own(own, organization)
    page = reading.records(request.app.state.database, own, entity, after, limit)
    return _reply(request, orjson.dumps(page), {})


def _own(own: str, named: str) -> None:
    """A key sees its own organisation; others are unknown to it."""
    if not is_slug(named):
        raise invalid({"organization": "an organisation's slug expected"})
    if named != own:
        raise Refusal(404, code="ORGANIZATION_NOT_FOUND", message="There is no such organisation.")


def _reply(request: Request, body: bytes, headers: dict[str, str], status: int = 200) -> Response:
    limits = getattr(request.state, "limits", {})
    return Response(body, status, {**limits, **headers}, media_type="application/json")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return _reply(request, error.body(), error.headers, error.status)


async def _bad_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = {str(wrong["loc"][-1]): str(wrong["msg"]) for wrong in error.errors()}
    return await _refused(request, invalid(fields))


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return await _refused(request, Refusal(error.status_code))


async def _broken(request: Request, error: Exception) -> Response:
    return await _refused(request, Refusal(500))
