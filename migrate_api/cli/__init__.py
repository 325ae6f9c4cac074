"""The `migrate` command line: one file a group of verbs."""

from __future__ import annotations

from typing import Annotated

import typer

from migrate_api.cli import dead_letters, demo, evidence, imports, sandbox, test_connection
from migrate_api.cli.errors import EXIT_CODES, guarded
from migrate_api.cli.output import version_callback

EPILOG = "Exit codes: " + "; ".join(f"{code} {words}" for code, words in EXIT_CODES.items()) + "."

app = typer.Typer(
    name="migrate",
    help="Move a RockRMS church to The One Mission, and prove that nothing was lost.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=version_callback, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Secrets come from MIGRATE_ROCK_CONNECTION and MIGRATE_MISSION_KEY, the config file or standard input, never from
    an argument."""


app.command("demo")(demo.demo)
app.command("sample")(sandbox.sample)
app.command("sandbox")(sandbox.sandbox)
app.command("test-connection")(test_connection.test)
app.command("verify")(imports.verify)
app.command("import")(imports.run)
app.command("report")(imports.report)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(evidence.app, name="evidence")


def main() -> None:
    """Entry point."""
    guarded(app)
