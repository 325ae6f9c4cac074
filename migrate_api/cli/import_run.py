"""One attempt at an import in a child process (`python -m assets.run`): its secrets, its lifeline, its end."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from migrate_api.cli.bars import bars
from migrate_api.cli.interrupts import pausing
from migrate_etl.process import import_environment
from migrate_etl.spec import ImportSecrets
from migrate_etl.workspace import Workspace
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import FatalError

LOOK_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an attempt ended: completed, failed, paused or cancelled; `error` has code, message, remedy and kind."""

    status: str
    error: dict[str, str] | None


def run_import(workspace: Workspace, secrets: ImportSecrets, dagster_home: Path) -> Attempt:
    """Run the job to its end as one Dagster run and show how far it is; Ctrl-C pauses it in good order.

    Raises FatalError when the process dies.
    """
    control, log = Control(), workspace.folder / "attempt.log"
    with (workspace.folder / "attempt.json").open("w+b") as answer, log.open("ab") as complaints:
        child = _start(answer, complaints)
        try:
            _tell(child, _first_line(workspace, secrets, dagster_home))
            with pausing(control), bars(workspace) as look:
                _follow(child, control, look)
        finally:
            # Its lifeline: a child that is still at work finishes what is on its way and stops.
            assert child.stdin is not None
            with suppress(BrokenPipeError):
                child.stdin.close()
        answer.seek(0)
        return _outcome(answer.read(), child.returncode, log)


def _start(answer: BinaryIO, complaints: BinaryIO) -> subprocess.Popen[bytes]:
    """In a session of its own: Ctrl-C at the terminal reaches only us, and we pass it on in good order."""
    return subprocess.Popen(
        [sys.executable, "-m", "assets.run"],
        stdin=subprocess.PIPE,
        stdout=answer,
        stderr=complaints,
        start_new_session=True,
        env=import_environment(),
    )


def _first_line(workspace: Workspace, secrets: ImportSecrets, dagster_home: Path) -> dict[str, str]:
    return {
        "folder": str(workspace.folder.absolute()),
        "rock_connection": secrets.rock_connection.get_secret_value(),
        "mission_key": secrets.mission_key.get_secret_value(),
        "dagster_home": str(dagster_home.absolute()),
    }


def _tell(child: subprocess.Popen[bytes], message: dict[str, str]) -> None:
    """A child that is gone already does not hear it; how it ended is asked later."""
    assert child.stdin is not None
    with suppress(BrokenPipeError):
        child.stdin.write(json.dumps(message).encode() + b"\n")
        child.stdin.flush()


def _follow(child: subprocess.Popen[bytes], control: Control, look: Callable[[], None]) -> None:
    told = False
    while child.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            child.wait(LOOK_SECONDS)
        look()
        if control.stopping and not told:
            _tell(child, {"command": "pause"})
            told = True


def _outcome(said: bytes, returncode: int, log: Path) -> Attempt:
    try:
        last = json.loads(said.splitlines()[-1])
        return Attempt(last["status"], last["error"])
    except (IndexError, KeyError, json.JSONDecodeError) as error:
        raise FatalError(
            f"The import's process ended without a word (exit code {returncode}).",
            code="ATTEMPT_DIED",
            remedy=f"See {log}; start the same command again: it goes on where it stopped.",
        ) from error
