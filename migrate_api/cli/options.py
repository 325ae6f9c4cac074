"""Options that several verbs share."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None, typer.Option("--config", envvar="MIGRATE_CONFIG", help="A TOML file with the settings.")
]
Secrets = Annotated[str | None, typer.Option("--secrets", help="`-` reads the secrets from standard input.")]
MissionUrl = Annotated[str | None, typer.Option("--mission-url", help="Base URL of the Mission API.")]
Organization = Annotated[str | None, typer.Option("--organization", help="Slug of the Mission organisation.")]
TimeZone = Annotated[str | None, typer.Option("--time-zone", help="The church's IANA time zone.")]
Entities = Annotated[list[str] | None, typer.Option("--entity", help="Limit to these entities; may be repeated.")]
Campuses = Annotated[list[int] | None, typer.Option("--campus", help="Limit to these campus ids; may be repeated.")]
Since = Annotated[
    datetime | None,
    typer.Option("--since", formats=["%Y-%m-%d"], help="First day of contributions and attendance to move."),
]
Folder = Annotated[Path, typer.Option("--out", help="Folder of the jobs; the job's own folder is made in it.")]
JobFolder = Annotated[Path, typer.Argument(help="Folder of an import job.")]
