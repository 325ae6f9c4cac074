"""How the API refuses: every answer has `{error, code, details}`, and details say what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastapi.responses import JSONResponse

from migrate_api.protocol.messages import ErrorBody
from migrate_transfer.core.errors import FatalError, InvalidRequest, StorageError, TransientError


class Refusal(Exception):
    """An answer with a status of 4xx: what was asked cannot be done, and why."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        remedy: str = "",
        fields: Mapping[str, str] | None = None,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = dict(headers or {})
        self.details: dict[str, Any] = dict(details or {})
        if remedy:
            self.details["remedy"] = remedy
        if fields:
            self.details["fields"] = dict(fields)


def not_found(what: str) -> Refusal:
    """404, the same whether it never was, is deleted or belongs to another tenant."""
    return Refusal(404, "NOT_FOUND", f"There is no such {what}.", remedy=f"List the {what}s that you can see.")


def invalid(fields: Mapping[str, str], message: str = "") -> Refusal:
    """400 with a message per field."""
    said = message or "; ".join(f"{name}: {why}" for name, why in fields.items())
    return Refusal(400, "VALIDATION_ERROR", said, fields=fields)


def complaints(found: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What pydantic does not like, by field: `source.path` for a body's, the bare name for a parameter. Never what was
    sent."""
    return {_place(one["loc"]): str(one["msg"]).removeprefix("Value error, ") for one in found}


def _place(location: tuple[int | str, ...]) -> str:
    named = location[1:] if location[:1] and location[0] in ("body", "query", "path", "header") else location
    return ".".join(map(str, named)) or "body"


def conflict(code: str, message: str, remedy: str = "", **details: Any) -> Refusal:
    """409: true to form, but not now."""
    return Refusal(409, code, message, remedy=remedy, details=details)


@contextmanager
def refused_by() -> Iterator[None]:
    """Errors of ours as refusals: 503 for what may go by, 400 for what makes no sense, 409 for what a person mends."""
    try:
        yield
    except TransientError as error:
        # Without Retry-After: an agent would put off everything it has to tell us, for something that is not ours.
        raise Refusal(503, error.error_code, error.message, remedy=error.remedy, details=error.details) from error
    except InvalidRequest as error:
        raise Refusal(400, error.error_code, error.message, remedy=error.remedy, details=error.details) from error
    except StorageError:
        raise
    except FatalError as error:
        raise Refusal(409, error.error_code, error.message, remedy=error.remedy, details=error.details) from error


def answer(refusal: Refusal) -> JSONResponse:
    """The refusal as it goes out."""
    body = {"error": refusal.message, "code": refusal.code, "details": refusal.details or None}
    return JSONResponse(body, refusal.status, headers=refusal.headers)


_MEANINGS = {
    400: "The request is not valid: `details.fields` says what and why.",
    401: "Nobody is signed in, or the key or token is not valid.",
    403: "The caller's role does not allow this.",
    404: "There is no such thing, or it belongs to another organisation.",
    409: "Not possible as things are: `code` and `details.remedy` say why and what to do.",
    410: "It has expired.",
    413: "The request is too large.",
    422: "The request is not valid.",
    426: "The agent is too old for this server.",
    429: "Too many requests: wait for `Retry-After` seconds.",
    503: "The service cannot answer now: try again later.",
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route, for its OpenAPI description."""
    return {status: {"model": ErrorBody, "description": _MEANINGS[status]} for status in (*statuses, 503)}
