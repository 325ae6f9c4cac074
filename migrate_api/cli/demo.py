"""The whole product on a sample church: database, Mission sandbox, import, report; with nothing to set up."""

from __future__ import annotations

import secrets as random
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from migrate_api.cli.import_run import run_import
from migrate_api.cli.imports import finish
from migrate_api.cli.output import Json, console
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.sandbox.rock import make_sample
from migrate_etl.sandbox.rock.sampledata import make_from_sampledata
from migrate_etl.spec import ImportSecrets, RockImportSpec
from migrate_etl.workspace import Workspace
from migrate_transfer.core.errors import InvalidRequest

ORGANIZATION = "grace-church"


def demo(
    out: Annotated[
        Path, typer.Option("--out", help="Folder for everything; an earlier demo in it is replaced.")
    ] = Path("out/demo"),
    people: Annotated[int, typer.Option("--people", min=10, help="Size of the sample church.")] = 500,
    seed: Annotated[int, typer.Option("--seed")] = 1,
    rock_sampledata: Annotated[
        Path | None, typer.Option("--rock-sampledata", help="Rock's own sample church (XML) instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Import a sample church into a Mission sandbox and write the quality report."""
    _clear(out)
    database = out / "rock.sqlite"
    if rock_sampledata:
        make_from_sampledata(database, rock_sampledata, seed=seed)
    else:
        make_sample(database, people, seed)
    console.print(f"Sample Rock database: {database}")
    key = random.token_hex(16)
    with MissionSandbox.start(out / "mission", ORGANIZATION, key) as mission:
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
        attempt = run_import(workspace, secrets, out / "dagster")
    if attempt.status == "completed" or workspace.report_json.exists():
        for name in ("report.html", "report.json"):
            shutil.copy2(workspace.folder / name, out / name)
        shutil.copytree(workspace.evidence, out / "evidence")
        shutil.copytree(workspace.folder / "tables", out / "tables")
    finish(workspace, attempt, as_json=as_json)


def _clear(out: Path) -> None:
    """Only a folder that a demo made is cleared."""
    mark = out / ".migrate-demo"
    if out.exists() and any(out.iterdir()) and not mark.exists():
        raise InvalidRequest(f"{out} is not empty and no earlier demo.", remedy="Give --out an empty or new folder.")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    mark.touch()
