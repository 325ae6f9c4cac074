"""How a command ends: exit codes, and errors as message, code and remedy instead of a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

from pydantic import ValidationError

from migrate_api.cli.output import console, wants_json, write_json
from migrate_transfer.core.errors import (
    AccessDenied,
    AlreadyRunning,
    FatalError,
    InvalidRequest,
    MigrateError,
    SourceError,
    Stopped,
    StorageError,
    TargetError,
    TransientError,
)

SOURCE_UNREADABLE = 3

EXIT_CODES = {
    0: "all went well",
    1: "it ran to the end, but records failed or something is unexplained",
    2: "the request makes no sense",
    3: "the source cannot be read",
    4: "the target cannot be reached or does not behave",
    5: "a key or login was refused",
    6: "our own disk failed",
    7: "another run is at work on it",
    130: "stopped before the end; start it again and it goes on",
}

_BY_CLASS: tuple[tuple[type[MigrateError], int], ...] = (
    (InvalidRequest, 2),
    (SourceError, SOURCE_UNREADABLE),
    (AccessDenied, 5),
    (StorageError, 6),
    (AlreadyRunning, 7),
    (TargetError, 4),
    (TransientError, 4),
    (FatalError, 4),
)


def exit_code(error: MigrateError) -> int:
    """The documented exit code of an error."""
    return next((code for kind, code in _BY_CLASS if isinstance(error, kind)), 1)


def fail(error: MigrateError) -> NoReturn:
    """Say what is wrong and what to do, and end."""
    if wants_json():
        write_json({"error": {"code": error.error_code, "message": error.message, "remedy": error.remedy}})
    else:
        console.print(f"[bold red]{error.error_code}[/] ", end="", highlight=False)
        console.print(error.message, markup=False, highlight=False)
        console.print(error.remedy, markup=False, highlight=False)
    sys.exit(exit_code(error))


def invalid(error: ValidationError) -> InvalidRequest:
    """A settings error in our words; the values are left out, for one may be a secret."""
    said = "; ".join(
        f"{'.'.join(map(str, problem['loc'])) or 'options'}: {problem['msg']}" for problem in error.errors()
    )
    return InvalidRequest(said, remedy="Correct the named options; `migrate import --help` describes them.")


def guarded(command: Callable[[], Any]) -> None:
    """Run a command so that it always ends in a documented way."""
    try:
        command()
    except MigrateError as error:
        fail(error)
    except ValidationError as error:
        fail(invalid(error))
    except (Stopped, KeyboardInterrupt):
        console.print("Stopped. Start the same command again: it goes on where it stopped.")
        sys.exit(130)
