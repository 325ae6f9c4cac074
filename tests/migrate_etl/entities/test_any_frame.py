"""Whatever the rows hold: every one has one outcome, and every record that goes out keeps the contract of the wire."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from checks.rules import RULES
from migrate_etl.entities import ENTITIES
from migrate_etl.entity import Entity, Mapped
from migrate_etl.mapping import REJECT, map_chunk
from migrate_etl.mission.encode import encode
from migrate_etl.spec import EntityName, RockImportSpec
from tests.migrate_etl.entities.frames import frames, lookups

DOCUMENT = yaml.safe_load((Path(__file__).parents[3] / "docs/mission-import.openapi.yaml").read_text("utf-8"))
RECORDS = {
    "people": "Person",
    "families": "Family",
    "groups": "Group",
    "contributions": "Contribution",
    "attendance": "Attendance",
    "prayer_requests": "PrayerRequest",
}
LOOKUPS = lookups()
SPECS = [
    RockImportSpec(
        job_id="any",
        organization="grace",
        mission_url="http://127.0.0.1:9",
        started_on=date(2026, 11, 1),
        time_zone=zone,
        campus_ids=campuses,
        date_range_start=start,
    )
    for zone, campuses, start in (
        ("America/New_York", (), None),
        ("Pacific/Apia", (1,), date(2011, 12, 30)),
    )
]
every_entity = pytest.mark.parametrize("name", list(ENTITIES))


@cache
def validator(name: EntityName) -> Draft202012Validator:
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{RECORDS[name]}", **DOCUMENT}, format_checker=FormatChecker()
    )


@cache
def nothing(name: EntityName) -> Mapped:
    """What no rows are mapped to; chunks are put together, so all have its columns."""
    entity = ENTITIES[name]
    schema = {field: column.dtype.type for field, column in entity.raw_contract.schema.columns.items()}
    return map_chunk(pl.DataFrame(schema=schema), entity, LOOKUPS, SPECS[0])


def sent(mapped: Mapped, entity: Entity) -> list[dict[str, Any]]:
    """What would go to Mission, as JSON."""
    records = mapped.records.filter(pl.col("skip").is_null() & pl.col(REJECT).is_null())
    return [json.loads(line) for line in encode(records, entity.wire).lines]


@every_entity
@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(data=st.data(), spec=st.sampled_from(SPECS))
def test_every_row_has_one_outcome(name: EntityName, data: st.DataObject, spec: RockImportSpec) -> None:
    """Skipped under a rule, sent in a form Mission takes, or refused for a text that is the source's own."""
    entity = ENTITIES[name]
    chunk = data.draw(frames(entity.raw_contract))
    mapped = map_chunk(chunk, entity, LOOKUPS, spec)
    records = sent(mapped, entity)
    assert mapped.records["id"].to_list() == chunk["id"].to_list()
    assert mapped.records.schema == nothing(name).records.schema
    assert set(mapped.records["skip"].drop_nulls()) <= set(RULES)
    assert set(mapped.records[REJECT].drop_nulls()) <= {"text_length"}
    assert {rule for rule in mapped.findings["rule"] if RULES[rule].owner == "mapping"} <= {"own_currency_type"}
    assert [error.message for record in records for error in validator(name).iter_errors(record)] == []
    assert [record for record in records if names_twice(record.get("members", []))] == []


def names_twice(members: list[dict[str, str]]) -> bool:
    return len(members) != len({member["external_person_id"] for member in members})


@every_entity
def test_no_rows_make_no_records(name: EntityName) -> None:
    entity = ENTITIES[name]
    mapped = nothing(name)
    assert (mapped.records.height, mapped.findings.height) == (0, 0)
    assert {"id", "skip", REJECT, *entity.wire} <= set(mapped.records.columns)
