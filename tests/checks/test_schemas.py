"""The wire contracts hold what docs/mission-import.openapi.yaml says, field by field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from checks.contracts import Contract
from checks.schemas import attendance, contributions, families, groups, people, prayer_requests
from migrate_etl.mission.encode import REQUIRED_NAMES

DOCUMENT = yaml.safe_load((Path(__file__).parents[2] / "docs/mission-import.openapi.yaml").read_text("utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
CONTRACTS = {
    "Person": people.MISSION,
    "Family": families.MISSION,
    "Group": groups.MISSION,
    "Contribution": contributions.MISSION,
    "Attendance": attendance.MISSION,
    "PrayerRequest": prayer_requests.MISSION,
}
FIELDS = [(name, field) for name in CONTRACTS for field in SCHEMAS[name]["properties"]]
TYPES = {"string": pl.String, "boolean": pl.Boolean, "integer": pl.Int64, "array": pl.List, "object": pl.Struct}


def documented(record: str, field: str) -> dict[str, Any]:
    """The field's schema, references followed, with `types` as a set."""
    schema = SCHEMAS[record]["properties"][field]
    if "$ref" in schema:
        schema = {**SCHEMAS[schema["$ref"].rsplit("/", 1)[1]], **schema}
    if "oneOf" in schema:
        schema = {"type": ["object", "null"]}
    return {**schema, "types": {schema["type"]} if isinstance(schema["type"], str) else set(schema["type"])}


def statistics(contract: Contract, field: str, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = [c.statistics for c in contract.schema.columns[field].checks if c.name == name]
    return found[0] if found else {}


@pytest.mark.parametrize("record", CONTRACTS)
def test_the_same_fields(record: str) -> None:
    assert CONTRACTS[record].columns() == list(SCHEMAS[record]["properties"]) == SCHEMAS[record]["required"]


@pytest.mark.parametrize(("record", "field"), FIELDS)
def test_the_same_type_and_nulls(record: str, field: str) -> None:
    column, schema = CONTRACTS[record].schema.columns[field], documented(record, field)
    (kind,) = schema["types"] - {"null"}
    assert column.dtype.type == TYPES[kind]
    assert column.nullable == ("null" in schema["types"] or field in REQUIRED_NAMES)


@pytest.mark.parametrize(("record", "field"), FIELDS)
def test_the_same_words(record: str, field: str) -> None:
    words = statistics(CONTRACTS[record], field, "isin").get("allowed_values", ())
    assert set(words) == set(documented(record, field).get("enum", ())) - {None}


@pytest.mark.parametrize(("record", "field"), FIELDS)
def test_the_same_limits(record: str, field: str) -> None:
    schema, limits = documented(record, field), statistics(CONTRACTS[record], field, "str_length")
    if "maxLength" in schema:
        assert (limits["max_value"], limits["min_value"] or 0) in [
            (schema["maxLength"], schema.get("minLength", 0)),
            (schema["maxLength"], 1),
        ]
    else:
        assert limits == {}
