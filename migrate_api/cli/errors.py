"""How a command ends: exit codes, and errors as message, code and remedy instead of a traceback."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

import typer

from migrate_api.cli.complaints import invalid
from migrate_api.cli.outlets import was_read, was_used
from migrate_api.cli.output import console, wants, write_json
from migrate_transfer.core import errors
from migrate_transfer.core.errors import (
    AccessDenied,
    AlreadyRunning,
    InvalidRequest,
    ItemError,
    MigrateError,
    SourceError,
    Stopped,
    StorageError,
    TargetError,
    TransientError,
)

DIFFERENCES, USAGE, SOURCE, TARGET, REFUSED, STORAGE, RUNNING, UNFORESEEN, STOPPED = 1, 2, 3, 4, 5, 6, 7, 70, 130

EXIT_CODES = {
    0: "all went well",
    DIFFERENCES: "it ran to the end, but records failed, money is unexplained or something was touched",
    USAGE: "the request makes no sense",
    SOURCE: "the source (Rock, a folder) cannot be reached or read",
    TARGET: "the destination (Mission, Azure) cannot be reached or does not behave",
    REFUSED: "the key or the credentials were refused",
    STORAGE: "our own disk or books failed",
    RUNNING: "another run is at work on the job",
    UNFORESEEN: "something that nobody foresaw; --debug shows where",
    STOPPED: "stopped before the end; start it again and it goes on",
}

_BY_CLASS: tuple[tuple[type[MigrateError], int], ...] = (
    (ItemError, DIFFERENCES),
    (InvalidRequest, USAGE),
    (SourceError, SOURCE),
    (AccessDenied, REFUSED),
    (StorageError, STORAGE),
    (AlreadyRunning, RUNNING),
    (TargetError, TARGET),
    (TransientError, TARGET),
)


AGAIN = "Start the same command again: it goes on where it stopped."


def exit_code(error: MigrateError) -> int:
    """The documented exit code of an error. What is transient says by its code which side it was."""
    if isinstance(error, TransientError) and error.error_code.startswith("ROCK_"):
        return SOURCE
    return next((code for kind, code in _BY_CLASS if isinstance(error, kind)), UNFORESEEN)


def as_error(said: dict[str, str]) -> MigrateError:
    """The error that a child process told of (`code`, `message`, `remedy`, `kind`)."""
    kind = getattr(errors, said.get("kind", ""), errors.FatalError)
    error: MigrateError = kind(said["message"], code=said["code"], remedy=said["remedy"])
    return error


def fail(error: MigrateError) -> NoReturn:
    """Say what is wrong and what to do, and end."""
    if wants("--json"):
        with suppress(OSError):  # nobody can read it there
            write_json({"error": {"code": error.error_code, "message": error.message, "remedy": error.remedy}})
    if not wants("--json") or not was_read():
        say(error.error_code, error.message, error.remedy)
    sys.exit(exit_code(error))


def say(code: str, message: str, remedy: str | None) -> None:
    """An error for people, on standard error."""
    console().print(f"{code} ", end="", style="bold red", highlight=False)
    console().print(message, highlight=False, soft_wrap=True)
    if remedy:
        console().print(remedy, highlight=False, soft_wrap=True)


def say_stopped() -> None:
    """A script is told as well, in the one document that it waits for."""
    if wants("--json") and not was_used():
        told = {"code": "STOPPED", "message": "Stopped before the end.", "remedy": AGAIN}
        write_json({"error": told})
    console().print(f"Stopped. {AGAIN}")


def guarded(command: Callable[[], int | None]) -> NoReturn:
    """Run a command so that it always ends in a documented way."""
    try:
        ended = command() or 0
        if ended == STOPPED:  # typer makes a number of Ctrl-C
            say_stopped()
        sys.exit(ended)
    except MigrateError as error:
        _trace()
        fail(error)
    except typer.TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            console().print(error.format_message(), highlight=False, soft_wrap=True)
            sys.exit(USAGE)
        fail(InvalidRequest(_usage(error.format_message()), code="USAGE", remedy="`--help` describes the options."))
    except (Stopped, KeyboardInterrupt, typer.Abort):
        say_stopped()
        sys.exit(STOPPED)
    except Exception as error:  # noqa: BLE001  where a runner ends
        _trace()
        fail(_unforeseen(error))


def _unforeseen(error: Exception) -> MigrateError:
    """Settings in their own words; else only the kind of the error: a library's message may quote a connection string
    or a person."""
    from pydantic import ValidationError  # a tenth of the start of a command that needs no pydantic

    if isinstance(error, ValidationError):
        return invalid(error)
    if isinstance(error, OSError):
        of = f" ({error.filename})" if isinstance(error.filename, str) else ""
        return StorageError(f"The operating system refused: {error.strerror or type(error).__name__}{of}.")
    remedy = "Run it again with --debug, which shows where it happened, and send that to support."
    return errors.FatalError(
        f"Something that nobody foresaw: {type(error).__name__}.", code="UNEXPECTED", remedy=remedy
    )


def _trace() -> None:
    if wants("--debug"):
        traceback.print_exc()


def _usage(text: str) -> str:
    """An argument that is not understood is not repeated: it may be a password in the wrong place."""
    if "unexpected extra argument" in text:
        return "There are more arguments than the command takes."
    return text if text.endswith((".", "?", "!")) else f"{text}."
