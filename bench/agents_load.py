"""The load generator of `control_plane.py`: thousands of simulated agents in one process, over real HTTP connections.

`python bench/agents_load.py < plan.json`: the plan has `host`, `port`, `seconds`, `agents` (each `key`, and `job` with
`token` for those that report), `operators` (each `token` and `agents`). Prints one JSON object. It knows nothing of the
product but its paths.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import resource
import sys
import time
from collections import Counter, defaultdict
from typing import Any

HEARTBEAT_SECONDS, REPORT_SECONDS, POLL_SECONDS = 120.0, 2.0, 50
KEPT_SECONDS = 5.0
RAMP_PER_SECOND = 200
CLICKS_PER_SECOND = 5.0
HOST = {"hostname": "bench", "platform": "Linux", "version": "1"}


class Connection:
    """One keep-alive connection; as an agent's, it is made anew when it was closed or lay idle for five seconds."""

    def __init__(self, host: str, port: int, key: str) -> None:
        self._place, self._key = (host, port), key
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._used = 0.0

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        if self._writer is None or self._stale():
            self._reader, self._writer = await asyncio.open_connection(*self._place)
        content = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self._key}\r\nX-Migrate-Protocol: 1\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        self._writer.write(head.encode() + content)
        try:
            answer = await self._answer()
            self._used = time.monotonic()
            return answer
        except (asyncio.IncompleteReadError, ConnectionError):
            self._writer = None
            raise

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _stale(self) -> bool:
        """asyncio's streams stay half open when the other side closes: only the reader knows."""
        assert self._reader is not None
        assert self._writer is not None
        closed = self._reader.at_eof() or self._writer.is_closing()
        stale = closed or time.monotonic() - self._used > KEPT_SECONDS
        if stale:
            self.close()
        return stale

    async def _answer(self) -> tuple[int, bytes]:
        assert self._reader is not None
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        length = next((int(line[15:]) for line in head if line.lower().startswith("content-length:")), 0)
        return int(head[0].split()[1]), await self._reader.readexactly(length)


