"""What a job's folder and the books beside it are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_etl.spec import RockImportSpec
from migrate_etl.workspace import Workspace


def workspace(folder: Path, **options: str) -> Workspace:
    target = {"organization": "grace", "mission_url": "https://mission.example.org"}
    spec = {"job_id": "first", "started_on": "2026-11-20", **target, **options}
    return Workspace.create(folder, RockImportSpec.model_validate(spec))


def test_jobs_to_one_target_share_its_books(tmp_path: Path) -> None:
    first, second = workspace(tmp_path / "first"), workspace(tmp_path / "second", job_id="second")
    assert (first.receipts, first.pace) == (second.receipts, second.pace)


@pytest.mark.parametrize("other", [{"organization": "grave"}, {"mission_url": "https://other.example.org"}])
def test_another_target_has_books_of_its_own(tmp_path: Path, other: dict[str, str]) -> None:
    first, second = workspace(tmp_path / "first"), workspace(tmp_path / "second", **other)
    assert len({first.receipts, second.receipts, first.pace, second.pace}) == 4


def test_their_names_give_no_target_away(tmp_path: Path) -> None:
    names = [path.name for path in (workspace(tmp_path / "first").receipts, workspace(tmp_path / "first").pace)]
    assert not [name for name in names if "grace" in name or "example" in name]
