"""The folder of a dry run, and who may remove it."""

from __future__ import annotations

from pathlib import Path

from migrate_transfer.dry_run import dry_run_folder, sweep


def test_a_dry_run_that_goes_on_is_left_alone(tmp_path: Path) -> None:
    with dry_run_folder(tmp_path) as folder:
        (folder / "items.sqlite").touch()
        sweep(tmp_path)
        assert (folder / "items.sqlite").exists()
    assert list(tmp_path.iterdir()) == []
