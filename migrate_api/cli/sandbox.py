"""sample (make a Rock database) and sandbox (run a Mission)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from migrate_api.cli.output import Json, console, write_json
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.sandbox.rock import make_sample
from migrate_etl.sandbox.rock.sampledata import make_from_sampledata
from migrate_transfer.core.errors import InvalidRequest


def sample(
    target: Annotated[Path, typer.Argument(help="The SQLite file to make.")],
    people: Annotated[int, typer.Option("--people", min=10, max=2_000_000)] = 500,
    gifts: Annotated[int | None, typer.Option("--gifts", help="Transactions; by default ten a person.")] = None,
    attendances: Annotated[int | None, typer.Option("--attendances", help="By default fifteen a person.")] = None,
    seed: Annotated[int, typer.Option("--seed")] = 1,
    release: Annotated[
        str, typer.Option("--release", help="Rock's release: current, or v12.4 and the like.")
    ] = "current",
    dirt: Annotated[bool, typer.Option("--dirt/--no-dirt", help="Plant what real databases have.")] = True,
    rock_sampledata: Annotated[
        Path | None, typer.Option("--rock-sampledata", help="Build it from Rock's own sample church (XML) instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a sample Rock database."""
    if target.exists():
        raise InvalidRequest(f"{target} exists already.", remedy="Name a new file.")
    target.parent.mkdir(parents=True, exist_ok=True)
    if rock_sampledata:
        make_from_sampledata(target, rock_sampledata, seed=seed)
    else:
        make_sample(target, people, seed, gifts=gifts, attendances=attendances, release=release, dirt=dirt)
    if as_json:
        write_json({"database": str(target), "connection": f"sqlite:///{target.absolute()}"})
    else:
        console.print(f"Made {target}. Connection: sqlite:///{target.absolute()}", soft_wrap=True)


def sandbox(
    folder: Annotated[Path, typer.Option("--folder", help="Where its books are kept.")] = Path("out/mission"),
    organization: Annotated[str, typer.Option("--organization")] = "grace-church",
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = 0,
    rate_limit: Annotated[
        int | None, typer.Option("--rate-limit", help="Requests a minute; unlimited if not given.")
    ] = None,
) -> None:
    """Run a Mission sandbox until Ctrl-C. Its integration key is MIGRATE_MISSION_KEY."""
    key = os.environ.get("MIGRATE_MISSION_KEY", "")
    if not key:
        raise InvalidRequest("The sandbox needs a key.", remedy="Set MIGRATE_MISSION_KEY to any text.")
    with MissionSandbox.start(folder, organization, key, port=port, rate_limit=rate_limit) as mission:
        write_json({"url": mission.url, "organization": organization})
        mission.process.wait()
