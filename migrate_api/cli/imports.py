"""import, and verify, its dry run."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from migrate_api.cli.errors import DIFFERENCES
from migrate_api.cli.import_options import with_settings
from migrate_api.cli.import_run import run_import
from migrate_api.cli.import_settings import ImportSettings
from migrate_api.cli.interrupts import pausing
from migrate_api.cli.jobs import dry_run_job, open_job
from migrate_api.cli.options import HOME, Home
from migrate_api.cli.output import Json, page, table, write_json
from migrate_api.cli.reports import finish
from migrate_api.cli.transfers import verify_manifest
from migrate_etl.job import ImportJob
from migrate_etl.verify.dry_run import DryRun
from migrate_transfer.core.control import Control


@with_settings
def run(settings: ImportSettings, out: Home = HOME, as_json: Json = False) -> None:
    """Import a Rock database into Mission, reconcile it to the cent and write the report. Run it again to go on."""
    secrets = settings.secrets()
    workspace = open_job(out, settings)
    finish(workspace, run_import(workspace, secrets, out / "dagster"), workspace.folder, as_json=as_json)


@with_settings
def verify(
    settings: ImportSettings,
    manifest: Annotated[Path | None, typer.Argument(help="The manifest.jsonl of a transfer of files.")] = None,
    out: Home = HOME,
    as_json: Json = False,
) -> None:
    """Of an import, the dry run: read and map everything, send nothing; say what would be found and how long a load
    would take. With a manifest: read every object of a transfer back from its destination and say what differs."""
    if manifest is not None:
        verify_manifest(manifest, settings, as_json=as_json)
    workspace, control = dry_run_job(out, settings), Control()
    with pausing(control), ImportJob(workspace, settings.secrets(mission=False), control) as job:
        found = job.dry_run()
    if as_json:
        write_json(_plain(found, workspace.folder))
    else:
        _show(found)
    sys.exit(DIFFERENCES if any(one.severity == "error" for one in found.findings.summaries) else 0)


def _plain(found: DryRun, folder: Path) -> dict[str, object]:
    return {
        "job": str(folder),
        "to_load": found.to_load,
        "requests": found.requests,
        "hours_at_documented_limit": found.hours,
        "findings": [asdict(one) for one in found.findings.summaries],
    }


def _show(found: DryRun) -> None:
    table("To load", ["entity", "records"], [[name, f"{rows:,}"] for name, rows in found.to_load.items()])
    page().print(
        f"{found.requests:,} requests; {found.hours} hours at Mission's 100 requests a minute.", highlight=False
    )
    rows = [
        [f.severity, f.entity, f.title, f.owner, f"{f.count:,}", f"{f.amount:,.2f}" if f.amount else "", f.remedy]
        for f in found.findings.summaries
    ]
    table("Findings", ["", "entity", "what", "owner", "records", "money", "remedy"], rows, numbers_from=99)
