"""tour: the whole product in a minute. Job API, agent and Mission sandbox as real processes, one import through all of
them, every step over HTTP as an operator takes it."""

from __future__ import annotations

import os
import secrets as random
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from migrate_api.cli.demo import ORGANIZATION, started_sandbox
from migrate_api.cli.operator import OperatorApi
from migrate_api.cli.output import Json, console, page, write_json
from migrate_etl.sandbox.rock import make_sample
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import FatalError, InvalidRequest, TransientError

MARK = ".migrate-tour"
START_SECONDS = 60
FINAL = ("completed", "failed", "cancelled")


def tour(
    out: Annotated[
        Path, typer.Option("--out", help="Folder for everything; an earlier tour in it is replaced.")
    ] = Path("out/tour"),
    people: Annotated[int, typer.Option("--people", min=12, help="Size of the sample church.")] = 300,
    as_json: Json = False,
) -> None:
    """Bring up API, agent and Mission sandbox, and run an import through all of it."""
    _clear(out)
    make_sample(out / "rock.sqlite", people, 1)
    key = random.token_hex(16)
    with (
        started_sandbox(out / "mission", ORGANIZATION, key) as mission,
        service(out / "service") as (url, token),
        OperatorApi(url, token) as api,
    ):
        console().print(f"Job API: {url} (description: {url}/docs)", soft_wrap=True, highlight=False)
        with agent(out / "agent", url, api) as agent_id:
            source = {
                "type": "rockrms",
                "connection_string": f"sqlite:///{(out / 'rock.sqlite').absolute()}",
                "mission_org_slug": ORGANIZATION,
                "mission_api_url": mission.url,
                "mission_integration_key": key,
                "time_zone": "America/Chicago",
            }
            job = Walk(api, console().print).run(agent_id, source)
    _finish(out, job, as_json=as_json)


def _clear(out: Path) -> None:
    if out.exists() and any(out.iterdir()) and not (out / MARK).exists():
        raise InvalidRequest(f"{out} is not empty and no tour's.", remedy="Name another folder with --out.")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / MARK).touch()


def _finish(out: Path, job: dict[str, Any], *, as_json: bool) -> None:
    report = (job["result"] or {}).get("report")
    if report and Path(report).exists():
        shutil.copy(report, out / "report.html")
    if as_json:
        write_json(job)
    else:
        page().print(f"The job is {job['status']}. Report: {out / 'report.html'}", highlight=False, soft_wrap=True)
    if job["status"] != "completed":
        raise FatalError(
            job["error_message"] or f"The job is {job['status']}.",
            code=job["error_code"] or "NOT_COMPLETED",
            remedy=job["error_remedy"] or f"See the logs in {out}.",
        )


@contextmanager
def service(folder: Path, port: int = 0) -> Iterator[tuple[str, str]]:
    """The job API as a process of its own on an embedded database: its URL and the first owner's token."""
    folder.mkdir(parents=True, exist_ok=True)
    port = port or _free_port()
    command = ["-P", "-m", "migrate_api.cli", "serve", "--folder", str(folder), "--port", str(port)]
    with _process(command, folder / "service.log", dict(os.environ)) as child:
        url = f"http://127.0.0.1:{port}"
        with OperatorApi(url, "nobody") as api:
            _until(lambda: bool(api.get("/api/health")), child, folder / "service.log")
        yield url, (folder / "owner.token").read_text().strip()


@contextmanager
def agent(folder: Path, url: str, api: OperatorApi) -> Iterator[str]:
    """An agent, registered with a code and running as a process of its own: its id, once it is online."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "MIGRATE_AGENT_HOME": str(folder.absolute()), "MIGRATE_API_URL": url}
    code = api.post("/api/registration-codes", {"label": "tour"})["code"]
    program = [sys.executable, "-P", "-m", "migrate_api.agent.cli"]
    done = subprocess.run([*program, "--register", code], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FatalError(f"The agent did not register: {done.stderr.strip()}", code="AGENT_NOT_REGISTERED")
    with _process(["-P", "-m", "migrate_api.agent.cli", "start"], folder / "agent.out", environment) as child:
        online: list[dict[str, Any]] = []

        def is_online() -> bool:
            online[:] = [one for one in api.get("/api/agents")["items"] if one["status"] == "online"]
            return bool(online)

        _until(is_online, child, folder / "agent.out")
        yield online[0]["id"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _process(arguments: list[str], log: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with ExitStack() as stack:
        out = stack.enter_context(log.open("ab"))
        child = subprocess.Popen(
            [sys.executable, *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment
        )
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(30)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _until(true: Callable[[], bool], child: subprocess.Popen[bytes], log: Path) -> None:
    control = Control()
    for _ in range(START_SECONDS * 4):
        try:
            if true():
                return
        except TransientError:
            pass
        if child.poll() is not None:
            break
        control.wait(0.25)
    raise FatalError(f"A process did not come up; see {log}.", code="NOT_STARTED")


@dataclass(frozen=True, slots=True)
class Walk:
    """The first migration job, end to end, as the product's guide tells it."""

    api: OperatorApi
    tell: Callable[[str], None]

    def run(self, agent_id: str, source: dict[str, Any]) -> dict[str, Any]:
        """Client, connection test, project, job; follows the job to its end and returns it."""
        client = self.api.post("/api/clients", {"name": "Grace Church", "contact_name": "Ada Treasurer"})
        self._try_connection(agent_id, source["connection_string"])
        project = {"client_id": client["id"], "type": "rockrms_import", "name": "RockRMS to Mission"}
        project = self.api.post("/api/projects", project)
        job = {"name": "Grace Church, everything", "project_id": project["id"], "agent_id": agent_id}
        job = self.api.post("/api/jobs", {**job, "type": "rockrms_import", "source": source})
        return self.follow(job["id"])

    def _try_connection(self, agent_id: str, connection: str) -> None:
        test = self.api.post(f"/api/agents/{agent_id}/connection-tests", {"connection_string": connection})
        found = self.api.get(f"/api/connection-tests/{test['id']}", wait="30")
        said = found["diagnosis"] or found["error"] or {"code": "NOT_ANSWERED"}
        self.tell(f"Test Connection: {said['code']}")

    def follow(self, job_id: str) -> dict[str, Any]:
        """Tell each change until the job is final; returns it."""
        control, last = Control(), ""
        while True:
            job: dict[str, Any] = self.api.get(f"/api/jobs/{job_id}")
            settled = job["files_completed"] + job["files_unchanged"] + job["files_skipped"] + job["files_failed"]
            line = f"{job['status']}: {settled} of {job['files_total'] or '?'} records"
            if line != last:
                self.tell(line)
            if job["status"] in FINAL:
                return job
            last = line
            control.wait(1.0)
