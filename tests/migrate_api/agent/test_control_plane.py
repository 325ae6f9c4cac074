"""What stands between agent and service may answer in its place: that ends no agent and no job."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr

from migrate_api.agent.control_plane import ControlPlane
from migrate_api.agent.settings import AgentSettings
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import TargetError


class Proxy(BaseHTTPRequestHandler):
    """Answers everything with a page of its own."""

    def do_POST(self) -> None:
        page = b"<html>Log in to the guest network</html>"
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(params=[200, 401, 403, 407])
def proxy(request: pytest.FixtureRequest) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        server.status = request.param  # type: ignore[attr-defined]
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_proxys_page_is_no_refusal_of_the_service(proxy: str) -> None:
    with ControlPlane(AgentSettings(proxy, SecretStr("mak_x")), Control()) as plane, pytest.raises(TargetError):
        plane.hello()
