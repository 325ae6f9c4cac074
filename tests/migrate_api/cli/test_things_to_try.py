"""demo, sample, sandbox and test-connection."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from urllib.request import urlopen

from tests.migrate_api.cli.conftest import COMMAND, Migrate, environment


def test_the_demo_leaves_report_and_evidence(migrate: Migrate, tmp_path: Path) -> None:
    ended = migrate("demo", "--out", "demo", "--people", "40")
    assert ended.code == 0, ended.err
    report = json.loads((tmp_path / "demo" / "report.json").read_text())
    assert {"quality_score", "financial_match", "scope_match", "unexplained", "entities"} <= set(report)
    assert report["unexplained"] == "0.00"
    assert (tmp_path / "demo" / "evidence" / "manifest.json").exists()
    assert "demo/report.html" in ended.out


def test_a_demo_replaces_an_earlier_one_and_nothing_else(migrate: Migrate, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    assert migrate("demo", "--out", "mine", "--people", "40").code == 2
    assert (mine / "thesis.txt").exists()


def test_a_sample_with_its_truth(migrate: Migrate, tmp_path: Path) -> None:
    made = migrate("sample", "church.sqlite", "--people", "40", "--seed", "5", "--json")
    assert made.json["connection"] == f"sqlite:///{tmp_path}/church.sqlite"
    assert made.json["truth"]
    assert migrate("sample", "church.sqlite", "--people", "40").code == 2


def test_a_connection_that_works_shows_campuses_release_and_dates(migrate: Migrate, rock: str) -> None:
    found = migrate("test-connection", "--json", MIGRATE_ROCK_CONNECTION=rock)
    assert (found.code, found.json["code"]) == (0, "OK")
    assert {"release", "campuses", "gifts", "attendance", "rows"} <= set(found.json["contents"])
    assert "Campuses" in migrate("test-connection", MIGRATE_ROCK_CONNECTION=rock).out


def test_a_connection_that_does_not_work_says_why(migrate: Migrate) -> None:
    broken = {"MIGRATE_ROCK_CONNECTION": "Server=x;Database=Rock;Integrated Security=true"}
    found = migrate("test-connection", "--json", **broken)
    assert (found.code, found.json["code"]) == (3, "INTEGRATED_SECURITY_REFUSED")
    assert found.json["remedy"] in migrate("test-connection", **broken).err


def test_the_sandbox_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    running = subprocess.Popen(
        [*COMMAND, "sandbox", "--folder", "books", "--json"],
        env=environment(MIGRATE_MISSION_KEY="k"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    told = ""
    while not told.endswith("}\n"):
        told += running.stdout.readline()
    with urlopen(f"{json.loads(told)['url']}/sandbox/requests") as answer:
        assert answer.status == 200
    running.send_signal(signal.SIGTERM)
    running.communicate()
    assert running.returncode == 0
