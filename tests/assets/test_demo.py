"""What a run works on where nothing is set up: a sample church and a sandbox that runs share."""

import threading
from inspect import signature
from pathlib import Path

import pytest

from assets.demo import church_and_mission
from assets.home import Home
from assets.resources import DEFAULT_HOME
from migrate_api.cli.demo import demo
from migrate_etl.job import ImportJob
from migrate_transfer.core.errors import InvalidRequest


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MIGRATE_ROCK_CONNECTION", "MIGRATE_MISSION_KEY", "MIGRATE_MISSION_URL"):
        monkeypatch.delenv(name, raising=False)


def test_a_new_home_gets_church_mission_and_job(tmp_path: Path) -> None:
    with church_and_mission(Home(tmp_path), None) as (workspace, secrets), ImportJob(workspace, secrets) as job:
        assert job.scan().count("people", None) > 0
        assert job.load("people", [None]) if job.extract("people", [None]) and job.map("people", [None]) else False


def test_two_runs_share_a_sandbox_and_its_starter_waits_for_the_other(tmp_path: Path) -> None:
    home, inside, leave = Home(tmp_path), threading.Event(), threading.Event()
    with church_and_mission(home, None) as (first, _):
        first_folder = first.folder

    def second() -> None:
        with church_and_mission(home, None):
            inside.set()
            leave.wait()

    with church_and_mission(home, None) as (workspace, _):
        other = threading.Thread(target=second)
        other.start()
        assert inside.wait(60)
        assert workspace.folder == first_folder
        leave.set()
    other.join()


def test_half_an_environment_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGRATE_ROCK_CONNECTION", "Server=sql;Password=hush")
    with pytest.raises(InvalidRequest) as caught, church_and_mission(Home(tmp_path), None):
        pass
    assert "hush" not in str(caught.value)


def test_a_church_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "MIGRATE_ROCK_CONNECTION": "Server=sql;Database=Rock",
        "MIGRATE_MISSION_KEY": "k",
        "MIGRATE_MISSION_URL": "https://mission.example",
        "MIGRATE_ORGANIZATION": "grace",
        "MIGRATE_CAMPUS_IDS": "1, 2",
    }.items():
        monkeypatch.setenv(name, value)
    with church_and_mission(Home(tmp_path), None) as (workspace, secrets):
        assert workspace.spec.campus_ids == (1, 2)
        assert secrets.mission_key.get_secret_value() == "k"


def test_the_home_of_nothing_set_up_is_not_where_the_demo_makes_its_church_anew() -> None:
    assert Path(DEFAULT_HOME) != signature(demo).parameters["out"].default
