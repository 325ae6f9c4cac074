"""The one door to HTTP, its `request` (httpx) and its `post` (libcurl), against a server that misbehaves."""

from __future__ import annotations

import datetime
import logging
import socket
import ssl
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from email.utils import format_datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import ConnectionLost, InvalidRequest, ServiceUnavailable, Stopped, TargetError
from migrate_transfer.core.retry import RetryPolicy
from migrate_transfer.net.headers import retry_after
from migrate_transfer.net.http import HttpAnswer, HttpClient, RateBudget
from tests.migrate_transfer.net.server import CUT, answer, serving

KEY = "a-key-nobody-may-see"
NOON = "Fri, 20 Nov 2026 12:00:00 GMT"


def client(url: str, key: str = KEY, control: Control | None = None, timeout: float = 60.0) -> HttpClient:
    headers = {"X-Integration-Key": key}
    return HttpClient(
        url, secret_headers=headers, connections=2, control=control or Control(), budget=RateBudget(), timeout=timeout
    )


both_ways = pytest.mark.parametrize("way", ["request", "post"])


def ask(url: str, way: str, *, timeout: float = 60.0) -> HttpAnswer:
    with client(url, timeout=timeout) as http:
        return http.post("/x", b"{}", {}) if way == "post" else http.request("GET", "/x", params={"of": "grace"})


@both_ways
def test_an_answer_comes_whole_and_the_request_goes_as_given(way: str) -> None:
    headers = {"Idempotency-Key": "k1"}
    with serving(answer(201, b"body", X_Word="yes")) as server, client(f"{server.url}/") as http:
        if way == "post":
            said = http.post("/in", b"payload", headers)
        else:
            said = http.request("POST", "/in", content=b"payload", headers=headers)
    assert (said.status, said.content, said.headers["x-word"]) == (201, b"body", "yes")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /in HTTP/1.1")
    assert body == b"payload"
    assert f"x-integration-key: {KEY}".encode() in head.lower()
    assert b"idempotency-key: k1" in head.lower()


@both_ways
@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 409, 413, 422, 501])
def test_what_waiting_cannot_change_goes_to_the_caller(way: str, status: int) -> None:
    with serving(answer(status)) as server:
        assert ask(server.url, way).status == status


@both_ways
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_what_waiting_may_change_is_unavailable(way: str, status: int) -> None:
    with serving(answer(status, Retry_After="7")) as server, pytest.raises(ServiceUnavailable) as caught:
        ask(server.url, way)
    assert caught.value.retry_after == 7.0


BROKEN = {
    "hung up": CUT,
    "cut in the head": b"HTTP/1.1 200 OK\r\nContent-",
    "cut in the body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it is cut",
    "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "chunks that end early": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "no gzip": answer(200, b"plain", Content_Encoding="gzip"),
}


@both_ways
@pytest.mark.parametrize("said", BROKEN.values(), ids=BROKEN.keys())
def test_an_answer_that_is_not_whole_is_a_lost_connection(way: str, said: bytes) -> None:
    with serving(said) as server, pytest.raises(ConnectionLost):
        ask(server.url, way)


@both_ways
def test_a_server_that_says_nothing_is_a_lost_connection(way: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ConnectionLost):
        ask(f"http://127.0.0.1:{silent.getsockname()[1]}", way, timeout=0.1)


