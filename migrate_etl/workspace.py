"""The folder of one import job: where every stage finds what the one before it left."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from migrate_etl.durable import on_disk
from migrate_etl.entity import UNDATED
from migrate_etl.spec import EntityName, RecordKind, RockImportSpec
from migrate_transfer.core.errors import InvalidRequest, StorageError


def part_name(entity: EntityName, partition: str | None) -> str:
    """The ledger's name for one entity or one of its partitions: `people`, `contributions/2024`."""
    return entity if partition is None else f"{entity}/{partition}"


def partition_order(partition: str) -> tuple[int, str]:
    """Sort key: years ascending, `undated` last."""
    return (partition == UNDATED, partition)


def _require_plain(folder: Path) -> None:
    """Polars and Dagster take text for a path; to Dagster a question mark ends it. Raises InvalidRequest."""
    try:
        plain = b"?" not in str(folder.absolute()).encode()
    except UnicodeEncodeError:
        plain = False
    if not plain:
        raise InvalidRequest(
            "The path of the job's folder has a question mark, or bytes that are no text in UTF-8.",
            code="BAD_FOLDER",
            remedy="Choose another folder, or a locale that reads its name: LC_ALL=C.UTF-8.",
        )


@dataclass(frozen=True, slots=True)
class Workspace:
    """Paths of one job. `create` writes the spec once; `open` reads it back.

    Beside the job's own folder stands `books`, shared by all jobs of one place: receipts and pace of each target.
    """

    folder: Path
    spec: RockImportSpec

    @classmethod
    def create(cls, folder: Path, spec: RockImportSpec) -> Workspace:
        """Make the folder, or return to it if it holds this very spec.

        Raises InvalidRequest when it holds another job, StorageError when it cannot be written.
        """
        _require_plain(folder)
        if (folder / "spec.json").exists():
            existing = cls.open(folder)
            if existing.spec != spec:
                raise InvalidRequest(
                    f"The folder {folder.name} holds another job ({existing.spec.job_id}).",
                    code="JOB_EXISTS",
                    remedy="Give the new job a folder of its own, or resume the old one with its own options.",
                )
            return existing
        try:
            folder.mkdir(parents=True, exist_ok=True)
            aside = folder / f".spec.{os.getpid()}.json"
            aside.write_text(spec.model_dump_json(indent=1))
            on_disk(aside)
            os.replace(aside, folder / "spec.json")
            on_disk(folder)
        except OSError as error:
            raise StorageError(f"Cannot write the job folder {folder}: {error.strerror or error}") from error
        return cls(folder, spec)

    @classmethod
    def open(cls, folder: Path) -> Workspace:
        """Open a job folder. Raises InvalidRequest when it holds no job."""
        _require_plain(folder)
        try:
            spec = RockImportSpec.model_validate_json((folder / "spec.json").read_bytes())
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InvalidRequest(
                f"There is no job in {folder}.", code="NO_SUCH_JOB", remedy="Give the folder of an import job."
            ) from error
        except ValidationError as error:
            raise InvalidRequest(
                f"The job in {folder} was written by another release of Migrate or damaged.",
                code="JOB_UNREADABLE",
                remedy="Run it with the release that made it, or start a new job.",
            ) from error
        return cls(folder, spec)

    @property
    def ledger_path(self) -> Path:
        return self.folder / "ledger.sqlite"

    @property
    def books(self) -> Path:
        return self.folder.parent / "books"

    @property
    def receipts(self) -> Path:
        """What the target has accepted, whichever job sent it."""
        return self.books / f"receipts-{self._target}.sqlite"

    @property
    def pace(self) -> Path:
        """What the target last said of its rate limit, to all jobs at once."""
        return self.books / f"pace-{self._target}"

    @property
    def _target(self) -> str:
        """One Mission and organisation; gives neither URL nor organisation away."""
        return hashlib.sha256(f"{self.spec.mission_url}\n{self.spec.organization}".encode()).hexdigest()[:16]

    @property
    def plan_path(self) -> Path:
        return self.folder / "plan.json"

    @property
    def lookups(self) -> Path:
        return self.folder / "lookups"

    @property
    def evidence(self) -> Path:
        return self.folder / "evidence"

    @property
    def report_html(self) -> Path:
        return self.folder / "report.html"

    @property
    def report_json(self) -> Path:
        return self.folder / "report.json"

    @property
    def sealed(self) -> bool:
        """Whether the job has its evidence: a finished job never changes."""
        return (self.evidence / "manifest.json").exists()

    def stage(self, stage: str, entity: RecordKind, partition: str | None) -> Path:
        """Where a stage (`extracted`, `mapped`, `findings`, `readback`) keeps its dataset."""
        folder = self.folder / stage / entity
        return folder if partition is None else folder / partition
