"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None, typer.Option("--config", envvar="MIGRATE_CONFIG", help="A TOML file with the settings.")
]
Secrets = Annotated[
    str | None, typer.Option("--secrets", metavar="-", help="`-` (also alone) reads the secrets from standard input.")
]
Home = Annotated[Path, typer.Option("--out", help="Folder of this church's jobs, receipts and Dagster instance.")]
JobFolder = Annotated[Path, typer.Argument(help="Folder of an import job.")]
HOME = Path("out/import")
