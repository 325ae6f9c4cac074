"""Signs of life that nothing on the agent's machine stops unnoticed, and a service that is newer than the agent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from migrate_api.agent.control_plane import ControlPlane, utc_now
from migrate_api.agent.diagnosis import checks
from migrate_api.agent.heart import Heart
from migrate_api.agent.home import Home
from migrate_api.agent.loop import Loop
from migrate_api.agent.settings import AgentSettings
from migrate_api.protocol.messages import HeldJob
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import FatalError, Stopped
from tests.migrate_api.agent.conftest import eventually
from tests.migrate_api.site import Site

NOW = "2026-11-21T12:00:00Z"
UNKNOWN = {"id": "c1", "name": "defragment_disk", "job_id": "j1", "payload": {}, "priority": 9}
INCOMPLETE = {"id": "c2", "name": "test_connection", "job_id": None, "payload": {"dsn": "new words"}}
KNOWN = {"id": "c3", "name": "cancel_job", "job_id": "j1", "payload": {}}
ANSWERS: dict[str, Any] = {
    "/api/agent/hello": {"agent_id": "a", "name": "a", "server_time": NOW, "jobs": [], "region": "eu"},
    "/api/agent/heartbeat": {"server_time": NOW},
}


class NewerService(BaseHTTPRequestHandler):
    """Hands out an order that no agent of today knows, then others, and notes what it is answered."""

    def do_GET(self) -> None:
        orders, self.server.orders = self.server.orders, []  # type: ignore[attr-defined]
        if not orders:
            self.server.ended.wait(30)  # type: ignore[attr-defined]
        self._answer({"commands": orders, "next_poll": 5})

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/acknowledge"):
            self.server.heard[self.path.split("/")[-2]] = said  # type: ignore[attr-defined]
        self._answer(ANSWERS.get(self.path, {}))

    def _answer(self, said: Any) -> None:
        content = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def working(url: str, key: str, home: Path, clock: Callable[[], datetime] = utc_now) -> Iterator[threading.Thread]:
    """An agent's loop on a thread of its own."""
    control, settings = Control(), AgentSettings(url, SecretStr(key))
    with ControlPlane(settings, control, clock) as plane:
        loop = Loop(settings, Home(home / "agent.toml", home / "state", home / "logs"), plane, control)
        thread = threading.Thread(target=loop.run)
        thread.start()
        try:
            yield thread
        finally:
            control.stop("lease_lost")
            thread.join(30)


@pytest.fixture
def newer() -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), NewerService) as server:
        server.orders, server.heard = [UNKNOWN, INCOMPLETE, KNOWN], {}  # type: ignore[attr-defined]
        server.ended = threading.Event()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.ended.set()  # type: ignore[attr-defined]
        server.shutdown()


def test_orders_of_a_newer_service_are_refused_and_the_others_obeyed(newer: Any, tmp_path: Path) -> None:
    with working(f"http://127.0.0.1:{newer.server_address[1]}", "mak_x", tmp_path):
        eventually(lambda: len(newer.heard) == 3, seconds=20)
    assert (newer.heard["c1"]["accepted"], newer.heard["c1"]["error"]["code"]) == (False, "NOT_SUPPORTED_BY_AGENT")
    assert newer.heard["c2"]["error"]["code"] == "INVALID_REQUEST"
    assert newer.heard["c3"]["accepted"] is True


def test_an_agent_whose_folder_is_gone_still_gives_signs_of_life(site: Site, tmp_path: Path) -> None:
    made = site.post("/api/agent-keys", {"name": "srv1"})
    with working(site.url, made["key"], tmp_path / "gone"):
        eventually(lambda: site.get("/api/agents?status=online")["items"])
        test = {"connection_string": f"sqlite:///{tmp_path / 'none.sqlite'}"}
        asked = site.post(f"/api/agents/{made['agent_id']}/connection-tests", test)
        assert site.get(f"/api/connection-tests/{asked['id']}?wait=20")["answered"]
    assert site.get(f"/api/agents/{made['agent_id']}")["free_disk_bytes"] is None


