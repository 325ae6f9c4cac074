"""Which job a run works on: the open one, its successor when that is finished, the same one for all who ask at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from assets.home import Home
from migrate_etl.spec import RockImportSpec
from migrate_etl.workspace import Workspace
from migrate_transfer.core.errors import InvalidRequest


@pytest.fixture
def first() -> RockImportSpec:
    return RockImportSpec(
        job_id="grace",
        organization="grace",
        mission_url="http://127.0.0.1:1",
        started_on=date(2026, 1, 1),
        batch_size=77,
    )


def seal(workspace: Workspace) -> None:
    workspace.evidence.mkdir()
    (workspace.evidence / "manifest.json").write_text("{}")


def test_an_empty_home_begins_its_first_job(tmp_path: Path, first: RockImportSpec) -> None:
    assert Home(tmp_path).current(first).folder == tmp_path / "jobs" / "grace"


def test_an_open_job_goes_on(tmp_path: Path, first: RockImportSpec) -> None:
    home = Home(tmp_path)
    assert home.current(first).folder == home.current(first).folder


def test_a_finished_job_has_a_successor_with_its_options(tmp_path: Path, first: RockImportSpec) -> None:
    home = Home(tmp_path)
    seal(home.current(first))
    spec = home.current(first).spec
    assert (spec.job_id, spec.batch_size) == ("grace-2", 77)


def test_successors_are_numbered(tmp_path: Path, first: RockImportSpec) -> None:
    home = Home(tmp_path)
    names = []
    for _ in range(3):
        workspace = home.current(first)
        names.append(workspace.spec.job_id)
        seal(workspace)
    assert names == ["grace", "grace-2", "grace-3"]


def test_a_named_job_is_opened(tmp_path: Path, first: RockImportSpec) -> None:
    home = Home(tmp_path)
    home.current(first)
    home.current(first, "other")
    assert home.current(first, "grace").spec.job_id == "grace"


def test_a_new_name_is_a_new_job_with_the_options_of_the_newest(tmp_path: Path, first: RockImportSpec) -> None:
    home = Home(tmp_path)
    home.current(first)
    spec = home.current(first, "top-up-2026-11-20").spec
    assert (spec.job_id, spec.batch_size) == ("top-up-2026-11-20", 77)


def test_a_finished_job_that_is_named_does_not_change(tmp_path: Path, first: RockImportSpec) -> None:
    home = Home(tmp_path)
    seal(home.current(first))
    assert home.current(first, "grace").spec.job_id == "grace-2"
    assert home.current(first, "grace").spec.job_id == "grace-2"


def test_what_is_asked_for_anew_goes_into_the_successor(tmp_path: Path, first: RockImportSpec) -> None:
    home = Home(tmp_path)
    seal(home.current(first))
    asked = first.model_copy(update={"organization": "hope", "batch_size": 5})
    spec = home.current(asked, asked=["organization"]).spec
    assert (spec.job_id, spec.organization, spec.batch_size) == ("grace-2", "hope", 77)


def test_an_open_job_that_says_otherwise_is_refused(tmp_path: Path, first: RockImportSpec) -> None:
    home = Home(tmp_path)
    home.current(first)
    elsewhere = first.model_copy(update={"mission_url": "http://127.0.0.1:2"})
    with pytest.raises(InvalidRequest, match="mission_url"):
        home.current(elsewhere, asked=["mission_url", "organization"])


def test_all_who_ask_at_once_get_the_same_successor(tmp_path: Path, first: RockImportSpec) -> None:
    home = Home(tmp_path)
    seal(home.current(first))
    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: home.current(first).folder, range(16)))
    assert folders == {tmp_path / "jobs" / "grace-2"}


@pytest.mark.parametrize("name", ["..", "../grace", "a b", ""])
def test_a_name_that_is_no_folder_is_refused(tmp_path: Path, first: RockImportSpec, name: str) -> None:
    with pytest.raises(InvalidRequest):
        Home(tmp_path).current(first, name)
