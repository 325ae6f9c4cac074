"""evidence: check a sealed folder, offline."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from migrate_api.cli.output import Json, page, table, write_json
from migrate_etl.verify.evidence import check as check_folder
from migrate_transfer.core.errors import InvalidRequest

app = typer.Typer(help="Check the evidence of an import.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Check the evidence of an import."""


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="The evidence folder.")],
    digest: Annotated[
        str | None, typer.Option("--digest", help="The seal's or the report's digest, kept elsewhere.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare every file with the manifest and name what was touched. Needs no network."""
    if not folder.is_dir():
        raise InvalidRequest(
            f"{folder} is no folder.", code="NO_EVIDENCE", remedy="Give the folder `evidence` of an import job."
        )
    problems = check_folder(folder, digest)
    if as_json:
        write_json({"intact": not problems, "problems": [asdict(problem) for problem in problems]})
    elif problems:
        table(
            "Not as it was sealed", ["file", "what", ""], [[p.file, p.what, p.detail] for p in problems], numbers_from=9
        )
    else:
        page().print("Every file is as it was sealed.")
    sys.exit(1 if problems else 0)
