"""The home of the jobs: which job a Dagster run works on. A finished job never changes; a run after it begins its
successor."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from migrate_etl.spec import RockImportSpec
from migrate_etl.workspace import Workspace
from migrate_transfer.core.errors import AlreadyRunning, InvalidRequest, StorageError

LOCK_SECONDS = 60

JOB_TAG = "migrate/job_id"
"""Tag of a Dagster run: the job it works on."""


@dataclass(frozen=True, slots=True)
class Home:
    """A folder with the jobs of one church and one target, `jobs/<job_id>`, and the books that they share."""

    folder: Path

    @property
    def jobs(self) -> Path:
        return self.folder / "jobs"

    def newest(self) -> Workspace | None:
        """The job that was created last."""
        specs = sorted(self.jobs.glob("*/spec.json"), key=lambda path: (path.stat().st_mtime_ns, path.parent.name))
        return Workspace.open(specs[-1].parent) if specs else None

    def current(self, first: RockImportSpec, job_id: str | None = None, asked: Collection[str] = ()) -> Workspace:
        """The job that a run works on.

        The named one or else the newest, while it is open. Where all is sealed, a successor: a new job with the same
        options. A name not known yet is a new job with the options of the newest; in an empty home it is `first`.
        Fields of `first` that are `asked` for go into a new job. Two runs that ask at the same time get the same job.
        Raises InvalidRequest for a bad name, a damaged job, or an open one that says otherwise than was asked for;
        StorageError when the home cannot be written.
        """
        if job_id is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", job_id):
            raise InvalidRequest(
                "A job's name has letters, digits, dots and dashes only.", remedy=f"Correct the run's tag {JOB_TAG}."
            )
        wanted = {field: getattr(first, field) for field in asked}
        with exclusive(self.jobs / ".lock.sqlite"):
            newest = self.newest()
            named = self._named(job_id) if job_id else newest
            if named is None:
                spec = newest.spec if newest is not None else first
                return self._begin(spec.model_copy(update=wanted), job_id or spec.job_id)
            for workspace in (named, newest):
                if workspace is not None and not workspace.sealed:
                    _require(workspace.spec, wanted)
                    return workspace
            return self._begin(named.spec.model_copy(update=wanted), self._next_id(named.spec.job_id))

    def _named(self, job_id: str) -> Workspace | None:
        folder = self.jobs / job_id
        return Workspace.open(folder) if (folder / "spec.json").exists() else None

    def _begin(self, spec: RockImportSpec, job_id: str) -> Workspace:
        return Workspace.create(self.jobs / job_id, successor(spec, job_id))

    def _next_id(self, job_id: str) -> str:
        """`demo` is followed by `demo-2`, `demo-3` and so on."""
        found = re.fullmatch(r"(.+)-(\d{1,6})", job_id)
        stem, number = (found[1], int(found[2])) if found else (job_id, 1)
        while (self.jobs / f"{stem}-{number + 1}").exists():
            number += 1
        return f"{stem}-{number + 1}"


def _require(spec: RockImportSpec, wanted: Mapping[str, object]) -> None:
    """A job's options never change; to send a new key to an old address would be worse than to send nothing."""
    other = [field for field, value in wanted.items() if getattr(spec, field) != value]
    if other:
        raise InvalidRequest(
            f"The open job {spec.job_id} has settings other than the environment: {', '.join(other)}.",
            remedy=f"Let it end with its own, or begin a new job: another MIGRATE_HOME, or the tag {JOB_TAG} with a new"
            " name.",
        )


def successor(spec: RockImportSpec, job_id: str) -> RockImportSpec:
    """The same options for a job that starts today, by the organisation's own calendar."""
    today = datetime.now(ZoneInfo(spec.time_zone)).date()
    return spec.model_copy(update={"job_id": job_id, "started_on": today})


@contextmanager
def exclusive(path: Path, seconds: int = LOCK_SECONDS) -> Iterator[None]:
    """Hold a lock that ends with its process, on every operating system: SQLite's own.

    Raises AlreadyRunning when somebody else holds it for longer than `seconds`, StorageError when it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=seconds, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"Cannot write to {path.parent}: {error}") from error
    with closing(connection):
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise AlreadyRunning(f"Another run is at work in {path.parent.name}.") from error
        yield
