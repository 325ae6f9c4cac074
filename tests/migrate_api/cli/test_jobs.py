"""Which job a command works on."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from migrate_api.cli.import_settings import ImportSettings
from migrate_api.cli.jobs import REPLAY, dry_run_job, open_job
from migrate_etl.workspace import Workspace
from migrate_transfer.core.errors import InvalidRequest


def settings(**of_import: Any) -> ImportSettings:
    given = {("import", name): value for name, value in of_import.items()}
    return ImportSettings({("mission", "url"): "https://x", ("mission", "organization"): "grace", **given})


def seal(workspace: Workspace) -> None:
    workspace.evidence.mkdir()
    (workspace.evidence / "manifest.json").touch()


def begun_long_ago(workspace: Workspace) -> None:
    spec = workspace.spec.model_copy(update={"started_on": date(2020, 1, 1)})
    (workspace.folder / "spec.json").write_text(spec.model_dump_json())


def test_the_same_command_goes_on_with_the_same_job_also_on_another_day(tmp_path: Path) -> None:
    first = open_job(tmp_path, settings())
    begun_long_ago(first)
    again = open_job(tmp_path, settings())
    assert again.folder == first.folder
    assert again.spec.started_on == date(2020, 1, 1)


def test_a_named_job_goes_on_with_the_day_it_began_on(tmp_path: Path) -> None:
    begun_long_ago(open_job(tmp_path, settings(job_id="easter")))
    assert open_job(tmp_path, settings(job_id="easter")).spec.started_on == date(2020, 1, 1)


def test_other_settings_make_another_job(tmp_path: Path) -> None:
    first, second = open_job(tmp_path, settings()), open_job(tmp_path, settings(campus_ids=["2"]))
    assert second.folder.name == f"{first.folder.name}-2"


def test_a_finished_job_is_followed_by_another(tmp_path: Path) -> None:
    first = open_job(tmp_path, settings())
    seal(first)
    assert open_job(tmp_path, settings()).folder != first.folder


def test_a_finished_job_does_not_change(tmp_path: Path) -> None:
    seal(open_job(tmp_path, settings(job_id="easter")))
    with pytest.raises(InvalidRequest) as error:
        open_job(tmp_path, settings(job_id="easter"))
    assert error.value.error_code == "JOB_FINISHED"


def test_a_named_job_with_other_settings_is_refused_and_they_are_named(tmp_path: Path) -> None:
    open_job(tmp_path, settings(job_id="easter"))
    with pytest.raises(InvalidRequest, match="campus_ids, time_zone"):
        open_job(tmp_path, settings(job_id="easter", campus_ids=["2"], time_zone="Europe/Berlin"))


def test_nothing_goes_on_with_a_replay_or_a_dry_run(tmp_path: Path) -> None:
    replay = open_job(tmp_path, settings())
    (replay.folder / REPLAY).touch()
    dry = dry_run_job(tmp_path, settings())
    assert open_job(tmp_path, settings()).folder not in (replay.folder, dry.folder)


def test_a_job_that_cannot_be_read_holds_up_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = open_job(tmp_path, settings())
    (damaged.folder / "spec.json").write_text("{}")
    assert open_job(tmp_path, settings()).folder != damaged.folder
    assert "left alone" in capsys.readouterr().err
