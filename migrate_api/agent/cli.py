"""`migrate-agent`: register, start, status, diagnose."""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from migrate_api.agent import service
from migrate_api.agent.control_plane import ControlPlane, register
from migrate_api.agent.diagnosis import bundle, checks
from migrate_api.agent.home import Home
from migrate_api.agent.loop import Loop
from migrate_api.agent.settings import AgentSettings, api_url, read_config, write_config
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import (
    AccessDenied,
    AlreadyRunning,
    InvalidRequest,
    MigrateError,
    Stopped,
    StorageError,
)
from migrate_transfer.leases import FileLease

FAILED, USAGE, UNREACHABLE, REFUSED, STORAGE, RUNNING = 1, 2, 4, 5, 6, 7
LOG_BYTES, LOG_FILES = 10 * 2**20, 5
log = logging.getLogger("migrate_api.agent")

EPILOG = """\b
Exit codes:
    0  all went well
    1  a check of diagnose failed
    2  the request makes no sense, or the agent is not registered
    4  the service cannot be reached
    5  the service refuses this agent (code, key or version)
    6  the disk failed
    7  an agent is at work here already
"""

app = typer.Typer(
    name="migrate-agent",
    help="Does the work of The One Migrate on this machine. Talks outbound only.",
    epilog=EPILOG,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    code: Annotated[str | None, typer.Option("--register", metavar="CODE", help="Trade a code for a key.")] = None,
    as_service: Annotated[
        bool, typer.Option("--service", help="With --register: install and start the service.")
    ] = False,
    name: Annotated[str | None, typer.Option("--name", help="What the agent is called; by default the host.")] = None,
    install_root: Annotated[Path, typer.Option("--root", hidden=True)] = Path("/"),
) -> None:
    """Register this machine, then start the agent."""
    if code is None:
        if context.invoked_subcommand is None:
            print(context.get_help())
        return
    home = Home.here()
    home.make()
    url = api_url(read_config(home.config))
    found = register(url, code, name, Control())
    write_config(home.config, url, found.key)
    print(f"Registered as {found.name}. The key is in {home.config}.")
    if as_service:
        _install(install_root)
    else:
        print("Start the agent with `migrate-agent start`, or as a service with `migrate-agent start --service`.")


def _install(install_root: Path) -> None:
    file = service.install_unit(install_root)
    print(f"Installed {file}.")
    if install_root == Path("/"):
        service.start_unit()


@app.command()
def start(
    as_service: Annotated[bool, typer.Option("--service", help="Install and start the service instead.")] = False,
    install_root: Annotated[Path, typer.Option("--root", hidden=True)] = Path("/"),
) -> None:
    """Work until stopped. A stop or a crash loses nothing: the next start goes on."""
    home = Home.here()
    home.make()
    settings = AgentSettings.gather(home.config)
    if as_service:
        _install(install_root)
        return
    _log_to(home)
    control = Control()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: control.stop("lease_lost"))
    lease = FileLease(home.state, "agent")
    try:
        with lease, ControlPlane(settings, control) as plane:
            Loop(settings, home, plane, control).run()
    except Stopped:
        return  # before the service was ever reached
    except MigrateError as error:
        log.error("%s: %s %s", error.error_code, error.message, error.remedy)
        raise


def _log_to(home: Home) -> None:
    """A file of 10 MiB and five older ones, and the terminal or journal."""
    form = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    file = logging.handlers.RotatingFileHandler(home.log, maxBytes=LOG_BYTES, backupCount=LOG_FILES)
    for handler in (file, logging.StreamHandler()):
        handler.setFormatter(form)
        logging.getLogger("migrate_api").addHandler(handler)
    logging.getLogger("migrate_api").setLevel(logging.INFO)


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Whether it is registered and at work, and which jobs it holds."""
    home = Home.here()
    said = read_config(home.config)
    found: dict[str, Any] = {
        "registered": bool(said.get("api.key") or os.environ.get("MIGRATE_AGENT_KEY")),
        "api": api_url(said),
        "at_work": _at_work(home),
        "config": str(home.config),
        "log": str(home.log),
        "jobs": sorted(one.name for one in home.jobs.iterdir() if one.name != "books") if home.jobs.exists() else [],
    }
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        for line in found.items():
            print("{:12} {}".format(*line))


def _at_work(home: Home) -> bool:
    if not home.state.exists():
        return False
    try:
        with FileLease(home.state, "agent"):
            return False
    except AlreadyRunning:
        return True


@app.command()
def diagnose(
    bundle_file: Annotated[
        Path | None, typer.Option("--bundle", metavar="FILE", help="Also write a zip for support, without secrets.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Look at service, key, clock and disk, and at the SQL Server of MIGRATE_ROCK_CONNECTION if that is set."""
    home = Home.here()
    found = checks(home, os.environ)
    if as_json:
        print(json.dumps([{"name": c.name, "ok": c.ok, "said": c.said, "remedy": c.remedy} for c in found], indent=1))
    else:
        for check in found:
            print(f"{'ok  ' if check.ok else 'FAIL'}  {check.name:12} {check.said}")
            if check.remedy:
                print(f"                    {check.remedy}")
    if bundle_file:
        bundle(bundle_file, home, found)
    if not all(check.ok for check in found):
        raise typer.Exit(FAILED)


def _exit_code(error: MigrateError) -> int:
    if isinstance(error, AccessDenied) or error.error_code.startswith("REGISTRATION_CODE"):
        return REFUSED
    if error.error_code in ("SUPERSEDED", "UPGRADE_REQUIRED"):
        return REFUSED
    for kind, code in ((AlreadyRunning, RUNNING), (InvalidRequest, USAGE), (StorageError, STORAGE)):
        if isinstance(error, kind):
            return code
    return UNREACHABLE


def main() -> NoReturn:
    """Entry point: errors as message and remedy."""
    try:
        ended = app(standalone_mode=False)
        sys.exit(ended if isinstance(ended, int) else 0)
    except MigrateError as error:
        print(f"{error.message} [{error.error_code}]\n{error.remedy}", file=sys.stderr)
        sys.exit(_exit_code(error))
    except typer.Abort:
        sys.exit(130)
    except typer.TyperException as error:
        print(error.format_message(), file=sys.stderr)
        sys.exit(USAGE)


if __name__ == "__main__":
    main()