class Load:
    """All agents and operators of the plan, and what was measured of them."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.measuring = False
        self.took: dict[str, list[float]] = defaultdict(list)
        self.statuses: Counter[str] = Counter()
        self.clicked: dict[str, float] = {}
        self.delivered: dict[str, float] = {}
        self.again = 0
        self.counted: Counter[str] = Counter()
        self.lost_connections = 0

    async def run(self) -> dict[str, Any]:
        tasks = []
        for number, agent in enumerate(self.plan["agents"]):
            tasks += [asyncio.create_task(self._forever(work, agent)) for work in self._work(agent)]
            if number % RAMP_PER_SECOND == RAMP_PER_SECOND - 1:
                await asyncio.sleep(1)
        await asyncio.sleep(10)
        gc.collect()
        gc.freeze()  # or its own collections, a third of a second each, are measured as the service's
        self.measuring, cpu = True, time.process_time()
        clicking = [asyncio.create_task(self._click(operator)) for operator in self.plan["operators"]]
        await asyncio.sleep(self.plan["seconds"])
        self.measuring = False
        for task in clicking:
            task.cancel()
        cpu = time.process_time() - cpu
        await asyncio.sleep(5)  # what was clicked last still arrives
        for task in tasks:
            task.cancel()
        await asyncio.sleep(1)
        await asyncio.gather(*(self._settle(agent) for agent in self.plan["agents"] if "sequence" in agent))
        return self._figures(cpu)

    def _work(self, agent: dict[str, Any]) -> list[Any]:
        return [self._poll, self._beat, *([self._report] if agent.get("job") else [])]

    async def _forever(self, work: Any, agent: dict[str, Any]) -> None:
        connection = Connection(self.plan["host"], self.plan["port"], agent["key"])
        while True:
            try:
                await work(agent, connection)
            except (OSError, asyncio.IncompleteReadError):
                self.lost_connections += 1
                await asyncio.sleep(random.uniform(0.5, 2))

    async def _timed(self, name: str, connection: Connection, method: str, path: str, body: Any = None) -> bytes:
        start = time.perf_counter()
        status, content = await connection.call(method, path, body)
        if self.measuring:
            self.statuses[f"{name} {status}"] += 1
            self.took[name].append(time.perf_counter() - start)
        return content if status < 300 else b""

    async def _poll(self, agent: dict[str, Any], connection: Connection) -> None:
        status, content = await connection.call("GET", f"/api/agent/commands?wait={POLL_SECONDS}")
        if self.measuring:
            self.statuses[f"poll {status}"] += 1
        if status == 200:
            await self._obey(connection, content)
        else:
            await asyncio.sleep(1)

    async def _obey(self, connection: Connection, content: bytes) -> None:
        """Note and acknowledge what a poll or a heartbeat was answered."""
        moment = time.perf_counter()
        for command in json.loads(content)["commands"]:
            if command["id"] in self.delivered:
                self.again += 1
            self.delivered.setdefault(command["id"], moment)
            answer = {"accepted": True, "result": {"code": "OK"}}
            await self._timed(
                "acknowledge", connection, "POST", f"/api/agent/commands/{command['id']}/acknowledge", answer
            )

    async def _beat(self, agent: dict[str, Any], connection: Connection) -> None:
        await asyncio.sleep(agent.pop("phase", None) or random.uniform(0, HEARTBEAT_SECONDS))
        while True:
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            said = {"sent_at": now, "host": HOST}
            content = await self._timed("heartbeat", connection, "POST", "/api/agent/heartbeat", said)
            if content:
                await self._obey(connection, content)
            connection.close()
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _report(self, agent: dict[str, Any], connection: Connection) -> None:
        """Keeps the number of a report until it is acknowledged, as an agent does."""
        await asyncio.sleep(random.uniform(0, REPORT_SECONDS))
        while True:
            if await self._timed("progress", connection, "POST", "/api/progress", self._next(agent)):
                self.counted[agent["job"]] += 7
                agent["sequence"] += 1
            await asyncio.sleep(REPORT_SECONDS)

    async def _settle(self, agent: dict[str, Any]) -> None:
        """A report whose answer was lost is sent again under its number, as an agent does."""
        connection = Connection(self.plan["host"], self.plan["port"], agent["key"])
        status, _ = await connection.call("POST", "/api/progress", self._next(agent))
        if status == 200:
            self.counted[agent["job"]] += 7

    def _next(self, agent: dict[str, Any]) -> dict[str, Any]:
        number = agent.setdefault("sequence", 1)
        report = {"job_id": agent["job"], "token": agent["token"], "sequence": number, "bytes_per_second": 1e6}
        return report | {"files_completed": 7, "bytes_completed": 7_000, "totals": {"items": 10**6, "bytes": 10**9}}

    async def _click(self, operator: dict[str, Any]) -> None:
        connection = Connection(self.plan["host"], self.plan["port"], operator["token"])
        pause = len(self.plan["operators"]) / CLICKS_PER_SECOND
        await asyncio.sleep(random.uniform(0, pause))
        while True:
            path = f"/api/agents/{random.choice(operator['agents'])}/connection-tests"
            start = time.perf_counter()
            content = await self._timed("click", connection, "POST", path, {"connection_string": "Server=x;Database=y"})
            if content:
                self.clicked[json.loads(content)["id"]] = start
            await asyncio.sleep(pause)

    def _figures(self, cpu: float) -> dict[str, Any]:
        latency = [self.delivered[id_] - start for id_, start in self.clicked.items() if id_ in self.delivered]
        seconds = self.plan["seconds"]
        return {
            "requests_per_second": sum(self.statuses.values()) / seconds,
            "milliseconds": {name: _quantiles(took) for name, took in sorted(self.took.items())},
            "command_latency_ms": _quantiles(latency),
            "clicks": len(self.clicked),
            "undelivered": len(self.clicked) - len(latency),
            "delivered_again": self.again,
            "statuses": dict(sorted(self.statuses.items())),
            "lost_connections": self.lost_connections,
            "counted": dict(self.counted),
            "generator_cpu": cpu / seconds,
            "generator_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def _quantiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds) or [0.0]
    at = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {name: round(ordered[min(len(ordered) - 1, int(len(ordered) * q))] * 1000, 1) for name, q in at.items()}


def main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    plan = json.load(sys.stdin)
    try:
        import uvloop
    except ImportError:
        run = asyncio.run
    else:
        run = uvloop.run
    print(json.dumps(run(Load(plan).run())), flush=True)


if __name__ == "__main__":
    main()
