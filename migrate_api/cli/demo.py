"""The whole product on a sample church: database, Mission sandbox, import, report; with nothing to set up."""

from __future__ import annotations

import secrets as random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import OperationalError

from migrate_api.attempt import Attempt
from migrate_api.cli.import_run import run_import
from migrate_api.cli.output import Json, console
from migrate_api.cli.reports import finish
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.sandbox.rock import make_sample
from migrate_etl.sandbox.rock.sampledata import make_from_sampledata
from migrate_etl.spec import ImportSecrets, RockImportSpec
from migrate_etl.workspace import Workspace
from migrate_transfer.core.errors import InvalidRequest, StorageError, TargetError

ORGANIZATION = "grace-church"
MARK = ".migrate-demo"
RESULTS = ("report.html", "report.json", "evidence", "tables")


def demo(
    out: Annotated[
        Path, typer.Option("--out", help="Folder for everything; an earlier demo in it is replaced.")
    ] = Path("out/demo"),
    people: Annotated[int, typer.Option("--people", min=12, help="Size of the sample church.")] = 500,
    seed: Annotated[int, typer.Option("--seed", help="Another seed is another church.")] = 1,
    rock_sampledata: Annotated[
        Path | None, typer.Option("--rock-sampledata", help="Rock's own sample church (XML) instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Import a sample church into a Mission sandbox and write the quality report."""
    _clear(out)
    database = out / "rock.sqlite"
    with writing_sample(database):
        if rock_sampledata:
            make_from_sampledata(database, rock_sampledata, seed=seed)
        else:
            make_sample(database, people, seed)
    console().print(f"Sample Rock database: {database}", soft_wrap=True)
    workspace, attempt = _import(out, database)
    for name in RESULTS:
        _copy(workspace.folder / name, out / name)
    finish(workspace, attempt, out, as_json=as_json)


def _import(out: Path, database: Path) -> tuple[Workspace, Attempt]:
    key = random.token_hex(16)
    with started_sandbox(out / "mission", ORGANIZATION, key) as mission:
        spec = RockImportSpec(
            job_id="demo",
            organization=ORGANIZATION,
            mission_url=mission.url,
            time_zone="America/Chicago",
            started_on=datetime.now(UTC).date(),
        )
        workspace = Workspace.create(out / "jobs" / "demo", spec)
        connection = f"sqlite:///{database.absolute()}"
        secrets = ImportSecrets.model_validate({"rock_connection": connection, "mission_key": key})
        return workspace, run_import(workspace, secrets, out / "dagster")


@contextmanager
def writing_sample(target: Path) -> Iterator[None]:
    """Raises StorageError where the disk takes no more of it."""
    try:
        yield
    except (OperationalError, sqlite3.OperationalError) as error:
        said = error.orig if isinstance(error, OperationalError) else error
        raise StorageError(
            f"Cannot write {target}: {said}.", remedy="Name a place with space where you may write."
        ) from error


@contextmanager
def started_sandbox(
    folder: Path, organization: str, key: str, *, port: int = 0, rate_limit: int | None = None, latency_ms: int = 0
) -> Iterator[MissionSandbox]:
    """A Mission sandbox for as long as the block lasts. Raises TargetError where it does not come up."""
    try:
        sandbox = MissionSandbox.start(
            folder, organization, key, port=port, rate_limit=rate_limit, latency_ms=latency_ms
        )
    except RuntimeError as error:
        raise TargetError(
            "The Mission sandbox does not come up.",
            code="SANDBOX_DOWN",
            remedy=f"See {folder / 'mission.log'}; if another program has the port, choose another.",
        ) from error
    with sandbox:
        yield sandbox


def _copy(source: Path, target: Path) -> None:
    """What an import that did not come to its end has not made is not copied."""
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copy2(source, target)


def _clear(out: Path) -> None:
    """Only a folder that a demo made is cleared. Raises InvalidRequest for any other, StorageError if it resists."""
    if out.exists() and not (out / MARK).exists() and (not out.is_dir() or any(out.iterdir())):
        raise InvalidRequest(f"{out} is not empty and no earlier demo.", remedy="Give --out an empty or new folder.")
    try:
        if out.exists():
            shutil.rmtree(out)
        out.mkdir(parents=True)
        (out / MARK).touch()
    except OSError as error:
        raise StorageError(
            f"Cannot make {out} anew: {error.strerror}.",
            remedy="Close what has it open (`make ui`, perhaps), or give another --out.",
        ) from error
