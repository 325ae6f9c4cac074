"""Serves the fake Microsoft over TLS: which part of it answers what."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes import certificates, microsoft_azure, microsoft_sign_in
from tests.fakes.microsoft import Call, FakeMicrosoft, Reply


def route(fake: FakeMicrosoft, call: Call) -> Reply:
    account, dot, _ = call.headers.get("host", "").partition(".blob.core.windows.net")
    if dot:
        return microsoft_azure.store(fake, replace(call, path=f"/blobs/{account}{call.path}"))
    parts = call.path.strip("/").split("/")
    if parts[0] == "blobs":
        return microsoft_azure.store(fake, call)
    if parts[0] == "subscriptions":
        return microsoft_azure.manage(fake, call)
    if call.path.endswith("/.well-known/openid-configuration"):
        return microsoft_sign_in.describe(fake, parts[0])
    if call.path.endswith("/oauth2/v2.0/token"):
        return microsoft_sign_in.token(fake, call, parts[0])
    if call.path.endswith("/oauth2/v2.0/authorize"):
        return microsoft_sign_in.authorize(fake, call)
    if call.path.endswith("/authorize/answer"):
        return microsoft_sign_in.agree(fake, call)
    return Reply(404)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        fake: FakeMicrosoft = self.server.fake  # type: ignore[attr-defined]
        place = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(place.query, keep_blank_values=True))
        fake.calls.append(place.path)
        fault = fake.fault(place.path)
        if fault is not None and fault.reply is None:
            self.close_connection = True
            return
        found = fault.reply if fault else route(fake, Call(self.command, place.path, query, headers, body))
        assert found is not None
        self.send_response(found.status)
        for name, value in {**found.headers, "Content-Length": str(len(found.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(found.body)

    do_GET = do_POST = do_PUT = do_HEAD = answer

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        # The handshake is made on the caller's own thread, where a caller that breaks off disturbs nobody.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, *_: Any) -> None:
        """A caller that went away."""


@contextmanager
def microsoft(folder: Path) -> Iterator[FakeMicrosoft]:
    """Running, until the block ends."""
    authority, context = certificates.make(folder)
    with _Server(context) as server:
        fake = FakeMicrosoft(f"https://localhost:{server.server_address[1]}", authority)
        server.fake = fake  # type: ignore[attr-defined]
        Thread(target=server.serve_forever, daemon=True).start()
        yield fake
        server.shutdown()
