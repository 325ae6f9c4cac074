"""Measures what Dagster adds to a whole import: the same import as one recorded run and as plain calls, in turn.

`python bench/dagster_overhead.py [--people N --gifts N --attendances N --times N]`; part of `make bench`. Both load
into a server that only answers. The peer is ourselves without Dagster: the same stages, by `ImportJob.run`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import date
from pathlib import Path

from measuring import Run, quiet, run
from rock_import import CACHE, GIFT_ENTITIES, answering, new_job, sample

from migrate_etl.process import FRUGAL

WAYS = ("Dagster", "plain calls")


def child(way: str, database: Path, url: str) -> None:
    """The whole import in this process, report included."""
    folder = CACHE / "overhead"
    workspace, secrets = new_job(folder, database, url, 4, GIFT_ENTITIES)
    if way == "Dagster":
        from assets.run import Attempt, run_attempt
        from migrate_transfer.core.control import Control

        attempt = Attempt(
            folder=workspace.folder,
            dagster_home=folder / "dagster",
            rock_connection=secrets.rock_connection,
            mission_key=secrets.mission_key,
        )
        print(json.dumps(run_attempt(attempt, Control()).status))
    else:
        from migrate_etl.job import ImportJob

        with ImportJob(workspace, secrets) as job:
            print(json.dumps({"failed": job.run().failed}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--gifts", type=int, default=500_000)
    parser.add_argument("--attendances", type=int, default=750_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--child", nargs=3, metavar=("WAY", "DATABASE", "URL"))
    asked = parser.parse_args()
    if asked.child:
        way, database, url = asked.child
        child(way, Path(database), url)
        return
    database = sample(asked.people, asked.gifts, asked.attendances)
    print(f"{date.today()}  {os.cpu_count()} cores, {quiet()}, {asked.people:,} people, best of {asked.times}")
    best: dict[str, Run] = {}
    with answering() as url:
        for way in WAYS * asked.times:
            took = run([sys.executable, __file__, "--child", way, str(database), url], FRUGAL)
            best[way] = min(took, best.get(way, took), key=lambda one: one.wall)
    for way, took in best.items():
        print(f"{way:12s} {took.wall:6.1f} s wall {took.cpu:6.1f} s CPU {took.mb:6.0f} MB  {took.said.strip()}")
    with_it, without = (best[way] for way in WAYS)
    print(f"Dagster adds {with_it.wall - without.wall:.1f} s of wall time and {with_it.cpu - without.cpu:.1f} s of CPU")


if __name__ == "__main__":
    main()