@both_ways
def test_nobody_there_is_unreachable(way: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(ConnectionLost) as caught:
        ask(f"http://127.0.0.1:{port}", way)
    assert caught.value.error_code == "UNREACHABLE"


def test_a_call_outlasts_cuts_and_fives() -> None:
    with serving(CUT, answer(500), answer(429, Retry_After="0"), answer(200)) as server, client(server.url) as http:
        said = RetryPolicy(first=0.0).run(lambda: http.request("GET", "/"), Control())
    assert (said.status, len(server.requests)) == (200, 4)


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1", "127.0.0.1:80", "http://[::bad", "http://"])
def test_an_address_that_is_none_is_an_invalid_request(url: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask(url, "request")
    assert caught.value.error_code == "BAD_URL"


@pytest.mark.parametrize("key", [f"{KEY}\n", f" {KEY}", f"{KEY}\r\nX-Other: 1", f"{KEY}é", f"{KEY}\x00"])
def test_a_key_that_no_header_carries_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        client("http://127.0.0.1:1", key)
    assert caught.value.error_code == "BAD_HEADER"
    assert KEY not in f"{caught.value!r}{caught.value.message}{caught.value.remedy}{caught.value.details}"


def test_no_address_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with serving(answer()) as server, client(server.url) as http:
        http.request("GET", "/x", params={"sig": KEY})
    assert KEY not in caplog.text


def test_no_error_and_no_repr_shows_the_key() -> None:
    shown = []
    for said in (CUT, answer(500), answer(429)):
        with serving(said) as server, client(server.url) as http:
            with pytest.raises((ConnectionLost, ServiceUnavailable)) as caught:
                http.request("GET", "/", headers={"X-Other": KEY})
            shown.append(f"{http!r}{''.join(traceback.format_exception(caught.value))}")
    with serving(answer()) as server, client(server.url) as http, pytest.raises(InvalidRequest) as refused:
        http.request("GET", "/", headers={"X-Other": f"{KEY}\n"})
    assert KEY not in "".join(shown) + "".join(traceback.format_exception(refused.value))


def test_a_header_that_would_become_two_is_not_posted() -> None:
    with serving(answer()) as server, client(server.url) as http:
        with pytest.raises(InvalidRequest) as refused:
            http.post("/", b"{}", {"X-Other": f"{KEY}\r\nX-More: 1"})
        assert http.post("/", b"{}", {}).status == 200
    assert len(server.requests) == 1
    assert KEY not in "".join(traceback.format_exception(refused.value))


def test_threads_post_over_connections_that_stay_open() -> None:
    with serving(answer(200, b"taken")) as server, client(server.url) as http, ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda n: http.post(f"/{n}", b"x" * n * 1000, {}), range(40)))
    assert [one.content for one in said] == [b"taken"] * 40
    assert sorted(len(request.partition(b"\r\n\r\n")[2]) for request in server.requests) == [
        n * 1000 for n in range(40)
    ]
    assert server.connections <= 4


def self_signed(folder: Path) -> ssl.SSLContext:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    signed = made.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "pem").write_bytes(pem + signed.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pem")
    return context


@both_ways
def test_a_certificate_nobody_vouches_for_is_fatal(way: str, tmp_path: Path) -> None:
    with serving(answer(), tls=self_signed(tmp_path)) as server, pytest.raises(TargetError) as caught:
        ask(server.url, way)
    assert caught.value.error_code == "CERTIFICATE_NOT_TRUSTED"


@both_ways
def test_https_to_a_server_without_tls_is_fatal(way: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        threading.Thread(target=refuse_once, args=(plain,), daemon=True).start()
        with pytest.raises(TargetError) as caught:
            ask(f"https://127.0.0.1:{plain.getsockname()[1]}", way)
    assert caught.value.error_code == "NO_TLS"


def refuse_once(listener: socket.socket) -> None:
    """What a plain web server says to whatever it cannot read."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(answer(400, b"speak plainly"))


def test_a_stop_ends_the_wait_for_the_budget() -> None:
    with serving(answer(429, Retry_After="3000"), answer()) as server, client(server.url) as http:
        with pytest.raises(ServiceUnavailable):
            http.request("GET", "/")
        child = Control()
        child.stop("cancelled")
        with pytest.raises(Stopped):
            http.request("GET", "/", control=child)
    assert len(server.requests) == 1


def test_when_the_remaining_requests_are_used_up_the_next_waits_for_the_window() -> None:
    said = answer(200, X_RateLimit_Limit="100", X_RateLimit_Remaining="1", X_RateLimit_Reset="3000")
    stopped = Control()
    stopped.stop("paused")
    with serving(said) as server, client(server.url) as http:
        http.request("GET", "/")
        http.request("GET", "/")
        with pytest.raises(Stopped):
            http.request("GET", "/", control=stopped)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0), ("7", 7.0), (" 7 ", 7.0), ("1.5", 1.5), ("999999", 3600.0),
        ("Fri, 20 Nov 2026 12:00:30 GMT", 30.0), ("Fri, 20 Nov 2026 11:00:00 GMT", 0.0), ("soon", None), ("", None),
        ("-5", None), ("9" * 5000, None), ("²", None), ("Fri, 20 Nov 99999 12:00:30 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_against_the_server_s_own_clock(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value, "date": NOON}) == seconds


def test_without_a_date_our_clock_is_asked() -> None:
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=600)
    assert 500 < (retry_after({"retry-after": format_datetime(later, usegmt=True)}) or 0.0) <= 600


@settings(max_examples=60)
@given(st.text(), st.text())
def test_no_header_a_server_may_send_breaks_us(value: str, date: str) -> None:
    seconds = retry_after({"retry-after": value, "date": date})
    assert seconds is None or 0.0 <= seconds <= 3600.0
