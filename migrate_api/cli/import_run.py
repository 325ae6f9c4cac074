"""One attempt at an import in a child process (`python -m assets.run`): its secrets, its progress, its end."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from migrate_api.cli.output import console
from migrate_etl.plan import Plan
from migrate_etl.spec import ImportSecrets
from migrate_etl.workspace import Workspace, part_name
from migrate_transfer.core.errors import FatalError
from migrate_transfer.ledger import Ledger

LOOK_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an attempt ended: `status` completed, failed, paused or cancelled; `error` has code, message and remedy."""

    status: str
    run_id: str | None
    error: dict[str, str] | None


def run_import(workspace: Workspace, secrets: ImportSecrets, dagster_home: Path) -> Attempt:
    """Run the job to its end as one Dagster run and show how far it is; Ctrl-C pauses it in good order."""
    first = {
        "folder": str(workspace.folder.absolute()),
        "rock_connection": secrets.rock_connection.get_secret_value(),
        "mission_key": secrets.mission_key.get_secret_value(),
        "dagster_home": str(dagster_home.absolute()),
    }
    log = workspace.folder / "attempt.log"
    with log.open("ab") as complaints:
        child = subprocess.Popen(
            [sys.executable, "-m", "assets.run"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
        )
        assert child.stdin is not None
        child.stdin.write(json.dumps(first).encode() + b"\n")
        child.stdin.flush()
        with _bars(workspace) as look:
            _wait(child, look)
    return _outcome(child, log)


def _wait(child: subprocess.Popen[bytes], look: Any) -> None:
    assert child.stdin is not None
    while child.poll() is None:
        try:
            look()
            time.sleep(LOOK_SECONDS)
        except KeyboardInterrupt:
            console.print("Pausing: what is on its way to Mission is finished first.")
            child.stdin.write(b'{"command": "pause"}\n')
            child.stdin.flush()
    look()


def _outcome(child: subprocess.Popen[bytes], log: Path) -> Attempt:
    assert child.stdin is not None
    assert child.stdout is not None
    lines = child.stdout.read().splitlines()
    child.stdin.close()
    child.stdout.close()
    try:
        said = json.loads(lines[-1])
    except (IndexError, json.JSONDecodeError) as error:
        raise FatalError(
            f"The import's process ended without a word (exit code {child.returncode}).",
            code="ATTEMPT_DIED",
            remedy=f"See {log}; start the same command again: it goes on where it stopped.",
        ) from error
    return Attempt(said["status"], said.get("run_id"), said.get("error"))


@contextmanager
def _bars(workspace: Workspace) -> Iterator[Any]:
    """A bar for each entity, fed from the ledger that the child writes."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, transient=True) as progress:

        def look() -> None:
            if not workspace.plan_path.exists():
                return
            plan = Plan.load(workspace.plan_path)
            with Ledger.open(workspace.ledger_path) as ledger:
                for entity in workspace.spec.entities:
                    totals = [ledger.totals(part_name(entity, p)) for p in plan.partitions(entity)]
                    known = sum(t.discovered for t in totals)
                    left = sum(t.pending for t in totals)
                    if entity not in tasks:
                        tasks[entity] = progress.add_task(entity)
                    progress.update(tasks[entity], total=known, completed=known - left)

        yield look
