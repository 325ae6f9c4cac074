"""Exit codes, and errors in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_api.cli.errors import EXIT_CODES, as_error, exit_code, guarded
from migrate_transfer.core import errors
from migrate_transfer.core.errors import MigrateError
from tests.migrate_api.cli.conftest import Migrate

CASES: list[tuple[MigrateError, int]] = [
    (errors.ItemError("x"), 1),
    (errors.RejectedItem("x"), 1),
    (errors.InvalidRequest("x"), 2),
    (errors.SourceError("x"), 3),
    (errors.ConnectionLost("x", code="ROCK_CONNECTION_LOST"), 3),
    (errors.ServiceUnavailable("x", code="ROCK_BUSY"), 3),
    (errors.TargetError("x"), 4),
    (errors.ConnectionLost("x"), 4),
    (errors.ServiceUnavailable("x"), 4),
    (errors.AccessDenied("x"), 5),
    (errors.StorageError("x"), 6),
    (errors.AlreadyRunning("x"), 7),
    (errors.FatalError("x"), 70),
]


@pytest.mark.parametrize(("error", "code"), CASES, ids=lambda value: getattr(value, "error_code", value))
def test_every_error_has_a_documented_exit_code(error: MigrateError, code: int) -> None:
    assert exit_code(error) == code
    assert code in EXIT_CODES


@pytest.mark.parametrize(("error", "code"), CASES, ids=lambda value: getattr(value, "error_code", value))
def test_an_error_told_by_the_import_s_process_keeps_its_exit_code(error: MigrateError, code: int) -> None:
    said = {"code": error.error_code, "message": "x", "remedy": "y", "kind": type(error).__name__}
    assert exit_code(as_error(said)) == code


def ended(command: object, capsys: pytest.CaptureFixture[str]) -> tuple[object, str]:
    def call() -> int:
        raise command if isinstance(command, BaseException) else AssertionError

    with pytest.raises(SystemExit) as end:
        guarded(call)
    shown = capsys.readouterr()
    return end.value.code, shown.out + shown.err


def test_an_error_is_code_message_and_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    error = errors.AccessDenied("Mission refused the key.", remedy="Make a new one.")
    code, shown = ended(error, capsys)
    assert code == 5
    assert shown.split("\n")[:2] == ["ACCESS_DENIED Mission refused the key.", "Make a new one."]


def test_what_nobody_foresaw_shows_neither_a_trace_nor_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = ended(ValueError("Password=hunter2"), capsys)
    assert code == 70
    assert "ValueError" in shown
    assert "hunter2" not in shown
    assert "Traceback" not in shown


def test_the_operating_system_s_refusal_is_a_storage_error(capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = ended(OSError(28, "No space left on device"), capsys)
    assert code == 6
    assert "No space left on device" in shown


def test_an_interrupted_command_says_that_it_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = ended(KeyboardInterrupt(), capsys)
    assert code == 130
    assert "goes on where it stopped" in shown


def test_help_lists_every_exit_code(migrate: Migrate) -> None:
    shown = migrate("--help").out
    assert [code for code, words in EXIT_CODES.items() if f"{code}  {words}" not in shown] == []


def test_debug_shows_where(migrate: Migrate, tmp_path: Path) -> None:
    assert "Traceback" in migrate("report", str(tmp_path), "--debug").err
    assert "Traceback" not in migrate("report", str(tmp_path)).err


def test_a_wrong_option_is_a_usage_error_also_for_scripts(migrate: Migrate) -> None:
    found = migrate("import", "--tim-zone", "UTC", "--json")
    assert (found.code, found.json["error"]["code"]) == (2, "USAGE")


def test_the_shell_completes_commands(migrate: Migrate) -> None:
    assert "_MIGRATE_COMPLETE" in migrate(_MIGRATE_COMPLETE="source_bash").out
    offered = migrate(_MIGRATE_COMPLETE="complete_bash", COMP_WORDS="migrate imp", COMP_CWORD="1").out
    assert offered.split() == ["import"]
