"""import, verify (the dry run) and report."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from migrate_api.cli.errors import fail
from migrate_api.cli.import_run import Attempt, run_import
from migrate_api.cli.options import (
    Campuses,
    Config,
    Entities,
    Folder,
    JobFolder,
    MissionUrl,
    Organization,
    Secrets,
    Since,
    TimeZone,
)
from migrate_api.cli.output import Json, page, table, write_json
from migrate_api.cli.settings import Settings
from migrate_etl.job import ImportJob
from migrate_etl.reporting import named_statements
from migrate_etl.spec import RockImportSpec
from migrate_etl.workspace import Workspace
from migrate_transfer.core.errors import AccessDenied, FatalError, MigrateError

JobName = Annotated[str | None, typer.Option("--job", help="Name of the job; by default one a day.")]
JOBS = Path("out/import/jobs")


def run(
    out: Folder = JOBS,
    job: JobName = None,
    config: Config = None,
    secrets: Secrets = None,
    mission_url: MissionUrl = None,
    organization: Organization = None,
    time_zone: TimeZone = None,
    entity: Entities = None,
    campus: Campuses = None,
    since: Since = None,
    resend: Annotated[bool, typer.Option("--resend", help="Send every record, also what Mission has already.")] = False,
    as_json: Json = False,
) -> None:
    """Import a Rock database into Mission, reconcile it to the cent and write the report. Run it again to go on."""
    flags = _flags(job, mission_url, organization, time_zone, entity, campus, since, resend)
    settings = Settings.gather(config, secrets, flags)
    workspace = open_job(out, settings)
    finish(workspace, run_import(workspace, settings.secrets(), out / "dagster"), as_json=as_json)


def verify(
    out: Folder = JOBS,
    job: JobName = None,
    config: Config = None,
    secrets: Secrets = None,
    mission_url: MissionUrl = None,
    organization: Organization = None,
    time_zone: TimeZone = None,
    entity: Entities = None,
    campus: Campuses = None,
    since: Since = None,
    as_json: Json = False,
) -> None:
    """Dry run: read and map everything, send nothing, and say what would be found and how long a load would take."""
    settings = Settings.gather(
        config, secrets, _flags(job, mission_url, organization, time_zone, entity, campus, since, False)
    )
    name = f"dry-run-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    workspace = Workspace.create(out.parent / "dry-runs" / name, settings.spec().model_copy(update={"job_id": name}))
    with ImportJob(workspace, settings.secrets()) as one:
        found = one.dry_run()
    if as_json:
        write_json(
            {
                "to_load": found.to_load,
                "requests": found.requests,
                "hours_at_documented_limit": found.hours,
                "findings": [asdict(one) for one in found.findings.summaries],
            }
        )
        return
    table("To load", ["entity", "records"], [[name, f"{rows:,}"] for name, rows in found.to_load.items()])
    page.print(f"{found.requests:,} requests; {found.hours} hours at 100 requests a minute.")
    rows = [
        [f.severity, f.entity, f.title, f.owner, f"{f.count:,}", f"{f.amount:,.2f}" if f.amount else "", f.remedy]
        for f in found.findings.summaries
    ]
    table("Findings", ["", "entity", "what", "owner", "records", "money", "remedy"], rows, numbers_from=99)


def report(
    job: JobFolder,
    names: Annotated[
        Path | None,
        typer.Option("--names", help="Write the changed giving statements with names here (CSV)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the report of an import job. The report itself has no names; ask for them where you need them."""
    workspace = Workspace.open(job)
    show(workspace, as_json=as_json)
    if names is not None:
        named_statements(workspace).write_csv(names)


def open_job(out: Path, settings: Settings) -> Workspace:
    """The job to work on: the named one, else an unfinished one with these very options, else a new one of today."""
    spec = settings.spec()
    if ("import", "job_id") in settings.values:
        return _named(out / spec.job_id, spec)
    for folder in sorted(out.glob("*/spec.json"), reverse=True):
        found = Workspace.open(folder.parent)
        if not found.sealed and found.spec == _as_begun(spec, found.spec):
            return found
    number, name = 1, spec.job_id
    while (out / name).exists():
        number += 1
        name = f"{spec.job_id}-{number}"
    return Workspace.create(out / name, spec.model_copy(update={"job_id": name}))


def _named(folder: Path, spec: RockImportSpec) -> Workspace:
    begun = Workspace.open(folder).spec if (folder / "spec.json").exists() else spec
    return Workspace.create(folder, _as_begun(spec, begun))


def _as_begun(spec: RockImportSpec, begun: RockImportSpec) -> RockImportSpec:
    """The options under the name and on the day of a job that was begun before."""
    return spec.model_copy(update={"job_id": begun.job_id, "started_on": begun.started_on})


def _flags(
    job: str | None,
    mission_url: str | None,
    organization: str | None,
    time_zone: str | None,
    entity: list[str] | None,
    campus: list[int] | None,
    since: Any,
    resend: bool,
) -> Mapping[tuple[str, str], Any]:
    return {
        ("import", "job_id"): job,
        ("mission", "url"): mission_url,
        ("mission", "organization"): organization,
        ("import", "time_zone"): time_zone,
        ("import", "entities"): entity,
        ("import", "campus_ids"): campus,
        ("import", "date_range_start"): since.date() if since else None,
        ("import", "resend"): resend or None,
    }


def finish(workspace: Workspace, attempt: Attempt, *, as_json: bool) -> None:
    """Show what came of an attempt and end with the documented exit code."""
    if attempt.status in ("paused", "cancelled"):
        page.print(f"The import was {attempt.status}. Start the same command again: it goes on where it stopped.")
        sys.exit(130)
    if attempt.error and not workspace.report_json.exists():
        fail(_as_error(attempt.error))
    show(workspace, as_json=as_json)
    summary = read_summary(workspace)
    failed = sum(counts["failed"] for counts in summary["entities"].values())
    sys.exit(1 if failed or attempt.error or summary.get("scope_match") is False else 0)


def _as_error(said: Mapping[str, str]) -> MigrateError:
    kind = AccessDenied if said["code"] in ("MISSION_KEY_REFUSED", "ACCESS_DENIED", "LOGIN_FAILED") else FatalError
    return kind(said["message"], code=said["code"], remedy=said["remedy"])


def read_summary(workspace: Workspace) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(workspace.report_json.read_text("utf-8"))
    return found


def show(workspace: Workspace, *, as_json: bool) -> None:
    """Print the report's figures and where the page is."""
    if not workspace.report_json.exists():
        fail(FatalError("The job has no report yet.", code="NO_REPORT", remedy="Run the import to its end first."))
    summary = read_summary(workspace)
    if as_json:
        write_json({**summary, "report": str(workspace.report_html)})
        return
    names = ("discovered", "done", "unchanged", "skipped", "failed")
    rows = [[name, *(f"{counts[key]:,}" for key in names)] for name, counts in summary["entities"].items()]
    table(f"Import {workspace.spec.job_id}", ["entity", *names], rows)
    page.print(f"quality score   {summary['quality_score']}")
    matches = f"all-time match: {_yes(summary['financial_match'])}, in scope: {_yes(summary['scope_match'])}"
    page.print(f"money           {matches}, unexplained: {summary['unexplained']}")
    page.print(f"report          {workspace.report_html}", soft_wrap=True)


def _yes(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "not asked"}[value]
