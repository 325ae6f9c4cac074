"""One attempt at an import in a child process (`python -m assets.run`): its secrets, its lifeline, its end.

The command line and the agent both start imports this way.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self, cast

from migrate_etl.process import import_environment
from migrate_etl.spec import ImportSecrets
from migrate_etl.workspace import Workspace
from migrate_transfer.core.errors import FatalError


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an attempt ended: completed, failed, paused or cancelled; `error` has code, message, remedy and kind.

    `code` may stand beside completed (NOT_RECONCILED). `run_id` is Dagster's.
    """

    status: str
    error: dict[str, str] | None
    code: str | None = None
    run_id: str | None = None
    report: str | None = None


class AttemptProcess:
    """A running attempt. When its `with` block ends, or this process does, it finishes what is on its way and stops."""

    def __init__(self, child: subprocess.Popen[bytes], answer: BinaryIO, log: Path) -> None:
        self._child, self._answer, self._log = child, answer, log

    @classmethod
    def start(
        cls, workspace: Workspace, secrets: ImportSecrets, dagster_home: Path, *, until: Literal["scan", "end"] = "end"
    ) -> Self:
        """In a session of its own: Ctrl-C at the terminal reaches only us, and we pass it on in good order.

        Its answer goes to a file without a name: a second attempt, refused while this one is alive, has its own.
        """
        log = workspace.folder / "attempt.log"
        answer = cast(BinaryIO, tempfile.TemporaryFile(dir=workspace.folder))  # noqa: SIM115  closed with the attempt
        with log.open("ab") as complaints:
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "assets.run"],
                stdin=subprocess.PIPE,
                stdout=answer,
                stderr=complaints,
                start_new_session=True,
                env=import_environment(),
            )
        attempt = cls(child, answer, log)
        attempt._tell(
            {
                "folder": str(workspace.folder.absolute()),
                "rock_connection": secrets.rock_connection.get_secret_value(),
                "mission_key": secrets.mission_key.get_secret_value(),
                "dagster_home": str(dagster_home.absolute()),
                "until": until,
            }
        )
        return attempt

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._child.stdin is not None
        with suppress(BrokenPipeError):
            self._child.stdin.close()
        self._answer.close()

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    def wait(self, seconds: float) -> None:
        """Until it has ended, or so long."""
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(seconds)

    def order(self, command: Literal["pause", "cancel"]) -> None:
        self._tell({"command": command})

    def kill(self) -> None:
        """For one that does not obey."""
        self._child.kill()
        self._child.wait()

    def ending(self) -> Attempt:
        """How it ended. Raises FatalError ATTEMPT_DIED where it did not say."""
        self._answer.seek(0)
        try:
            last = json.loads(self._answer.read().splitlines()[-1])
            return Attempt(last["status"], last["error"], last["code"], last["run_id"], last["report"])
        except (IndexError, KeyError, json.JSONDecodeError) as error:
            raise FatalError(
                f"The import's process ended without a word (exit code {self._child.returncode}).",
                code="ATTEMPT_DIED",
                remedy=f"See {self._log}; start the same command again: it goes on where it stopped.",
            ) from error

    def _tell(self, message: dict[str, str]) -> None:
        """A child that is gone already does not hear it; how it ended is asked later."""
        assert self._child.stdin is not None
        with suppress(BrokenPipeError):
            self._child.stdin.write(json.dumps(message).encode() + b"\n")
            self._child.stdin.flush()
