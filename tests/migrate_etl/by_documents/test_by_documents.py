"""Churches planted at random, imported into a Mission, against what the documents say in plain Python.

`scope` and `records` share nothing with the mapping; a difference is the one's fault or the other's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from migrate_etl.proof import Proof
from migrate_etl.sandbox.mission.process import MissionSandbox
from migrate_etl.spec import ENTITY_NAMES, EntityName
from tests.journeys.church import KEY, Church
from tests.migrate_etl.by_documents.planted import FIRST_DAY, JOB_DAY, plant
from tests.migrate_etl.by_documents.records import Records
from tests.migrate_etl.by_documents.rows import Rows
from tests.migrate_etl.by_documents.scope import Scope

SMALL_GROUPS, MAILING_LISTS = "50fcfb30-f51a-49df-86f4-2b176ea1820b", "D1D95777-FFA3-CBB3-4A6D-658706DAED33"
CASES: list[tuple[int, str, dict[str, Any]]] = [
    (1, "v8", {"time_zone": "America/Chicago"}),
    (2, "v10", {"campus_ids": (1,), "time_zone": "Europe/Berlin"}),
    (3, "v12", {"campus_ids": (1,), "date_range_start": FIRST_DAY}),
    (4, "v16", {"date_range_start": FIRST_DAY, "time_zone": "Asia/Kathmandu"}),
    (5, "current", {"campus_ids": (1,), "time_zone": "America/Sao_Paulo"}),
    (6, "current", {"include_group_types": (SMALL_GROUPS, MAILING_LISTS), "time_zone": "Australia/Lord_Howe"}),
]
FLAGS = {"is_active", "is_anonymous", "is_refund", "non_positive", "is_approved"}
MOMENTS = {("contributions", "date"), ("attendance", "attended_at"), ("prayer_requests", "entered_at")}


@dataclass
class Imported:
    """What an import made of a church, and what it should have."""

    proof: Proof
    mission: MissionSandbox
    scope: Scope
    records: Records

    def held(self, entity: str) -> dict[str, dict[str, Any]]:
        """Mission's records by external id, as `Records` writes them."""
        names = [row[1] for row in self.mission.sql(f"PRAGMA table_info({entity})")]
        rows = [dict(zip(names, row, strict=True)) for row in self.mission.sql(f"SELECT * FROM {entity}")]
        own = {"position", "organization", "batch_id", "external_id"}
        return {
            row["external_id"]: {name: _read(entity, name, row[name]) for name in names if name not in own}
            for row in rows
        }


def _read(entity: str, name: str, cell: Any) -> Any:
    if cell is None:
        return None
    if (entity, name) in MOMENTS:
        return datetime.fromisoformat(cell)
    if name == "members":
        return {member["external_person_id"]: member["role"] for member in json.loads(cell)}
    if name in FLAGS:
        return bool(cell)
    return json.loads(cell) if name == "address" else cell


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def imported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imported]:
    seed, release, options = request.param
    folder: Path = tmp_path_factory.mktemp("church")
    plant(folder / "rock.sqlite", release, seed)
    with MissionSandbox.start(folder / "mission", "grace", KEY) as mission:
        church = Church(folder / "jobs", f"sqlite:///{folder / 'rock.sqlite'}", mission)
        with church.job(started_on=JOB_DAY, **options) as job:
            proof = job.run()
        rock = Rows(folder / "rock.sqlite")
        scope = Scope(rock, job.spec)
        yield Imported(proof, mission, scope, Records(rock, job.spec, scope))


@pytest.mark.parametrize("entity", ENTITY_NAMES)
def test_mission_holds_what_the_documents_say(imported: Imported, entity: str) -> None:
    held = imported.held(entity)
    assert held == imported.records.by_entity[entity]
    for name in {name for kind, name in MOMENTS if kind == entity}:
        expected = {id: record[name].utcoffset() for id, record in imported.records.by_entity[entity].items()}
        assert {id: record[name].utcoffset() for id, record in held.items()} == expected


@pytest.mark.parametrize("entity", ENTITY_NAMES)
def test_what_is_left_out_is_counted_under_its_rule(imported: Imported, entity: EntityName) -> None:
    counts = imported.proof.counts[entity]
    assert dict(counts.skips) == dict(imported.scope.skips[entity])
    assert (counts.done, counts.failed) == (len(imported.scope.loaded[entity]), 0)


def test_who_was_pulled_in_is_counted(imported: Imported) -> None:
    assert imported.proof.counts["people"].pulled_in == imported.scope.pulled_in
