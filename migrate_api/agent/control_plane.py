"""The agent's side of the protocol: calls, answers, and refusals as errors of ours. Outbound only."""

from __future__ import annotations

import json
import platform
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any, Self, TypeVar
from uuid import uuid4

from pydantic import BaseModel, ValidationError

from migrate_api.agent.settings import AgentSettings
from migrate_api.protocol.messages import (
    POLL_SECONDS,
    VERSION,
    Acknowledgement,
    Assignment,
    Command,
    Commands,
    Heartbeat,
    HeartbeatAnswer,
    HeldJob,
    Hello,
    Host,
    LogChunk,
    Progress,
    ProgressAnswer,
    Registered,
    Registration,
    StorageAccess,
    StorageAsk,
    Welcome,
)
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import AccessDenied, FatalError, Refused, TargetError
from migrate_transfer.net.http import HttpClient

Said = TypeVar("Said", bound=BaseModel)
CONNECTIONS = 16
NONE: Mapping[str, str] = {}
LAST = {"Connection": "close"}
"""Until the next heartbeat the connection would lie idle, at the service too: thousands of agents would be felt."""
LOST = ("STALE_TOKEN", "JOB_NOT_YOURS", "JOB_FINISHED", "NOT_FOUND")
"""Codes that say: this job is not ours any more."""


def utc_now() -> datetime:
    """This machine's clock."""
    return datetime.now(UTC)


def this_host() -> Host:
    """This machine and program."""
    return Host(hostname=socket.gethostname()[:255], platform=platform.platform()[:255], version=version("migrate"))


def register(url: str, code: str, name: str | None, control: Control) -> Registered:
    """Trade a registration code for a key. Raises Refused with the documented texts, and what HttpClient raises."""
    with HttpClient(url, secret_headers={}, connections=1, control=control) as http:
        said = Registration(code=code, name=name, host=this_host())
        return _Calls(http).post("/api/agents/register", said, Registered)


class ServiceTime(BaseModel):
    """Of the answer of GET /api/health, what an agent reads."""

    time: datetime


class _Calls:
    """JSON over one HttpClient."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def post(self, path: str, said: BaseModel | None, answer: type[Said], headers: Mapping[str, str] = NONE) -> Said:
        return self._parsed(self._call("POST", path, said, headers=headers), answer)

    def tell(self, path: str, said: BaseModel) -> None:
        self._call("POST", path, said)

    def get(self, path: str, params: Mapping[str, str], answer: type[Said]) -> Said:
        return self._parsed(self._call("GET", path, None, params), answer)

    def _call(
        self,
        method: str,
        path: str,
        said: BaseModel | None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] = NONE,
    ) -> bytes:
        content = None if said is None else said.model_dump_json().encode()
        headers = {**headers, **({"Content-Type": "application/json"} if content is not None else {})}
        answer = self._http.request(method, path, content=content, headers=headers, params=params)
        if answer.status >= 300:
            raise _refusal(answer.status, answer.content)
        return answer.content

    def _parsed(self, content: bytes, answer: type[Said]) -> Said:
        try:
            return answer.model_validate_json(content)
        except ValidationError as error:
            raise TargetError(
                "The service's answer is not understood.",
                code="ANSWER_NOT_UNDERSTOOD",
                remedy="Check the API's address; a proxy may have answered. Else update the agent.",
            ) from error


def _refusal(status: int, content: bytes) -> FatalError:
    try:
        said: Any = json.loads(content)
        message, code, details = said["error"], said["code"], said.get("details") or {}
    except (ValueError, KeyError, TypeError):
        return TargetError(
            f"The service answered {status}, and not in its own words.",
            code="ANSWER_NOT_UNDERSTOOD",
            remedy="A proxy may have answered: let this machine through to the service, or check its address.",
        )
    remedy = details.get("remedy")
    if status == 401:
        remedy = "Its key was revoked or is wrong: register the agent anew with a fresh code."
        return AccessDenied(message, code="AGENT_KEY_REFUSED", remedy=remedy)
    return Refused(message, code=code, remedy=remedy, details=details)


class ControlPlane:
    """One agent process and its service. Thread-safe. Calls raise AccessDenied (key), Refused, TransientError,
    TargetError."""

    def __init__(self, settings: AgentSettings, control: Control, clock: Callable[[], datetime] = utc_now) -> None:
        headers = {
            "Authorization": f"Bearer {settings.key.get_secret_value()}",
            "X-Agent-Instance": uuid4().hex,
            "X-Migrate-Protocol": str(VERSION),
        }
        make = {"secret_headers": headers, "connections": CONNECTIONS, "control": control}
        self._control, self.clock, self._ahead = control, clock, timedelta()
        self._work = HttpClient(settings.url, **make, timeout=30.0)  # type: ignore[arg-type]
        self._wait = HttpClient(settings.url, **make, timeout=POLL_SECONDS + 20.0)  # type: ignore[arg-type]
        self._calls, self._waiting = _Calls(self._work), _Calls(self._wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: Any) -> None:
        self._work.__exit__(*ended)
        self._wait.__exit__(*ended)

    def wait(self, seconds: float) -> None:
        """Raises Stopped as soon as the agent is stopped."""
        self._control.wait(seconds)

    def hello(self) -> Welcome:
        welcome = self._calls.post("/api/agent/hello", Hello(host=this_host(), sent_at=self.clock()), Welcome)
        self._ahead = self.clock() - welcome.server_time
        return welcome

    def heartbeat(self, jobs: tuple[HeldJob, ...], free_disk_bytes: int | None) -> HeartbeatAnswer:
        said = Heartbeat(sent_at=self.clock(), host=this_host(), jobs=jobs, free_disk_bytes=free_disk_bytes)
        answer = self._calls.post("/api/agent/heartbeat", said, HeartbeatAnswer, LAST)
        self._ahead = self.clock() - answer.server_time
        return answer

    def health(self) -> ServiceTime:
        """What anybody may ask, also where another process works under this key."""
        return self._calls.get("/api/health", {}, ServiceTime)

    def service_time(self) -> datetime:
        """The service's clock, as it was found to be at the last sign of life: this machine's may be hours off."""
        return self.clock() - self._ahead

    def poll(self, seconds: float = POLL_SECONDS) -> tuple[Command, ...]:
        """Waits for commands, at most so long."""
        return self._waiting.get("/api/agent/commands", {"wait": str(seconds)}, Commands).commands

    def acknowledge(self, command_id: str, answer: Acknowledgement) -> None:
        self._calls.tell(f"/api/agent/commands/{command_id}/acknowledge", answer)

    def lease(self, job_id: str) -> Assignment:
        return self._calls.post(f"/api/agent/jobs/{job_id}/lease", None, Assignment)

    def storage_access(self, job_id: str, token: int) -> StorageAccess:
        """A fresh way into the job's container. Refused also with the codes of StorageAccess: the job fails."""
        return self._calls.post(f"/api/agent/jobs/{job_id}/storage-access", StorageAsk(token=token), StorageAccess)

    def report(self, progress: Progress) -> ProgressAnswer:
        return self._calls.post("/api/progress", progress, ProgressAnswer)

    def log(self, job_id: str, chunk: LogChunk) -> None:
        self._calls.tell(f"/api/agent/jobs/{job_id}/log", chunk)
