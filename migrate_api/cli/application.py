"""The command itself: its verbs, its general options, and how it runs."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from migrate_api.cli.arguments import screened
from migrate_api.cli.errors import EXIT_CODES, guarded
from migrate_api.cli.interrupts import terminate_like_ctrl_c
from migrate_api.cli.output import version_callback
from migrate_api.cli.verbs import Verbs

EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code:3}  {words}" for code, words in EXIT_CODES.items())

app = typer.Typer(
    name="migrate",
    cls=Verbs,
    help="Move a RockRMS church to The One Mission, and prove that nothing was lost.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=version_callback, is_eager=True, help="Show the version and end.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error happened.")] = False,
) -> None:
    """Move a RockRMS church to The One Mission, and prove that nothing was lost.

    Secrets come from MIGRATE_ROCK_CONNECTION and MIGRATE_MISSION_KEY, the config file or standard input, never from
    an argument. Every verb takes --json for scripts.
    """


def run() -> NoReturn:
    """Run the command line of this process and end."""
    terminate_like_ctrl_c()
    guarded(lambda: app(args=screened(sys.argv[1:]), prog_name="migrate", standalone_mode=False))
