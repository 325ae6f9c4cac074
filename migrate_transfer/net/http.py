"""Builds every HTTP client of the house, and is the only place that knows httpx."""

from __future__ import annotations

import logging
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import TracebackType
from typing import Self

import httpx

from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import (
    ConnectionLost,
    InvalidRequest,
    MigrateError,
    ServiceUnavailable,
    TargetError,
)
from migrate_transfer.net.curl import Answer as HttpAnswer
from migrate_transfer.net.headers import number, reset_after, retry_after
from migrate_transfer.net.poster import Poster
from migrate_transfer.net.rate import RateBudget

__all__ = ["HttpAnswer", "HttpClient", "RateBudget"]

logging.getLogger("httpx").setLevel(logging.WARNING)  # it would write down each address, whose query may be a signature

SENDABLE = re.compile(r"([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?")
"""Header values that every server reads alike."""

COME_BACK = (408, 425, 429)
NEVER = (501, 505)
"""Statuses that mean "later" although they are no 5xx, and 5xx that no waiting will change."""

KEPT_SECONDS = 5.0
"""An idle connection is used again for so long: what lies between may forget one without a word, and servers close one
that is older, perhaps just when something is sent on it."""

UNSAID = 1.0
"""Seconds everybody pauses after a 429 that does not say how long."""


class HttpClient:
    """A pool of connections to one server. Thread-safe. Header values are never shown. Closes `budget` with itself.

    Raises InvalidRequest for a base URL or a secret header that cannot be used (BAD_URL, BAD_HEADER).
    """

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
        for name, value in secret_headers.items():
            _require_sendable(name, value)
        limits = httpx.Limits(
            max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=KEPT_SECONDS
        )
        with translated():
            _require_address(httpx.URL(base_url))
            self._client = httpx.Client(
                base_url=base_url, headers=dict(secret_headers), limits=limits, timeout=timeout, verify=_trust()
            )
            self._poster = Poster(str(self._client.base_url), timeout)
        self._secrets = dict(secret_headers)
        self._control, self._budget = control, budget or RateBudget()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._poster.close()
        self._client.close()
        self._budget.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        control: Control | None = None,
    ) -> HttpAnswer:
        """One call, one answer. `control` stops the wait for the budget where the client's own shall not.

        Raises ServiceUnavailable (429, 408 and 5xx, with the wait asked for), ConnectionLost (no complete answer),
        TargetError (certificate, no TLS), InvalidRequest (URL), StorageError (a shared budget), Stopped.
        """
        self._budget.wait(control or self._control)
        with translated():
            answer = self._client.request(method, path, content=content, headers=headers, params=params)
        return self._heard(HttpAnswer(answer.status_code, answer.headers, answer.content))

    def post(
        self, path: str, content: bytes, headers: Mapping[str, str], *, control: Control | None = None
    ) -> HttpAnswer:
        """As `request`, at a tenth of the price: for bodies that are sent by the thousand."""
        for name, value in headers.items():
            _require_sendable(name, value)
        self._budget.wait(control or self._control)
        return self._heard(self._poster.post(path, content, {**self._secrets, **headers}))

    def _heard(self, answer: HttpAnswer) -> HttpAnswer:
        """The answer, unless it asks for patience; the budget learns what it says to everybody."""
        asked = self._note(answer)
        status = answer.status
        if status in COME_BACK or (status >= 500 and status not in NEVER):
            raise ServiceUnavailable(f"The service answered {status}.", retry_after=asked)
        return answer

    def _note(self, answer: HttpAnswer) -> float | None:
        asked, reset = retry_after(answer.headers), reset_after(answer.headers)
        if answer.status in (429, 503) and asked is not None:
            self._budget.pause(asked)
        elif answer.status == 429:
            self._budget.pause(UNSAID if reset is None else reset)
        elif reset is not None and (left := number(answer.headers.get("x-ratelimit-remaining"))) is not None:
            self._budget.window(int(left), reset)
        return asked


def _trust() -> ssl.SSLContext:
    """The authorities that this machine trusts. Reading them takes longer than most calls: done once."""
    return _read_trust(*(os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")))


@cache
def _read_trust(file: str | None, folder: str | None) -> ssl.SSLContext:
    """httpx reads the two variables itself; other ones are another context."""
    return httpx.create_ssl_context()


def _require_sendable(name: str, value: str) -> None:
    if not SENDABLE.fullmatch(value):
        raise InvalidRequest(
            f"The value given for {name} holds a line break, blanks around it or a letter that no header may carry.",
            code="BAD_HEADER",
            remedy="Copy the key once more, without anything before or after it.",
        )


def _require_address(url: httpx.URL) -> None:
    if url.scheme not in ("http", "https") or not url.host:
        raise httpx.UnsupportedProtocol("an address begins with http:// or https:// and names a server")


@contextmanager
def translated() -> Iterator[None]:
    """httpx errors -> ours."""
    try:
        yield
    except httpx.LocalProtocolError:
        # Its words quote the header, which may be the key: they go no further.
        raise InvalidRequest("The request cannot be put into HTTP.", code="BAD_HEADER") from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise InvalidRequest(
            "The service's address is no usable URL.",
            code="BAD_URL",
            remedy="Give an address like https://church.example.org.",
        ) from error
    except httpx.ConnectError as error:
        raise _unreachable(error) from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise ConnectionLost(
            f"The connection broke before the answer was complete ({type(error).__name__})."
        ) from error


def _unreachable(error: httpx.ConnectError) -> MigrateError:
    """A connection that was not made: by TLS for good, or for now."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return TargetError(
                "The server's certificate is not trusted.",
                code="CERTIFICATE_NOT_TRUSTED",
                remedy="Install the certificate authority of the server, or correct the address.",
            )
        if isinstance(cause, ssl.SSLError) and cause.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
            return TargetError(
                "What answers at this address does not speak TLS.",
                code="NO_TLS",
                remedy="Check the port, and whether the address begins with http:// or https://.",
            )
        cause = cause.__cause__ or cause.__context__
    return ConnectionLost("The service cannot be reached.", code="UNREACHABLE")