@pytest.mark.parametrize("days", [3, -400])
def test_an_agent_whose_clock_is_wrong_works_and_says_so(
    site: Site, tmp_path: Path, days: int, caplog: pytest.LogCaptureFixture
) -> None:
    made, off = site.post("/api/agent-keys", {"name": "srv1"}), timedelta(days=days)
    with working(site.url, made["key"], tmp_path, lambda: utc_now() + off):
        eventually(lambda: site.get("/api/agents?status=online")["items"])
        asked = site.post(f"/api/agents/{made['agent_id']}/connection-tests", {"connection_string": "sqlite:////none"})
        assert site.get(f"/api/connection-tests/{asked['id']}?wait=20")["answered"]
    shown = site.get(f"/api/agents/{made['agent_id']}")
    assert shown["clock_skew_seconds"] == pytest.approx(off.total_seconds(), abs=60)
    assert "set it by NTP" in caplog.text


def test_an_agent_learns_the_time_of_the_service(site: Site) -> None:
    key = site.post("/api/agent-keys", {"name": "srv1"})["key"]
    settings = AgentSettings(site.url, SecretStr(key))
    with ControlPlane(settings, Control(), lambda: utc_now() + timedelta(hours=5)) as plane:
        plane.hello()
        assert abs(plane.service_time() - utc_now()) < timedelta(minutes=1)


def test_the_clock_of_an_agent_that_is_at_work_is_looked_at_too(site: Site, tmp_path: Path) -> None:
    key = site.post("/api/agent-keys", {"name": "srv1"})["key"]
    home = {"MIGRATE_AGENT_HOME": str(tmp_path), "MIGRATE_API_URL": site.url, "MIGRATE_AGENT_KEY": key}
    with ControlPlane(AgentSettings(site.url, SecretStr(key)), Control()) as plane:
        plane.hello()
        found = {check.name: check for check in checks(Home.here(home), home)}
    assert found["clock"].ok
    assert "at work already" in found["service"].said


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_heart_that_stops_ends_the_agent(site: Site) -> None:
    key, control = site.post("/api/agent-keys", {"name": "srv1"})["key"], Control()

    def broken() -> int:
        raise OSError("the disk is on fire")

    plane = ControlPlane(AgentSettings(site.url, SecretStr(key)), control)
    with plane, Heart(plane, control, tuple, broken, lambda jobs: None) as heart:
        heart.begin()
        with pytest.raises(FatalError) as caught:
            next(heart.commands())
    assert caught.value.error_code == "UNEXPECTED"


def test_a_job_that_the_service_gave_away_is_heard_of(site: Site) -> None:
    agent, control = site.agent(hello=False), Control()
    job, token = site.running(agent, allow_offline=True)
    stale, ours = HeldJob(job_id=job["id"], token=token), site.running(agent, allow_offline=True)
    site.lease(agent, job)
    held = (stale, HeldJob(job_id=ours[0]["id"], token=ours[1]))
    lost: list[HeldJob] = []
    plane = ControlPlane(AgentSettings(site.url, SecretStr(agent["key"])), control)
    with plane, Heart(plane, control, lambda: held, lambda: None, lost.extend) as heart:
        heart.begin()
        eventually(lambda: lost, seconds=10)
    assert lost == [stale]


def test_a_stop_ends_the_wait_for_a_service_that_is_away(tmp_path: Path) -> None:
    control = Control()
    threading.Timer(1.0, lambda: control.stop("lease_lost")).start()
    plane = ControlPlane(AgentSettings("http://127.0.0.1:9", SecretStr("mak_x")), control)
    with plane, Heart(plane, control, tuple, lambda: None, lambda jobs: None) as heart, pytest.raises(Stopped):
        heart.begin()
