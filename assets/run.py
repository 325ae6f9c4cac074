"""`python -m assets.run`: one attempt at an import, as one child process and one Dagster run, tagged with job and
attempt.

The first line of standard input is a JSON object (`Attempt`); it brings the secrets, so that no argument, environment,
run config or event holds them. Standard input then stays open as the lifeline: when it closes, the import pauses in
good order, or ends without it where that takes too long; a line `{"command": "pause"}` or `{"command": "cancel"}` does
it at once. The last line of standard output is a JSON object:

    {"job_id", "run_id", "status", "code", "report", "error": {"code", "message", "remedy", "kind"} | null}

`kind` names the error's class in `migrate_transfer.core.errors`.

Exit codes: 0 completed, 1 failed, 2 the first line is not understood, 3 paused, 4 cancelled.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import dagster as dg
from dagster._core.execution.plan.objects import ErrorSource
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES, DagsterRun, RunsFilter
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from assets.definitions import build_definitions
from assets.event_log import open_instance
from assets.factory import EXTRACT, LOAD, MAP, SCAN
from assets.home import JOB_TAG, exclusive
from assets.jobs import IMPORT
from assets.partitions import register_years, whole_range, years
from assets.proof import QUALITY_REPORT, RECONCILIATION
from assets.resources import ATTEMPT_TAG, PARENT_TAG
from checks.words import counted
from migrate_etl.job import ImportJob
from migrate_etl.reporting import is_clean
from migrate_etl.spec import ImportSecrets
from migrate_etl.workspace import Workspace
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import MigrateError, Stopped, StorageError

Status = Literal["completed", "failed", "paused", "cancelled"]
EXIT: dict[Status, int] = {"completed": 0, "failed": 1, "paused": 3, "cancelled": 4}
NOT_UNDERSTOOD = 2
ORPHAN_SECONDS = 120.0
"""How long an attempt whose parent is gone may take to finish what is on its way."""
QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}


class Attempt(BaseModel):
    """What the parent says on the first line."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    folder: Path
    """The job folder; it holds the spec."""
    rock_connection: SecretStr
    mission_key: SecretStr
    dagster_home: Path
    until: Literal["scan", "end"] = "end"
    """`scan`: only make the plan, which says how much there is to do; no run is recorded for it."""
    parent: str | None = None
    """Who asked, as a tag of the run: the job that this one repeats, or a command's id."""


class Outcome(BaseModel):
    """What the last line says."""

    job_id: str
    run_id: str | None = None
    status: Status
    code: str | None = None
    report: str | None = None
    error: dict[str, str] | None = Field(default=None)


def main() -> int:
    lines = _lines(0)
    try:
        attempt = Attempt.model_validate_json(next(lines, b""))
    except ValidationError as error:
        print(json.dumps({"error": {"code": "INVALID_REQUEST", "message": str(error)}}), file=sys.stderr)
        return NOT_UNDERSTOOD
    control = Control()
    threading.Thread(target=_follow, args=(lines, control), daemon=True, name="lifeline").start()
    outcome = run_attempt(attempt, control)
    print(outcome.model_dump_json(), flush=True)
    return EXIT[outcome.status]


def _lines(descriptor: int) -> Iterator[bytes]:
    """Lines of a descriptor, read without Python's buffers: a thread that waits in those would hold up the exit."""
    rest = b""
    while piece := os.read(descriptor, 65536):
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
    if rest:
        yield rest


def _follow(lines: Iterator[bytes], control: Control) -> None:
    for line in lines:
        with suppress(ValueError, AttributeError):
            command = json.loads(line).get("command")
            if command in ("pause", "cancel"):
                control.stop("paused" if command == "pause" else "cancelled")
    control.stop("paused")
    Control().wait(ORPHAN_SECONDS)
    os._exit(EXIT["paused"])  # a driver that hangs would hold the job's lock for ever; nothing is lost by it


