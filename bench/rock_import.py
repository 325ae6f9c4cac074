"""Measures the RockRMS import against its peers, all in one run on one machine, and prints the table for RESULTS.md.

`python bench/rock_import.py [--people N --gifts N --attendances N]`; `make bench` runs it at full size. Ours: scan,
extract, map and check, serialise and load (ledger written) into a server that only answers, prove. Peers: dlt's
`sql_database` source reading the same tables and columns to Parquet, and the plain row-by-row pipeline.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from migrate_etl.process import import_environment

HERE = Path(__file__).parent
CACHE = HERE.parent / ".cache" / "bench"
GIFT_ENTITIES = ("people", "families", "groups", "contributions", "attendance", "prayer_requests")


@contextmanager
def answering(latency_ms: int = 0) -> Iterator[str]:
    """The URL of a server that only answers."""
    command = [sys.executable, str(HERE / "answering_server.py"), "--latency-ms", str(latency_ms)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.kill()


def child(*arguments: str) -> dict[str, Any]:
    """Run one measured piece in a process of its own: its JSON, wall and CPU seconds, peak memory in MB."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, text=True, cwd=HERE.parent, env=import_environment()
    )
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments} ended with {process.returncode}")
    said = json.loads(out.splitlines()[-1])
    return {
        "said": said,
        "wall": time.perf_counter() - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "mb": usage.ru_maxrss / 1024,
    }


def new_job(folder: Path, database: Path, url: str, concurrency: int, entities: tuple[str, ...]) -> tuple[Any, Any]:
    """A job's workspace in place of an older one, and its secrets. For a child: what the process that measures has in
    memory counts as each child's peak."""
    from migrate_etl.spec import ImportSecrets, RockImportSpec
    from migrate_etl.workspace import Workspace

    shutil.rmtree(folder, ignore_errors=True)
    spec = RockImportSpec(
        job_id="bench",
        organization="bench",
        mission_url=url,
        entities=entities,
        started_on=date(2026, 11, 1),
        time_zone="America/Chicago",
        concurrency=concurrency,
    )
    told = {"rock_connection": f"sqlite:///{database.resolve()}", "mission_key": "k"}
    return Workspace.create(folder / "bench", spec), ImportSecrets.model_validate(told)


def ours(database: Path, url: str, concurrency: int, entities: tuple[str, ...], folder: Path) -> None:
    """The whole road in this process; prints rows and seconds per stage."""
    from migrate_etl.job import ImportJob

    workspace, secrets = new_job(folder, database, url, concurrency, entities)
    seconds = dict.fromkeys(("scan", "extract", "map", "load", "prove"), 0.0)
    rows = {"extract": 0, "load": 0}
    with ImportJob(workspace, secrets) as job:
        plan = _timed(seconds, "scan", job.scan)
        job.read_ahead()
        for entity in job.spec.entities:
            parts = plan.partitions(entity)
            rows["extract"] += sum(
                r.rows for r in _timed(seconds, "extract", lambda e=entity, p=parts: job.extract(e, p))
            )
            _timed(seconds, "map", lambda e=entity, p=parts: job.map(e, p))
            loaded = _timed(seconds, "load", lambda e=entity, p=parts: job.load(e, p))
            rows["load"] += sum(r.facts["done"] for r in loaded)
        _timed(seconds, "prove", job.prove)
    print(json.dumps({"seconds": seconds, "rows": rows}))


def _timed(seconds: dict[str, float], stage: str, work: Any) -> Any:
    started = time.perf_counter()
    result = work()
    seconds[stage] += time.perf_counter() - started
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200_000)
    parser.add_argument("--gifts", type=int, default=2_000_000)
    parser.add_argument("--attendances", type=int, default=3_000_000)
    parser.add_argument("--skip-peers", action="store_true")
    parser.add_argument("--ours", nargs=5, metavar=("DATABASE", "URL", "CONCURRENCY", "ENTITIES", "FOLDER"))
    asked = parser.parse_args()
    if asked.ours:
        database, url, concurrency, entities, folder = asked.ours
        ours(Path(database), url, int(concurrency), tuple(entities.split(",")), Path(folder))
        return
    database = sample(asked.people, asked.gifts, asked.attendances)
    size = database.stat().st_size >> 20
    print(f"{date.today()}  {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}, {size} MB of Rock")
    compare(database, skip_peers=asked.skip_peers)


def sample(people: int, gifts: int, attendances: int) -> Path:
    """The sample database of that size, made once."""
    from migrate_etl.sandbox.rock import make_sample

    database = CACHE / f"rock-{people}-{gifts}-{attendances}.sqlite"
    if not database.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        aside = database.with_suffix(".part")
        aside.unlink(missing_ok=True)
        make_sample(aside, people, 1, gifts=gifts, attendances=attendances)
        aside.rename(database)
    return database


def compare(database: Path, *, skip_peers: bool) -> None:
    me = str(Path(__file__))
    folder = CACHE / "job"
    with answering() as url:
        whole = child(me, "--ours", str(database), url, "4", ",".join(GIFT_ENTITIES), str(folder))
    said = whole["said"]
    for stage, seconds in said["seconds"].items():
        print(f"  {stage:8s} {seconds:7.1f} s  {said['rows']['extract'] / seconds / 1000:7.0f} k rows/s")
    line("ours, whole road", whole, said["rows"]["extract"])
    with answering(50) as url:
        slow = child(me, "--ours", str(database), url, "16", "attendance", str(folder))
    bound = 500 * 16 / 0.050
    reached = slow["said"]["rows"]["load"] / slow["said"]["seconds"]["load"]
    print(
        f"  50 ms a batch, 16 at a time: {reached / 1000:.0f} k records/s, {100 * reached / bound:.0f} % of the bound"
    )
    shutil.rmtree(folder, ignore_errors=True)
    if skip_peers:
        return
    ratios = {}
    for backend in ("sqlalchemy", "connectorx"):
        target = CACHE / f"dlt-{backend}"
        shutil.rmtree(target, ignore_errors=True)
        found = child(str(HERE / "peer_dlt.py"), str(database), backend, str(target))
        shutil.rmtree(target, ignore_errors=True)
        line(f"dlt, {backend} backend (reads only)", found, found["said"])
        ratios[f"dlt {backend}"] = found["wall"] / whole["wall"]
    with answering() as url:
        plain = child(str(HERE / "peer_row_by_row.py"), str(database), url)
    line("row by row (gifts and attendance)", plain, plain["said"])
    ratios["row by row"] = plain["wall"] / whole["wall"]
    for peer, ratio in ratios.items():
        print(f"  whole road against {peer}: {ratio:.1f}x as fast")


def line(name: str, found: dict[str, Any], rows: int) -> None:
    print(
        f"{name:36s} {found['wall']:7.1f} s wall  {found['cpu']:7.1f} s CPU  {found['mb']:6.0f} MB  "
        f"{rows / found['wall'] / 1000:6.0f} k rows/s",
        flush=True,
    )


if __name__ == "__main__":
    main()
