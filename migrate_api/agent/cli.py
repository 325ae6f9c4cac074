"""`migrate-agent`: register, start, status, diagnose."""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from migrate_api.agent import service
from migrate_api.agent.control_plane import ControlPlane, register
from migrate_api.agent.diagnosis import bundle, checks
from migrate_api.agent.home import Home
from migrate_api.agent.loop import Loop
from migrate_api.agent.settings import KEY_VARIABLE, AgentSettings, api_url, overlaid, read_config, write_config
from migrate_api.tracebacks import PlacesOnly
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

ApiUrl = Annotated[
    str | None, typer.Option("--api-url", help="Where the service is; before MIGRATE_API_URL and the config file.")
]
Place = Annotated[
    Path | None, typer.Option("--home", help="Keep everything in this folder; before MIGRATE_AGENT_HOME.")
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", min=1, max=32, help="Jobs at once; before MIGRATE_AGENT_JOBS and the config file."),
]
Root = Annotated[Path, typer.Option("--root", hidden=True)]

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
    url: ApiUrl = None,
    place: Place = None,
    install_root: Root = Path("/"),
) -> None:
    """Register this machine, then start the agent."""
    environment = overlaid(os.environ, home=place, url=url, jobs=None)
    context.obj = environment
    if code is None:
        if context.invoked_subcommand is None:
            print(context.get_help())
        return
    home = Home.here(environment)
    home.make()
    address = api_url(read_config(home.config), environment)
    found = register(address, code, name, Control())
    write_config(home.config, address, found.key)
    print(f"Registered as {found.name}. The key is in {home.config}.")
    if as_service:
        _install(install_root, environment)
    else:
        print("Start the agent with `migrate-agent start`, or as a service with `migrate-agent start --service`.")


def _install(install_root: Path, environment: Mapping[str, str]) -> None:
    file = service.install_unit(install_root, environment)
    print(f"Installed {file}.")
    if install_root == Path("/"):
        service.start_unit()


@app.command()
def start(
    context: typer.Context,
    as_service: Annotated[bool, typer.Option("--service", help="Install and start the service instead.")] = False,
    url: ApiUrl = None,
    place: Place = None,
    jobs: Jobs = None,
    install_root: Root = Path("/"),
) -> None:
    """Work until stopped. A stop or a crash loses nothing: the next start goes on."""
    control = Control()
    _stop_by_signal(control)
    environment = overlaid(context.obj, home=place, url=url, jobs=jobs)
    home = Home.here(environment)
    home.make()
    settings = AgentSettings.gather(home.config, environment)
    if as_service:
        _require_key_in_file(home)
        _install(install_root, environment)
        return
    _log_to(home)
    lease = FileLease(home.state, "agent")
    try:
        with lease, ControlPlane(settings, control) as plane:
            Loop(settings, home, plane, control).run()
    except Stopped:
        return  # before the service was ever reached
    except MigrateError as error:
        log.error("%s: %s %s", error.error_code, error.message, error.remedy)
        raise


def _stop_by_signal(control: Control) -> None:
    """Told to stop (a service manager, Ctrl-C, a terminal that is closed), it ends its work in good order. What a shell
    keeps from it (nohup, a background job) stays away; the service manager's word always counts."""
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is not None and (name == "SIGTERM" or signal.getsignal(number) is not signal.SIG_IGN):
            # By a thread: the work that the signal interrupts may itself hold a lock that stopping needs.
            signal.signal(number, lambda *_: threading.Thread(target=control.stop, args=("lease_lost",)).start())


def _require_key_in_file(home: Home) -> None:
    if not read_config(home.config).get("api.key"):
        raise InvalidRequest(
            f"The service would have no key: it does not see this shell's {KEY_VARIABLE}.",
            code="AGENT_NOT_REGISTERED",
            remedy=f"Write the key to {home.config}, under [api], as key = …",
        )


def _log_to(home: Home) -> None:
    """A file of 10 MiB and five older ones, and the terminal or journal."""
    form = PlacesOnly("%(asctime)s %(levelname)s %(name)s %(message)s")
    file = logging.handlers.RotatingFileHandler(home.log, maxBytes=LOG_BYTES, backupCount=LOG_FILES)
    for handler in (file, logging.StreamHandler()):
        handler.setFormatter(form)
        logging.getLogger("migrate_api").addHandler(handler)
    logging.getLogger("migrate_api").setLevel(logging.INFO)


@app.command()
def status(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Whether it is registered and at work, and which jobs it holds."""
    home = Home.here(context.obj)
    said = read_config(home.config)
    found: dict[str, Any] = {
        "registered": bool(said.get("api.key") or context.obj.get(KEY_VARIABLE)),
        "api": api_url(said, context.obj),
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
    context: typer.Context,
    bundle_file: Annotated[
        Path | None, typer.Option("--bundle", metavar="FILE", help="Also write a zip for support, without secrets.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Look at service, key, clock and disk, and at the SQL Server of MIGRATE_ROCK_CONNECTION if that is set."""
    home = Home.here(context.obj)
    found = checks(home, context.obj)
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
