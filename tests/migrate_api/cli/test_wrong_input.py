"""Slips of an operator: each ends with its exit code and one JSON document, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.migrate_api.cli.conftest import COMMAND, Migrate, environment

Church = dict[str, str]


@pytest.mark.parametrize(
    ("arguments", "code", "name"),
    [
        (["evidence", "check", "nix"], 2, "NO_EVIDENCE"),
        (["audit", "--folder", "nix"], 2, "NO_SUCH_SERVICE"),
        (["audit", "--database-url", "nonsense"], 2, "INVALID_REQUEST"),
        (["sandbox", "--organization", "Grace Church"], 2, "INVALID_REQUEST"),
        (["sample", "church.sqlite", "--gifts", "-1"], 2, "USAGE"),
        (["import", "--mission-url", "https://"], 2, "INVALID_REQUEST"),
        (["import", "--out", "what?"], 2, "BAD_FOLDER"),
        (["import", "--out", os.fsdecode(b"l\xe4t")], 2, "BAD_FOLDER"),
    ],
)
def test_a_slip(migrate: Migrate, tmp_path: Path, arguments: list[str], code: int, name: str) -> None:
    church = {"MIGRATE_MISSION_URL": "https://mission.example", "MIGRATE_ORGANIZATION": "grace"}
    secrets = {"MIGRATE_ROCK_CONNECTION": "sqlite:////nowhere", "MIGRATE_MISSION_KEY": "k"}
    ended = migrate(*arguments, "--json", **church, **secrets)
    assert (ended.code, ended.json["error"]["code"]) == (code, name)
    assert list(tmp_path.iterdir()) == []


def test_a_campus_that_rock_has_not(migrate: Migrate, rock: str) -> None:
    given = {"MIGRATE_MISSION_URL": "https://mission.example", "MIGRATE_ORGANIZATION": "grace"}
    ended = migrate("verify", "--json", "--campus", "777", MIGRATE_ROCK_CONNECTION=rock, **given)
    assert (ended.code, ended.json["error"]["code"]) == (2, "CAMPUS_UNKNOWN")
    assert "1 (" in ended.json["error"]["remedy"]


def test_the_command_alone_shows_its_help(migrate: Migrate) -> None:
    ended = migrate()
    assert (ended.code, ended.err.split()[:2]) == (2, ["Usage:", "migrate"])


@pytest.mark.parametrize("arguments", [["sample", "church.sqlite", "--people", "40"], ["import"]])
def test_a_disk_that_takes_no_more(church: Church, tmp_path: Path, arguments: list[str]) -> None:
    limited = ["bash", "-c", 'ulimit -f 64; exec "$@"', "-", *COMMAND, *arguments, "--json"]
    ended = subprocess.run(limited, cwd=tmp_path, env=environment(**church), capture_output=True, text=True)
    assert ended.returncode == 6
    assert json.loads(ended.stdout)["error"]["remedy"]
    assert "Traceback" not in ended.stderr
