"""The whole mapping against a count made apart from it, on the dirty sample church, under each filter and release."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from migrate_etl.dataset import Dataset
from migrate_etl.job import ImportJob
from migrate_etl.sandbox.rock import make_sample, truth_of
from migrate_etl.spec import ImportSecrets, RockImportSpec
from migrate_etl.workspace import Workspace


@pytest.fixture(scope="module")
def church(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("church") / "rock.sqlite"
    make_sample(database, 150, 7)
    return database


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"campus_ids": (2,)},
        {"campus_ids": (1, 2)},
        {"date_range_start": date(2024, 1, 1)},
        {"campus_ids": (1,), "date_range_start": date(2025, 6, 15)},
    ],
)
def test_counts_and_sums_are_the_planted_ones(church: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    truth = truth_of(f"sqlite:///{church}", **options)
    spec = RockImportSpec(
        job_id="truth", organization="grace", mission_url="http://127.0.0.1:9", started_on=date(2026, 11, 1), **options
    )
    secrets = ImportSecrets.model_validate({"rock_connection": f"sqlite:///{church}", "mission_key": "k"})
    with ImportJob(Workspace.create(tmp_path / "job", spec), secrets) as job:
        for entity in spec.entities:
            partitions = job.scan().partitions(entity)
            job.extract(entity, partitions)
            job.map(entity, partitions)
            folders = [job.workspace.stage("mapped", entity, p) for p in partitions]
            frame = pl.concat([Dataset(folder).scan() for folder in folders]).collect()
            skips = dict(frame["skip"].drop_nulls().value_counts().iter_rows())
            assert (entity, frame.height) == (entity, truth.discovered[entity])
            assert (entity, skips) == (entity, dict(truth.skipped[entity]))
            if entity == "contributions":
                loaded = frame.filter(pl.col("skip").is_null()).group_by("_fund_id", "_year", "_month")
                cells = {(f, y, m): s for f, y, m, s in loaded.agg(pl.col("_amount").sum()).iter_rows()}
                assert cells == dict(truth.cells)
