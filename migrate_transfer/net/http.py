"""Builds every HTTP client of the house, and is the only place that knows httpx."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import httpx

from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import ConnectionLost, InvalidRequest, ServiceUnavailable, TargetError

LONGEST_WAIT = 3600.0
"""Seconds; a server that asks for more is asked again after this."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A complete answer: status, lower-case headers, whole body."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class RateBudget:
    """One pace for all who share a limit: what the server's headers say, on the monotonic clock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._not_before = 0.0

    def wait(self, control: Control) -> None:
        """Wait until the server may be asked again."""
        while (pause := self._not_before - time.monotonic()) > 0:
            control.wait(pause)

    def note(self, seconds: float) -> None:
        """The server asked for a pause of so many seconds."""
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + seconds)


class HttpClient:
    """A pool of connections to one server. Thread-safe. Header values are never shown."""

    def __init__(
        self,
        base_url: str,
        *,
        secret_headers: Mapping[str, str],
        connections: int,
        control: Control,
        budget: RateBudget | None = None,
        timeout: float = 60.0,
    ) -> None:
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        with translated():
            self._client = httpx.Client(
                base_url=base_url, headers=dict(secret_headers), limits=limits, timeout=timeout, trust_env=True
            )
        self._control, self._budget = control, budget or RateBudget()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """One call, one answer.

        Raises ServiceUnavailable (429 and 5xx, with the wait asked for), ConnectionLost (no complete answer),
        TargetError (certificate), InvalidRequest (URL), Stopped.
        """
        self._budget.wait(self._control)
        with translated():
            answer = self._client.request(method, path, content=content, headers=headers, params=params)
        self._note(answer)
        if answer.status_code == 429 or answer.status_code >= 500:
            raise ServiceUnavailable(
                f"The service answered {answer.status_code}.", retry_after=retry_after(answer.headers)
            )
        return HttpAnswer(answer.status_code, answer.headers, answer.content)

    def _note(self, answer: httpx.Response) -> None:
        asked = retry_after(answer.headers)
        if answer.status_code in (429, 503) and asked is not None:
            self._budget.note(asked)
        elif answer.headers.get("x-ratelimit-remaining") == "0":
            reset = _number(answer.headers.get("x-ratelimit-reset"))
            now = _moment(answer.headers.get("date")) or time.time()
            if reset is not None:
                self._budget.note(min(max(0.0, reset - now), LONGEST_WAIT))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks for (a number, or a date against the server's own), or None."""
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is None and (until := _moment(value)) is not None:
        seconds = until - (_moment(headers.get("date")) or time.time())
    return None if seconds is None else min(max(0.0, seconds), LONGEST_WAIT)


def _number(value: str | None) -> float | None:
    return int(value) if value is not None and value.strip().isascii() and value.strip().isdigit() else None


def _moment(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        return parsedate_to_datetime(value).timestamp()
    except ValueError:
        return None


@contextmanager
def translated() -> Iterator[None]:
    """httpx errors -> ours."""
    try:
        yield
    except httpx.ConnectError as error:
        if "CERTIFICATE" in str(error).upper():
            raise TargetError(
                "The server's certificate is not trusted.",
                code="CERTIFICATE_NOT_TRUSTED",
                remedy="Install the certificate authority of the server, or correct the address.",
            ) from error
        raise ConnectionLost("The service cannot be reached.", code="UNREACHABLE") from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise ConnectionLost(
            f"The connection broke before the answer was complete ({type(error).__name__})."
        ) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise InvalidRequest("The service's address is no usable URL.", code="BAD_URL") from error
