"""A small Rock database to plant rows in, and what the import makes of it, without sending anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from migrate_etl.dataset import Dataset
from migrate_etl.job import ImportJob
from migrate_etl.sandbox.rock import Rock, empty_rock
from migrate_etl.spec import EntityName, ImportSecrets, RockImportSpec
from migrate_etl.workspace import Workspace


@dataclass
class Mapped:
    """Mapped rows by Rock id, and the rules of the findings by id."""

    rows: dict[int, dict[str, Any]]
    findings: dict[int, set[str]]

    def __getitem__(self, rock_id: int) -> dict[str, Any]:
        return self.rows[rock_id]

    def skip(self, rock_id: int) -> str | None:
        found: str | None = self.rows[rock_id]["skip"]
        return found

    def rules(self, rock_id: int) -> set[str]:
        return self.findings.get(rock_id, set())


MapAll = Callable[..., Mapped]


@pytest.fixture
def rock(tmp_path: Path) -> Iterator[Rock]:
    with empty_rock(tmp_path / "rock.sqlite") as handle:
        yield handle


@pytest.fixture
def mapped(rock: Rock, tmp_path: Path) -> MapAll:
    """Call with an entity's name and options of the spec: extracts and maps what was planted so far."""

    def run(entity: EntityName, **options: Any) -> Mapped:
        rock.execute(sa.text("commit"))  # the import reads through a connection of its own
        spec = RockImportSpec.model_validate(
            {
                "job_id": entity,
                "organization": "grace",
                "mission_url": "http://127.0.0.1:9",
                "started_on": date(2026, 11, 1),
                "time_zone": "America/New_York",
                **options,
            }
        )
        secrets = ImportSecrets.model_validate(
            {"rock_connection": f"sqlite:///{tmp_path / 'rock.sqlite'}", "mission_key": "k"}
        )
        with ImportJob(Workspace.create(tmp_path / entity, spec), secrets) as job:
            partitions = job.scan().partitions(entity)
            job.extract(entity, partitions)
            job.map(entity, partitions)
            stages = [
                pl.concat([Dataset(job.workspace.stage(stage, entity, p)).scan() for p in partitions]).collect()
                for stage in ("mapped", "findings")
            ]
        findings: dict[int, set[str]] = {}
        for rule, rock_id in stages[1].select("rule", "id").iter_rows():
            findings.setdefault(rock_id, set()).add(rule)
        return Mapped({row["id"]: row for row in stages[0].iter_rows(named=True)}, findings)

    return run
