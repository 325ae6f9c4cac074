"""report: what an import came to, and the givers' names where somebody asks for them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from migrate_api.attempt import Attempt
from migrate_api.cli.errors import DIFFERENCES, STOPPED, as_error, fail
from migrate_api.cli.options import JobFolder
from migrate_api.cli.output import Json, console, page, table, write_json
from migrate_etl.reporting import is_clean, named_statements
from migrate_etl.workspace import Workspace
from migrate_transfer.core.errors import InvalidRequest, StorageError

OUTCOMES = ("discovered", "done", "unchanged", "skipped", "failed")


def report(
    job: JobFolder,
    names: Annotated[
        Path | None,
        typer.Option("--names", help="Write the giving statements that changed, with names, to this file (CSV)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the report of an import job. The report itself has no names: ask for them where you need them."""
    workspace = Workspace.open(job)
    _require_report(workspace.folder)
    if names is not None:
        _write_names(workspace, names)
    show(workspace, workspace.folder, as_json=as_json)


def _write_names(workspace: Workspace, file: Path) -> None:
    try:
        file.write_text(named_statements(workspace).write_csv(), "utf-8")  # polars' own error has no words of the disk
    except OSError as error:
        raise StorageError(f"Cannot write {file}: {error.strerror}.", remedy="Name another file.") from error
    console().print(f"{file} names people: keep it as confidential as that is.", soft_wrap=True)


def finish(workspace: Workspace, attempt: Attempt, shown: Path, *, as_json: bool) -> None:
    """Show what came of an attempt, its report in the folder `shown`, and end with the documented exit code."""
    if attempt.status in ("paused", "cancelled"):
        _stopped(workspace, attempt, as_json=as_json)
    if attempt.error and attempt.error["code"] != "ITEMS_FAILED":
        fail(as_error(attempt.error))
    summary = show(workspace, shown, as_json=as_json)
    sys.exit(0 if is_clean(summary) else DIFFERENCES)


def _stopped(workspace: Workspace, attempt: Attempt, *, as_json: bool) -> None:
    if as_json:
        write_json({"status": attempt.status, "job": str(workspace.folder)})
    else:
        page().print(f"The import is {attempt.status}. Start the same command again: it goes on where it stopped.")
    sys.exit(STOPPED)


def show(workspace: Workspace, folder: Path, *, as_json: bool) -> dict[str, Any]:
    """Print the figures of the report in the folder, and where the page is; returns the figures."""
    _require_report(folder)
    summary: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))
    if as_json:
        write_json({**summary, "job": str(workspace.folder), "report": str(folder / "report.html")})
    else:
        _print(workspace, folder, summary)
    return summary


def _require_report(folder: Path) -> None:
    if not (folder / "report.json").exists():
        raise InvalidRequest("The job has no report yet.", code="NO_REPORT", remedy="Run the import to its end first.")


def _print(workspace: Workspace, folder: Path, summary: Mapping[str, Any]) -> None:
    rows = [[name, *(f"{counts[key]:,}" for key in OUTCOMES)] for name, counts in summary["entities"].items()]
    table(f"Import {workspace.spec.job_id}", ["entity", *OUTCOMES], rows)
    all_time, scope = (_yes(summary[name]) for name in ("financial_match", "scope_match"))
    lines = {
        "quality score": summary["quality_score"],
        "money": f"all-time match: {all_time}, in scope: {scope}, unexplained: {summary['unexplained'] or '–'}",
        "evidence": folder / "evidence" if (folder / "evidence").exists() else None,
        "report": folder / "report.html",
    }
    for name, value in lines.items():
        if value is not None:
            page().print(f"{name:16}{value}", soft_wrap=True, highlight=False)


def _yes(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "not asked"}[value]
