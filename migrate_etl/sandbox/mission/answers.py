"""What the sandbox answers when it does not do as asked: one class, one body, the contract's codes."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

CODES: Mapping[int, tuple[str, str]] = {
    400: ("VALIDATION_ERROR", "The request is not valid."),
    401: ("UNAUTHORIZED", "The integration key is missing or unknown."),
    403: ("FORBIDDEN", "The integration key was revoked."),
    404: ("NOT_FOUND", "There is nothing at this address."),
    405: ("METHOD_NOT_ALLOWED", "This address does not take this method."),
    409: ("BATCH_IN_PROGRESS", "A request under this key is being worked on."),
    413: ("PAYLOAD_TOO_LARGE", "The body is over 16 MiB."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "Send application/json, not compressed."),
    422: ("VALIDATION_ERROR", "The batch is refused."),
    429: ("RATE_LIMIT_EXCEEDED", "Too many requests."),
    500: ("INTERNAL_ERROR", "Something went wrong inside."),
    502: ("BAD_GATEWAY", "The service behind does not answer."),
    503: ("SERVICE_UNAVAILABLE", "The service is down for a while."),
    504: ("GATEWAY_TIMEOUT", "The service behind took too long."),
}
FORBIDDEN_DETAILS: Mapping[str, object] = {"requiredProduct": "mission", "requiredPermission": "import:write"}


class Refusal(Exception):
    """A request is refused as a whole; nothing was stored. Status and code are the contract's."""

    def __init__(
        self,
        status: int,
        *,
        code: str | None = None,
        message: str | None = None,
        details: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        usual_code, usual_message = CODES.get(status, (f"HTTP_{status}", "The request was refused."))
        self.status, self.code = status, code or usual_code
        self.message = message or usual_message
        self.details = details
        self.headers = dict(headers or {})
        super().__init__(self.message)

    def body(self) -> bytes:
        return orjson.dumps({"error": self.message, "code": self.code, "details": self.details})


def invalid(fields: Mapping[str, str], status: int = 400) -> Refusal:
    """The request as a whole breaks the contract, field by field."""
    return Refusal(status, code="VALIDATION_ERROR", details={"fields": dict(fields)})


def too_many(limit: int, window: str, retry_after: int) -> Refusal:
    details = {"limit": limit, "window": window, "retryAfter": retry_after}
    return Refusal(429, details=details, headers={"Retry-After": str(retry_after)})
