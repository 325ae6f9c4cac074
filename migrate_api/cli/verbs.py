"""The verbs of `migrate` by name. A verb's file, and with it the weight of polars or of the service, is imported when
it is called: `migrate --help` and a slip of the fingers are answered at once."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from migrate_api.cli import loading

VERBS = {
    "demo": ("demo", "demo", "Import a sample church into a Mission sandbox."),
    "sample": ("sandbox", "sample", "Make a sample Rock database."),
    "sandbox": ("sandbox", "sandbox", "Run a Mission sandbox until Ctrl-C."),
    "test-connection": ("test_connection", "test", "Try the Rock connection."),
    "verify": ("imports", "verify", "Of an import, the dry run: read, map, send nothing."),
    "import": ("imports", "run", "Import a Rock database into Mission."),
    "copy": ("transfers", "copy", "Copy files, prove that they arrived, write a manifest."),
    "archive": ("transfers", "archive", "Copy files, read them back, then archive them."),
    "sync": ("transfers", "sync", "Keep copying what is new or changed."),
    "report": ("reports", "report", "Show the report of an import job."),
    "tour": ("tour", "tour", "Bring up API, agent and Mission sandbox for one import."),
    "serve": ("service", "serve", "Run the job API until Ctrl-C."),
    "audit": ("service", "audit", "Check that no line of a job's history was changed."),
    "dead-letters": ("dead_letters", "app", "Records that failed: list, correct, replay."),
    "evidence": ("evidence", "app", "Check the evidence of an import."),
    "vault": ("service", "vault_app", "Keys that seal secrets at rest."),
    "tenant": ("service", "tenant_app", "Organisations."),
    "token": ("service", "token_app", "API tokens of scripts."),
}
"""File in this folder, function or group of verbs in it, and a few words for `--help`."""


class Verbs(TyperGroup):
    """A group whose members are names and words until one of them is called."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = {name: TyperCommand(name, help=words) for name, (_, _, words) in VERBS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return name, loaded(name) if name else command, rest


def loaded(name: str) -> Any:
    """The verb itself."""
    file, attribute, _ = VERBS[name]
    with loading():
        found = getattr(import_module(f"migrate_api.cli.{file}"), attribute)
    carrier = typer.Typer(rich_markup_mode=None, add_completion=False)
    carrier.callback()(_nothing)
    if isinstance(found, typer.Typer):
        carrier.add_typer(found, name=name)
    else:
        carrier.command(name)(found)
    return get_group(carrier).commands[name]


def _nothing() -> None:
    """A callback keeps typer from taking a lone verb for the whole command."""
