"""A small church, a Mission that really answers, and jobs between them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from migrate_etl.job import ImportJob
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.spec import ImportSecrets, RockImportSpec
from migrate_etl.workspace import Workspace, part_name
from migrate_transfer.ledger import Ledger

KEY = "a-key-of-the-tests"
ROOT = Path(__file__).parents[2]


@dataclass
class Church:
    """One Rock database and one Mission; `folder` holds the jobs and the books they share."""

    folder: Path
    rock: str
    mission: MissionSandbox

    @property
    def secrets(self) -> ImportSecrets:
        return ImportSecrets.model_validate({"rock_connection": self.rock, "mission_key": KEY})

    def workspace(self, job: str = "first", **options: Any) -> Workspace:
        given = {"time_zone": "America/Chicago", "started_on": date(2026, 11, 20), **options}
        spec = RockImportSpec(job_id=job, organization="grace", mission_url=self.mission.url, **given)
        return Workspace.create(self.folder / job, spec)

    def job(self, job: str = "first", **options: Any) -> ImportJob:
        return ImportJob(self.workspace(job, **options), self.secrets)

    def attempt(self, workspace: Workspace, *limits: str) -> subprocess.Popen[str]:
        """The whole import in a child process, which tells a line for every step; its output is not yet read."""
        command = [sys.executable, "-m", "tests.journeys.attempt", str(workspace.folder), *limits]
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert process.stdin is not None
        secrets = f'{{"rock_connection": "{self.rock}", "mission_key": "{KEY}"}}'
        process.stdin.write(secrets)
        process.stdin.close()
        return process


def end(process: subprocess.Popen[str]) -> list[str]:
    """The rest of what an attempt tells, when it has ended."""
    assert process.stdout is not None
    with process.stdout:
        told = process.stdout.read().splitlines()
    process.wait()
    return told


def violations(workspace: Workspace) -> list[str]:
    """What is wrong with the ledger of a job, however far it got."""
    with Ledger.open(workspace.ledger_path) as ledger:
        return [wrong for part in ledger.parts() for wrong in ledger.violations(part)]


def outcomes(job: ImportJob) -> dict[str, tuple[int, int, int, int, int, int]]:
    """Per entity: discovered, done, unchanged, skipped, failed, pending."""
    found = {}
    for entity in job.spec.entities:
        totals = [job.ledger.totals(part_name(entity, partition)) for partition in job.plan.partitions(entity)]
        rows = [(t.discovered, t.done, t.unchanged, t.skipped, t.failed, t.pending) for t in totals]
        found[entity] = tuple(map(sum, zip(*rows, strict=True)))
    return found  # type: ignore[return-value]
