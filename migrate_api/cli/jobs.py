"""Which job a command works on: the one named, the open one with the same settings, or a new one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from migrate_api.cli.import_settings import ImportSettings
from migrate_api.cli.output import console
from migrate_etl.spec import RockImportSpec
from migrate_etl.workspace import Workspace
from migrate_transfer.core.errors import InvalidRequest

REPLAY = "replay.json"
"""Marks the job of a replay: it holds dead letters only, and no import goes on with it."""

OWN = {"job_id", "started_on"}
"""What two jobs with the same settings differ in. A job keeps the day it began on, however long it takes."""


def open_job(home: Path, settings: ImportSettings) -> Workspace:
    """The job's folder, made or gone on with. Raises InvalidRequest for a finished job and for one with other settings,
    StorageError when the folder cannot be written."""
    spec, jobs = settings.spec(), home / "jobs"
    if settings.job_name:
        return _named(jobs / settings.job_name, spec)
    for workspace in _open_jobs(jobs):
        if not _differences(workspace.spec, spec):
            console().print(f"Going on with the job {workspace.spec.job_id}.")
            return workspace
    return _new(jobs, spec)


def dry_run_job(home: Path, settings: ImportSettings) -> Workspace:
    """A new folder apart from the jobs: an import reads Rock anew, however old the dry run is."""
    name = f"dry-run-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    return Workspace.create(home / "dry-runs" / name, settings.spec().model_copy(update={"job_id": name}))


def _named(folder: Path, spec: RockImportSpec) -> Workspace:
    if not (folder / "spec.json").exists():
        return Workspace.create(folder, spec)
    workspace = Workspace.open(folder)
    if workspace.sealed:
        raise InvalidRequest(
            f"The job {spec.job_id} is finished, and a finished job never changes.",
            code="JOB_FINISHED",
            remedy=f"`migrate report {folder}` shows it; give another --job, or none, to import again.",
        )
    if other := _differences(workspace.spec, spec):
        raise InvalidRequest(
            f"The job {spec.job_id} was begun with another {', '.join(other)}.",
            code="JOB_EXISTS",
            remedy="Go on with the settings it was begun with, or give another --job.",
        )
    return workspace


def _open_jobs(jobs: Path) -> list[Workspace]:
    """Jobs that have not come to their end, newest first."""
    specs = sorted(jobs.glob("*/spec.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    found = [_readable(path.parent) for path in specs if not (path.parent / REPLAY).exists()]
    return [workspace for workspace in found if workspace is not None and not workspace.sealed]


def _readable(folder: Path) -> Workspace | None:
    """One job that cannot be read holds up no other."""
    try:
        return Workspace.open(folder)
    except InvalidRequest as error:
        console().print(f"Warning: {error.message} It is left alone.")
        return None


def _differences(one: RockImportSpec, other: RockImportSpec) -> list[str]:
    mine, theirs = one.model_dump(exclude=OWN), other.model_dump(exclude=OWN)
    return [name for name in mine if mine[name] != theirs[name]]


def _new(jobs: Path, spec: RockImportSpec) -> Workspace:
    """`import-20261120`, and for the next of that day `import-20261120-2`."""
    number, name = 1, spec.job_id
    while (jobs / name).exists():
        number += 1
        name = f"{spec.job_id}-{number}"
    return Workspace.create(jobs / name, spec.model_copy(update={"job_id": name}))
