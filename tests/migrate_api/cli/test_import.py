"""import, verify and report as a church uses them: real processes, a real Mission, real books."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import polars as pl

from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_transfer.core.control import Control
from tests.migrate_api.cli.conftest import COMMAND, KEY, Migrate, environment

Church = dict[str, str]


def test_an_import_and_another_that_finds_everything_unchanged(migrate: Migrate, church: Church) -> None:
    first = migrate("import", "--json", **church)
    assert first.code == 0, first.err
    assert (first.json["unexplained"], first.json["scope_match"]) == ("0.00", True)
    second = migrate("import", "--json", **church).json
    assert second["job"] != first.json["job"]
    assert sum(counts["done"] for counts in second["entities"].values()) == 0


def test_the_figures_for_people_and_the_names_on_request(migrate: Migrate, church: Church, tmp_path: Path) -> None:
    job = migrate("import", "--json", "--entity", "people", "--entity", "contributions", **church).json["job"]
    shown = migrate("report", job, "--names", "names.csv")
    assert "unexplained: 0.00" in shown.out
    assert "report.html" in shown.out
    assert "name" in pl.read_csv(tmp_path / "names.csv").columns
    refused = migrate("report", job, "--json", "--names", "nowhere/names.csv").json["error"]
    assert (refused["code"], refused["message"]) == (
        "STORAGE_FAILED",
        "Cannot write nowhere/names.csv: No such file or directory.",
    )


def test_a_dry_run_sends_nothing_and_needs_no_key(migrate: Migrate, church: Church, mission: MissionSandbox) -> None:
    del church["MIGRATE_MISSION_KEY"]
    found = migrate("verify", "--json", "--entity", "people", **church)
    assert found.json["to_load"]["people"] > 40
    assert {"rule", "remedy", "owner", "count"} <= set(found.json["findings"][0])
    assert mission.requests()["count"] == 0


def test_a_revoked_key_ends_at_once_with_its_exit_code(
    migrate: Migrate, church: Church, mission: MissionSandbox
) -> None:
    mission.revoke()
    ended = migrate("import", **church)
    assert ended.code == 5
    assert "MISSION_KEY_REFUSED" in ended.err
    assert KEY not in ended.err


def test_a_rock_that_is_not_there_is_told_from_mission(migrate: Migrate, church: Church) -> None:
    church["MIGRATE_ROCK_CONNECTION"] = "sqlite:////nowhere/rock.sqlite"
    ended = migrate("import", "--json", **church)
    assert (ended.code, ended.json["error"]["code"]) == (3, "ROCK_DATABASE_NOT_FOUND")


def test_a_job_without_a_report_says_so(migrate: Migrate, church: Church, mission: MissionSandbox) -> None:
    mission.revoke()
    migrate("import", "--job", "broken", **church)
    ended = migrate("report", "out/import/jobs/broken", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "NO_REPORT")


def test_secrets_by_standard_input(migrate: Migrate, church: Church) -> None:
    connection, key = church.pop("MIGRATE_ROCK_CONNECTION"), church.pop("MIGRATE_MISSION_KEY")
    ended = migrate("import", "-", "--entity", "people", given=f"{connection}\n{key}\n", **church)
    assert ended.code == 0, ended.err


def test_a_signal_pauses_and_the_same_command_goes_on(
    migrate: Migrate, church: Church, mission: MissionSandbox, tmp_path: Path
) -> None:
    for signum in (signal.SIGINT, signal.SIGTERM):
        running = start(church, tmp_path)
        mission.reset()
        mission.fault("slow", milliseconds=500)
        wait_for_a_request(mission, running)
        running.send_signal(signum)
        out, _ = running.communicate()
        assert (running.returncode, '"paused"' in out) == (130, True)
    ended = migrate("import", "--json", **church)
    assert (ended.code, ended.json["unexplained"]) == (0, "0.00")
    assert len(list((tmp_path / "out" / "import" / "jobs").glob("import-*"))) == 1


def test_a_second_run_is_refused_and_leaves_the_first_alone(
    migrate: Migrate, church: Church, mission: MissionSandbox, tmp_path: Path
) -> None:
    mission.process.send_signal(signal.SIGSTOP)  # the first run waits for it, however slow the second is
    running = start(church, tmp_path)
    while running.poll() is None and not list(tmp_path.glob("out/import/jobs/*/ledger.sqlite")):
        Control().wait(0.05)
    second = migrate("import", "--json", **church)
    mission.process.send_signal(signal.SIGCONT)
    first, _ = running.communicate()
    assert (second.code, second.json["error"]["code"]) == (7, "ALREADY_RUNNING")
    assert (running.returncode, json.loads(first)["unexplained"]) == (0, "0.00")


def start(church: Church, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "import", "--json"],
        env=environment(**church),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def wait_for_a_request(mission: MissionSandbox, running: subprocess.Popen[str]) -> None:
    patience = Control()
    while running.poll() is None and mission.requests()["count"] == 0:
        patience.wait(0.05)