def prepare_home(folder: Path) -> None:
    """Make a Dagster home; a new one gets the project's `dagster.yaml`."""
    folder.mkdir(parents=True, exist_ok=True)
    ours = Path(__file__).parents[1] / "dagster.yaml"
    if ours.exists() and not (folder / "dagster.yaml").exists():
        shutil.copy(ours, folder / "dagster.yaml")


def run_attempt(attempt: Attempt, control: Control) -> Outcome:
    """One attempt over the whole range of years, recorded in the Dagster instance of `dagster_home`."""
    secrets = ImportSecrets(rock_connection=attempt.rock_connection, mission_key=attempt.mission_key)
    try:
        prepare_home(attempt.dagster_home)
        workspace = Workspace.open(attempt.folder)
        with (
            exclusive(workspace.folder / ".attempt.sqlite", seconds=0),
            open_instance(attempt.dagster_home.absolute()) as instance,
            ImportJob(workspace, secrets, control) as job,
        ):
            return _Recorded(instance, job, attempt).run()
    except MigrateError as error:
        return _not_run(attempt, error)
    except (OSError, SQLAlchemyError, sqlite3.Error) as error:
        return _not_run(attempt, _unrecorded(attempt, error))


def _unrecorded(attempt: Attempt, error: Exception) -> StorageError:
    """Our own books and Rock have their errors translated: what is left is Dagster's."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    said = cause.strerror if isinstance(cause, OSError) else str(cause) if isinstance(cause, sqlite3.Error) else None
    return StorageError(f"Dagster's records in {attempt.dagster_home} cannot be kept: {said or type(cause).__name__}.")


def _not_run(attempt: Attempt, error: MigrateError) -> Outcome:
    return Outcome(job_id=attempt.folder.name, status="failed", code=error.error_code, error=_said(error))


class _Recorded:
    """An attempt and the instance that records it."""

    def __init__(self, instance: dg.DagsterInstance, job: ImportJob, attempt: Attempt) -> None:
        self._instance, self._job, self._attempt = instance, job, attempt
        self._definition = build_definitions(import_job=job).resolve_job_def(IMPORT)

    def run(self) -> Outcome:
        """Scan first, for the years are the run's partitions; then everything as one run."""
        self._bury_the_dead()
        try:
            plan = self._job.scan()
        except MigrateError as error:
            run = self._not_started()
            self._instance.report_run_failed(run, f"{error.error_code}: {error.message} {error.remedy}")
            return self._outcome(run, "failed", error.error_code, _said(error))
        except Stopped as stopped:
            run = self._not_started()
            self._instance.report_run_canceled(run, f"The import was {stopped.reason}.")
            return self._outcome(run, self._stopped())
        if self._attempt.until == "scan":
            return Outcome(job_id=self._job.spec.job_id, status="completed")
        self._job.read_ahead()
        register_years(self._instance, plan.years())
        result = self._definition.execute_in_process(
            run_config=QUIET,
            instance=self._instance,
            tags={**self._tags(), **whole_range(years(self._instance))},
            asset_selection=self._selection(),
            raise_on_error=False,
        )
        return self._judge(result)

    def _bury_the_dead(self) -> None:
        """Attempts that never said how they ended: this one holds the job's lock, so their processes are gone."""
        unfinished = RunsFilter(tags={JOB_TAG: self._job.spec.job_id}, statuses=NOT_FINISHED_STATUSES)
        for run in self._instance.get_runs(unfinished):
            if ATTEMPT_TAG in run.tags:
                self._instance.report_run_failed(
                    run, "The process of this attempt ended without a word; the next goes on."
                )

    def _not_started(self) -> DagsterRun:
        return self._instance.create_run_for_job(self._definition, run_config=QUIET, tags=self._tags())

    def _tags(self) -> dict[str, str]:
        job_id = self._job.spec.job_id
        before = self._instance.get_runs_count(RunsFilter(tags={JOB_TAG: job_id}))
        parent = {PARENT_TAG: self._attempt.parent} if self._attempt.parent else {}
        return {JOB_TAG: job_id, ATTEMPT_TAG: str(before + 1), **parent}

    def _selection(self) -> list[dg.AssetKey]:
        roads = [step.key(name) for name in self._job.spec.entities for step in (EXTRACT, MAP, LOAD)]
        return [SCAN, *roads, RECONCILIATION, QUALITY_REPORT]

    def _judge(self, result: dg.ExecuteInProcessResult) -> Outcome:
        run = result.dagster_run
        if run.status == dg.DagsterRunStatus.CANCELED:
            return self._outcome(run, self._stopped())
        if not result.success and self._interrupted(result):
            return self._outcome(run, self._stopped())
        if not result.success:
            error = _failure_of(result)
            return self._outcome(run, "failed", error["code"], error)
        return self._completed(run)

    def _completed(self, run: DagsterRun) -> Outcome:
        """Completed: every record is in Mission or left out on purpose, with a code where the books differ all the
        same. A record that failed makes the job failed."""
        failed = self._job.prove().failed
        if not failed:
            summary = json.loads(self._job.workspace.report_json.read_bytes())
            return self._outcome(run, "completed", None if is_clean(summary) else "NOT_RECONCILED")
        remedy = "The report lists them; correct and replay them from the dead letters."
        message = f"{counted(failed, 'record', 'records')} failed."
        error = {"code": "ITEMS_FAILED", "message": message, "remedy": remedy, "kind": "ItemError"}
        return self._outcome(run, "failed", "ITEMS_FAILED", error)

    @staticmethod
    def _interrupted(result: dg.ExecuteInProcessResult) -> bool:
        """A signal that met Dagster's own code, between two stages, ends the run as failed; no failure of ours."""
        failures = [event.step_failure_data for event in result.all_events if event.is_step_failure]
        return any(data.error_source == ErrorSource.INTERRUPT for data in failures)

    def _stopped(self) -> Status:
        try:
            self._job.control.check()
        except Stopped as stopped:
            return "paused" if stopped.reason == "paused" else "cancelled"
        return "cancelled"

    def _outcome(
        self, run: DagsterRun, status: Status, code: str | None = None, error: dict[str, str] | None = None
    ) -> Outcome:
        report = self._job.workspace.report_html
        return Outcome(
            job_id=self._job.spec.job_id,
            run_id=run.run_id,
            status=status,
            code=code,
            report=str(report) if report.exists() else None,
            error=error,
        )


