"""An import at the terminal: bars, and Ctrl-C that pauses in good order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from migrate_api.attempt import Attempt, AttemptProcess
from migrate_api.cli.bars import bars
from migrate_api.cli.interrupts import pausing
from migrate_etl.spec import ImportSecrets
from migrate_etl.workspace import Workspace
from migrate_transfer.core.control import Control

LOOK_SECONDS = 0.3


def run_import(workspace: Workspace, secrets: ImportSecrets, dagster_home: Path) -> Attempt:
    """Run the job to its end as one Dagster run and show how far it is; Ctrl-C pauses it in good order.

    Raises FatalError when the process dies.
    """
    control = Control()
    with AttemptProcess.start(workspace, secrets, dagster_home) as attempt:
        with pausing(control), bars(workspace) as look:
            _follow(attempt, control, look)
        return attempt.ending()


def _follow(attempt: AttemptProcess, control: Control, look: Callable[[], None]) -> None:
    told = False
    while attempt.running:
        attempt.wait(LOOK_SECONDS)
        look()
        if control.stopping and not told:
            attempt.order("pause")
            told = True
