"""One request at a time through one of libcurl's handles, whose connection stays open."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import certifi
import pycurl

from migrate_transfer.core.bandwidth import Bucket
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import (
    ConnectionLost,
    FatalError,
    InvalidRequest,
    ServiceUnavailable,
    TargetError,
    TransientError,
)
from migrate_transfer.core.retry import RetryPolicy
from migrate_transfer.net.headers import retry_after
from migrate_transfer.net.rate import RateBudget

Owner = TypeVar("Owner")

CONNECT_SECONDS = 30
STALL_SECONDS = 60
FINISH_SECONDS = 20.0
PATIENT = RetryPolicy(patience=12)
"""About five minutes of failures that nobody asked for, each request for itself."""
UPLOAD_BUFFER = 512 * 1024


@dataclass(slots=True)
class Request(Generic[Owner]):
    """One call for `owner`. `sink` gets the answer's body of a 2xx as it comes; `rewind` is called before a new try.
    Without a method there is nothing to send: it comes back as it is."""

    owner: Owner
    method: str = ""
    url: str = ""
    headers: list[str] = field(default_factory=list)
    body: bytes = b""
    sink: Callable[[bytes], None] | None = None
    rewind: Callable[[], None] | None = None
    failures: int = 0
    waited: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, lower-case headers, body (empty where a sink took it)."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Link:
    """What all lanes of one destination share."""

    control: Control
    budget: RateBudget = field(default_factory=RateBudget)
    bandwidth: Bucket = field(default_factory=Bucket)
    authorities: str | None = None
    """A file of certificate authorities to trust; None: SSL_CERT_FILE, or certifi's."""
    retry: RetryPolicy = PATIENT
    stall: int = STALL_SECONDS
    """Seconds without a byte after which a transfer is broken off and tried again."""
    finish: float = FINISH_SECONDS
    """Seconds that requests under way have to end when a stop is asked for; then they are broken off."""


class Handle:
    """Used again and again."""

    def __init__(self, link: Link) -> None:
        self.curl = curl = pycurl.Curl()
        self._stall = link.stall
        self._lines: list[bytes] = []
        self._body: list[bytes] = []
        self._sink: Callable[[bytes], None] | None = None
        self._metered = 0
        for option, value in (
            (pycurl.NOSIGNAL, 1),
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
            (pycurl.TCP_KEEPALIVE, 1),
            (pycurl.CONNECTTIMEOUT, CONNECT_SECONDS),
            (pycurl.LOW_SPEED_LIMIT, 1),
            (pycurl.UPLOAD_BUFFERSIZE, UPLOAD_BUFFER),
            (pycurl.BUFFERSIZE, UPLOAD_BUFFER),
            (pycurl.CAINFO, link.authorities or os.environ.get("SSL_CERT_FILE") or certifi.where()),
            (pycurl.HEADERFUNCTION, self._lines.append),
            (pycurl.WRITEFUNCTION, self._write),
        ):
            curl.setopt(option, value)

    def _write(self, data: bytes) -> None:
        # An error's body is read whole: it says what is wrong, and is no part of the file.
        if self._sink is not None and _status(self._lines) in (b"200", b"206"):
            self._sink(data)
        else:
            self._body.append(data)

    def prepare(self, request: Request[Any], authorization: list[str], rate: float | None) -> None:
        curl = self.curl
        self._metered = 0
        self._lines.clear()
        self._body.clear()
        self._sink = request.sink
        try:
            curl.setopt(pycurl.URL, request.url)
            curl.setopt(pycurl.HTTPHEADER, [*request.headers, *authorization, "Expect:"])
        except (pycurl.error, UnicodeError, ValueError):
            raise InvalidRequest("The request cannot be put into HTTP.", code="BAD_HEADER") from None
        curl.setopt(pycurl.NOBODY, request.method == "HEAD")
        if request.method in ("PUT", "POST"):
            curl.setopt(pycurl.POSTFIELDS, request.body)
        elif request.method != "HEAD":
            curl.setopt(pycurl.HTTPGET, 1)
        curl.setopt(pycurl.CUSTOMREQUEST, request.method)
        curl.setopt(pycurl.MAX_SEND_SPEED_LARGE, max(1, int(rate)) if rate else 0)
        # libcurl sends a buffer at once and then rests for as long as it should have taken: that is no stall.
        curl.setopt(pycurl.LOW_SPEED_TIME, self._stall + (int(UPLOAD_BUFFER / rate) if rate else 0))

    def sent(self) -> int:
        """Bytes of the request's body that went out since this was asked last."""
        before, self._metered = self._metered, int(self.curl.getinfo(pycurl.SIZE_UPLOAD_T))
        return max(0, self._metered - before)

    def perform(self) -> Answer | TransientError:
        """Send what was prepared and wait for the answer."""
        try:
            self.curl.perform()
        except pycurl.error as error:
            return _lost(*error.args)
        return self._answer()

    def _answer(self) -> Answer | ConnectionLost:
        headers, body = _headers(self._lines), b"".join(self._body)
        self._body.clear()
        self._sink = None
        if headers is None:
            return ConnectionLost("The connection broke before the answer was complete (in its head).")
        return Answer(self.curl.getinfo(pycurl.RESPONSE_CODE), headers, body)

    def result(self, error: tuple[int, str] | None, transient: Container[str]) -> Answer | TransientError:
        """What became of a request that a multi handle carried; an answer that asks for patience is an error."""
        if error is not None:
            return _lost(*error)
        answer = self._answer()
        if isinstance(answer, ConnectionLost):
            return answer
        headers = answer.headers
        code = headers.get("x-ms-error-code", "")
        if answer.status in (408, 429) or answer.status >= 500 or code in transient:
            return ServiceUnavailable(
                f"The service answered {answer.status} {code}".rstrip() + ".",
                retry_after=retry_after(headers),
                details={"code": code} if code else None,
            )
        return answer


