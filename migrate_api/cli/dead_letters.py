"""dead-letters: list, correct and replay the records that failed."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from migrate_api.cli.errors import DIFFERENCES
from migrate_api.cli.import_settings import ImportSettings
from migrate_api.cli.interrupts import pausing
from migrate_api.cli.jobs import REPLAY
from migrate_api.cli.options import Config, JobFolder, Secrets
from migrate_api.cli.output import Json, page, table, write_json
from migrate_etl.dead_letters import DeadLetter, dead_letters
from migrate_etl.dead_letters import correct as note_correction
from migrate_etl.dead_letters import replay as send_again
from migrate_etl.job import ImportJob
from migrate_etl.workspace import Workspace
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import InvalidRequest

app = typer.Typer(help="Records that failed: list, correct, replay.", no_args_is_help=True)


@app.command("list")
def show(job: JobFolder, as_json: Json = False) -> None:
    """List the dead letters of a job, with what to do about each."""
    rows = [
        {
            "external_id": one.external_id,
            "code": one.code,
            "message": one.message,
            "remedy": one.remedy,
            "corrected": one.corrected is not None,
            "replayed": one.replayed,
        }
        for one in dead_letters(Workspace.open(job))
    ]
    if as_json:
        write_json(rows)
    elif rows:
        table(f"{len(rows):,} dead letters", list(rows[0]), [list(row.values()) for row in rows], numbers_from=9)
    else:
        page().print("No dead letters.")


@app.command()
def correct(
    job: JobFolder,
    external_id: Annotated[str, typer.Argument(help="Which record, such as rock:contribution:17.")],
    change: Annotated[
        list[str], typer.Option("--set", help="field=value; the value is JSON, else text. May be repeated.")
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with the correction.")],
    author: Annotated[str, typer.Option("--author", help="Who; by default the user's login.")] = "",
    as_json: Json = False,
) -> None:
    """Correct fields of a failed record. The original, the author and the reason are kept; replay sends it."""
    changes = dict(_change(text) for text in change)
    letter = note_correction(Workspace.open(job), external_id, changes, author or getpass.getuser(), reason)
    if as_json:
        write_json({"external_id": letter.external_id, "corrected": json.loads(letter.to_send)})
    else:
        page().print(f"{letter.external_id} is corrected; `migrate dead-letters replay` sends it.", highlight=False)


def _change(text: str) -> tuple[str, Any]:
    """An amount stays the text it is: as a JSON number it would be a float."""
    field, sign, value = text.partition("=")
    if not sign or not field:
        raise InvalidRequest(
            "--set needs field=value.", remedy="For example --set amount=12.50 or --set external_person_id=null."
        )
    if field == "amount":
        return field, value.strip('"')
    try:
        return field, json.loads(value)
    except json.JSONDecodeError:
        return field, value


@app.command()
def replay(job: JobFolder, config: Config = None, secrets: Secrets = None, as_json: Json = False) -> None:
    """Send a job's dead letters again, corrected where they are, as a new job beside it."""
    old, control = Workspace.open(job), Control()
    letters = [one for one in dead_letters(old) if not one.replayed]
    folder, failed = None, 0
    if letters:
        given = ImportSettings.gather(config, secrets, {}).secrets(rock=False)
        workspace = _replay_job(old, letters)
        with pausing(control), ImportJob(workspace, given, control) as one:
            failed = sum(found.failed for found in send_again(one, letters).values())
        folder = str(workspace.folder)
    if as_json:
        write_json({"job": folder, "sent": len(letters), "failed": failed})
    elif letters:
        page().print(f"{len(letters) - failed} of {len(letters)} records are in Mission now. Job: {folder}")
    else:
        page().print("Nothing to replay.")
    sys.exit(DIFFERENCES if failed else 0)


def _replay_job(old: Workspace, letters: Sequence[DeadLetter]) -> Workspace:
    """A new job beside the old one, marked as what it is."""
    name = f"{old.spec.job_id[:40]}-replay-{datetime.now(UTC):%Y%m%d%H%M%S}"
    workspace = Workspace.create(old.folder.parent / name, old.spec.model_copy(update={"job_id": name}))
    told = {"of": old.spec.job_id, "records": [letter.external_id for letter in letters]}
    (workspace.folder / REPLAY).write_text(json.dumps(told, indent=1), "utf-8")
    return workspace
