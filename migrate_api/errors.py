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


CHOOSING = ("source", "destination", "default_destination")
"""Fields whose `type` says what else they have; pydantic puts that word behind them, where nobody wrote it."""


def complaints(found: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What pydantic does not like, by field: `source.path` for a body's, the bare name for a parameter. Never what was
    sent."""
    said = {_place(one): _words(one) for one in found}
    # Of a list whose only entry is wrong, pydantic says that it has none.
    return {name: why for name, why in said.items() if why != AT_LEAST_ONE or not _within(said, name)}


def _within(said: Mapping[str, str], name: str) -> bool:
    return any(other.startswith(f"{name}.") for other in said)


def _place(one: Mapping[str, Any]) -> str:
    location = one["loc"]
    named = location[1:] if location[:1] and location[0] in ("body", "query", "path", "header") else location
    if location[:1] == ("query",):
        named = named[:1]  # without the number of a value that may be given more than once
    if one["type"] == "json_invalid":
        named = ()  # it is the letter at which it cannot be read on
    kept = [part for before, part in zip(("", *named), named, strict=False) if before not in CHOOSING]
    chosen = ["type"] if one["type"].startswith("union_tag") else []
    return ".".join(map(str, [*kept, *chosen])) or "body"


AT_LEAST_ONE, NO_OBJECT = "needs at least one", "must be an object"
_SAID = {
    "missing": "is required",
    "union_tag_not_found": "is required",
    "extra_forbidden": "there is no such field; /docs names those there are",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "model_type": NO_OBJECT,
    "model_attributes_type": NO_OBJECT,
    "dict_type": NO_OBJECT,
}


def _words(one: Mapping[str, Any]) -> str:
    """In words for people who do not know Python."""
    kind, context = one["type"], one.get("ctx") or {}
    if kind == "union_tag_invalid":
        return f"must be one of {context['expected_tags']}"
    if kind == "json_invalid":
        return "is no JSON that can be read"
    if kind == "string_too_short" and context.get("min_length") == 1:
        return "must not be empty"
    if kind == "too_short" and context.get("min_length") == 1:
        return AT_LEAST_ONE
    return _SAID.get(kind) or str(one["msg"]).removeprefix("Value error, ")


def conflict(code: str, message: str, remedy: str = "", **details: Any) -> Refusal:
    """409: true to form, but not now."""
    return Refusal(409, code, message, remedy=remedy, details=details)


@contextmanager
def refused_by(field: str = "") -> Iterator[None]:
    """Errors of ours as refusals: 503 for what may go by, 400 for what makes no sense (in that field, where one is
    named), 409 for what a person mends."""
    try:
        yield
    except TransientError as error:
        # Without Retry-After: an agent would put off everything it has to tell us, for something that is not ours.
        raise Refusal(503, error.error_code, error.message, remedy=error.remedy, details=error.details) from error
    except InvalidRequest as error:
        fields = {field: f"{error.message} {error.remedy}"} if field else None
        raise Refusal(
            400, error.error_code, error.message, remedy=error.remedy, fields=fields, details=error.details
        ) from error
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
