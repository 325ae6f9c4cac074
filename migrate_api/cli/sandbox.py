"""sample (make a Rock database) and sandbox (run a Mission)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from migrate_api.cli.demo import ORGANIZATION, started_sandbox, writing_sample
from migrate_api.cli.import_settings import ImportSettings
from migrate_api.cli.options import Config, Secrets
from migrate_api.cli.output import Json, page, write_json
from migrate_etl.sandbox.rock import make_sample
from migrate_etl.sandbox.rock.sampledata import make_from_sampledata
from migrate_etl.slug import SLUG_FORM, is_slug
from migrate_transfer.core.errors import InvalidRequest, StorageError


def sample(
    target: Annotated[Path, typer.Argument(help="The SQLite file to make.")],
    people: Annotated[int, typer.Option("--people", min=12, max=2_000_000, help="Size of the church.")] = 500,
    gifts: Annotated[int | None, typer.Option("--gifts", min=0, help="Transactions; by default ten a person.")] = None,
    attendances: Annotated[int | None, typer.Option("--attendances", min=0, help="By default 15 a person.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed makes the same church.")] = 1,
    release: Annotated[
        str, typer.Option("--release", help="Rock's release: current, or one such as v12.4.")
    ] = "current",
    dirt: Annotated[bool, typer.Option("--dirt/--no-dirt", help="Plant what real databases have.")] = True,
    rock_sampledata: Annotated[
        Path | None, typer.Option("--rock-sampledata", help="Build it from Rock's own sample church (XML) instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a sample Rock database."""
    _new_file(target)
    with writing_sample(target):
        if rock_sampledata:
            made = make_from_sampledata(target, rock_sampledata, seed=seed)
        else:
            made = make_sample(target, people, seed, gifts=gifts, attendances=attendances, release=release, dirt=dirt)
    connection = f"sqlite:///{target.absolute()}"
    if as_json:
        write_json({"database": str(target), "connection": connection, "truth": json.loads(made.to_json())})
    else:
        page().print(f"Made {target}. Connection: {connection}", soft_wrap=True, highlight=False)


def _new_file(target: Path) -> None:
    if target.exists():
        raise InvalidRequest(f"{target} exists already.", remedy="Name a new file.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"Cannot make {target.parent}: {error.strerror}.", remedy="Name another place.") from error


def sandbox(
    folder: Annotated[Path, typer.Option("--folder", help="Where its books are kept.")] = Path("out/mission"),
    organization: Annotated[str, typer.Option("--organization", help="Slug of its organisation.")] = ORGANIZATION,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 0,
    rate_limit: Annotated[
        int | None, typer.Option("--rate-limit", min=1, help="Requests a minute; unlimited if not given.")
    ] = None,
    latency: Annotated[int, typer.Option("--latency", min=0, help="Milliseconds before each answer.")] = 0,
    config: Config = None,
    secrets: Secrets = None,
    as_json: Json = False,
) -> None:
    """Run a Mission sandbox until Ctrl-C. It takes the integration key that an import would send."""
    if not is_slug(organization):
        raise InvalidRequest(f"--organization: give {SLUG_FORM}.")
    key = ImportSettings.gather(config, secrets, {}).secrets(rock=False).mission_key.get_secret_value()
    with started_sandbox(folder, organization, key, port=port, rate_limit=rate_limit, latency_ms=latency) as mission:
        facts: dict[str, Any] = {"url": mission.url, "organization": organization, "books": str(mission.database)}
        if as_json:
            write_json(facts)
        else:
            page().print(f"Mission sandbox at {mission.url} for the organisation {organization}.", highlight=False)
        _until_interrupted(mission.process.wait)


def _until_interrupted(wait: Any) -> None:
    """Ctrl-C is how it is meant to end."""
    try:
        wait()
    except KeyboardInterrupt:
        return
