"""Standard input, output and error: closed, full, or read by somebody who has seen enough."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.migrate_api.cli.conftest import COMMAND, Ended, environment

Shell = Callable[[str, str], Ended]


@pytest.fixture
def shell(tmp_path: Path, rock: str) -> Shell:
    """Runs `migrate` with the redirections of a shell, which prints the exit code last."""

    def run(arguments: str, redirected: str) -> Ended:
        line = f'"$@" {arguments} {redirected}; echo ${{PIPESTATUS[0]}}'
        variables = environment(MIGRATE_ROCK_CONNECTION=rock)
        command = ["bash", "-c", line, "-", *COMMAND]
        done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True)
        return Ended(int(done.stdout.split()[-1]), done.stdout, done.stderr)

    return run


@pytest.mark.parametrize("arguments", ["test-connection", "test-connection --json", "--help"])
def test_a_reader_who_has_seen_enough_changes_no_exit_code(shell: Shell, arguments: str) -> None:
    ended = shell(arguments, "| true")
    assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "redirected", "code"),
    [
        ("test-connection --json", ">&-", 0),
        ("test-connection", "<&- >&- 2>&-", 0),
        ("report nix --json", "2>/dev/full", 2),
        ("report nix", "2>/dev/full", 2),
        ("test-connection -", "<&-", 2),
    ],
)
def test_what_is_closed_or_full_is_done_without(shell: Shell, arguments: str, redirected: str, code: int) -> None:
    ended = shell(arguments, redirected)
    assert ended.code == code
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(("arguments", "code"), [("test-connection --json", 6), ("report nix --json", 2)])
def test_a_result_that_cannot_be_written_is_told(shell: Shell, arguments: str, code: int) -> None:
    ended = shell(arguments, ">/dev/full")
    assert ended.code == code
    assert ended.err.count("\n") == 2