def _status(lines: list[bytes]) -> bytes:
    """Of the answer whose body comes now; libcurl does not tell before it is complete."""
    last = next(line for line in reversed(lines) if line.startswith(b"HTTP/"))
    return last.split(b" ", 2)[1]


def _headers(lines: list[bytes]) -> dict[str, str] | None:
    """Of the last answer: a "100 Continue" or a proxy's answer may come before it. None where its head has no end:
    libcurl takes one that was cut off for whole."""
    found: dict[str, str] = {}
    whole = False
    for raw in lines:
        line = raw.decode("latin-1").rstrip("\r\n")
        if line.startswith("HTTP/"):
            found.clear()
            whole = False
            continue
        whole = whole or not line
        name, colon, value = line.partition(":")
        if colon:
            found[name.strip().lower()] = value.strip()
    return found if whole else None


TRUST = (pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CACERT_BADFILE, pycurl.E_SSL_ISSUER_ERROR)
NEVER = (pycurl.E_URL_MALFORMAT, pycurl.E_UNSUPPORTED_PROTOCOL)


def _lost(code: int, text: str) -> TransientError:
    """libcurl's error in our words (its own may quote an address); raises what no new try would mend."""
    failure: FatalError | None = None
    if code in TRUST:
        failure = TargetError(
            "The server's certificate is not trusted.",
            code="CERTIFICATE_NOT_TRUSTED",
            remedy="Install the certificate authority of the server, or correct the address.",
        )
    elif code == pycurl.E_SSL_CONNECT_ERROR and "wrong version number" in text:
        failure = TargetError(
            "What answers at this address does not speak TLS.",
            code="NO_TLS",
            remedy="Check the port, and whether the address begins with http:// or https://.",
        )
    elif code in NEVER and "HTTP" not in text:  # said of an answer: of no version that there is, or no HTTP at all
        failure = InvalidRequest("The service's address is no usable URL.", code="BAD_URL")
    if failure is not None:
        raise failure
    if code in (pycurl.E_COULDNT_CONNECT, pycurl.E_COULDNT_RESOLVE_HOST, pycurl.E_COULDNT_RESOLVE_PROXY):
        return ConnectionLost("The service cannot be reached.", code="UNREACHABLE")
    return ConnectionLost(f"The connection broke before the answer was complete (libcurl {code}).")