def _said(error: MigrateError) -> dict[str, str]:
    return {
        "code": error.error_code,
        "message": error.message,
        "remedy": error.remedy,
        "kind": type(error).__name__,
    }


def _failure_of(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Code, message and remedy of the first step that failed."""
    for event in result.all_events:
        if event.is_step_failure:
            data: Any = event.step_failure_data
            if data.user_failure_data is not None:
                shown = data.user_failure_data.metadata
                return {name: str(shown[name].value) for name in ("message", "code", "remedy", "kind")}
            return _unforeseen(data.error.message if data.error else "", event.step_key or "")
    return _unforeseen("", "")


def _unforeseen(message: str, step: str) -> dict[str, str]:
    """Only a check's verdict is repeated; what else ended the step stands in the run's own log."""
    if "DagsterAssetCheckFailedError" in message:
        remedy = f"Look at the checks of {step}."
        return {"code": "CHECK_FAILED", "message": message.strip(), "remedy": remedy, "kind": "FatalError"}
    remedy = "Send the support bundle; when it is mended, start the job again: it goes on where it stopped."
    return {
        "code": "UNEXPECTED",
        "message": f"Something that nobody foresaw ended {step or 'the run'}.",
        "remedy": remedy,
        "kind": "FatalError",
    }


if __name__ == "__main__":
    sys.exit(main())
