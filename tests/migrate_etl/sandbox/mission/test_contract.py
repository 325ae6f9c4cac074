"""The contract file itself, and that the sandbox accepts and refuses exactly what it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate

ENTITIES = ("funds", "people", "families", "groups", "contributions", "attendance", "prayer_requests")
STATUSES = (400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 502, 503, 504)

ODD_TEXTS = (
    *(
        "",
        " ",
        "\n",
        "0",
        "10",
        "10.0",
        "10.00",
        "-10.00",
        "-0.00",
        "0.00",
        "00.00",
        "010.00",
        "10.000",
        "1e2",
        "-0.01",
    ),
    *("9999999999999999.99", "10000000000000000.00", "+1.00", "1,000.00", "10.00\n", "٣.٠٠", "NaN", ".50", "10."),
    *("2024-02-29", "2023-02-29", "2024-13-01", "2024-2-9", "0000-01-01", "0001-01-01", "9999-12-31", "20240229"),
    *("2024-W10-3", "2024-00-10", "2024-02-29\n", "٢٠٢٤-٠١-٠١"),
    *("2024-03-10T02:30:00-05:00", "2024-03-10T02:30:00Z", "2024-03-10T02:30:00", "2024-03-10 02:30:00Z"),
    *("2024-03-10T24:00:00Z", "2024-03-10T02:30:60Z", "2024-03-10T02:30:00.1234567Z", "2023-02-29T00:00:00Z"),
    *("2024-03-10T02:60:00Z", "2024-03-10T02:30Z", "2024-03-10T02:30:00.123456Z", "2024-03-10T02:30:00.Z"),
    *("2024-03-10T02:30:00.5+14:00", "2024-03-10T02:30:00+24:00", "2024-03-10t02:30:00z", "2024-03-10T02:30:00Z\n"),
    *("2024-03-10T02:30:00+0500", "2024-03-10T02:30:00+05:60", "0000-03-10T02:30:00Z", "0001-01-01T00:00:00Z"),
    *("a@b.c", "a@b", "a b@c.d", "@b.c", "a@@b.c", "a@b.c\n", "a@b.", "é@ü.de", "x" * 250 + "@b.c", "x" * 251 + "@b.c"),
    *("Active", "active", "Male", "male", "Head", "Leader", "Member", "Cash", "public", "person", "Team"),
    *("rock:person:4", "rock:person:4\n", "rock person", "ünï", "👩‍👩‍👧", "\u202eshalom", "a\x00b", "\x7f", "~!"),
    *("x" * length for length in (50, 51, 100, 101, 128, 129, 250, 251)),
    *("1" * length for length in (50, 51, 65_535, 65_536)),
)
ODD_VALUES = (*ODD_TEXTS, None, True, False, 0, 1, -1, 5.0, 0.5, 2_147_483_647, 2_147_483_648, 10**30, [], {}, [None])
PARTS = ("street1", "street2", "city", "state", "postal_code", "country")

values = st.sampled_from(ODD_VALUES) | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
members = st.lists(st.fixed_dictionaries({"external_person_id": values, "role": values}), max_size=2)
addresses = st.fixed_dictionaries(dict.fromkeys(PARTS, values)) | st.dictionaries(st.sampled_from(PARTS), values)


def each_alteration(example: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The example with every field, outer or inner, lost and set to every odd value in turn."""
    yield {**example, "more": None}
    for name, old in example.items():
        yield {other: value for other, value in example.items() if other != name}
        inner = [{**example, name: changed} for changed in _inner(old)]
        yield from (*inner, *({**example, name: value} for value in ODD_VALUES))


def _inner(old: Any) -> Iterator[Any]:
    if isinstance(old, dict):
        yield from each_alteration(old)
    if isinstance(old, list):
        yield from ([*old[1:], member] for member in each_alteration(old[0]))


@st.composite
def altered(draw: st.DrawFn, example: dict[str, Any]) -> dict[str, Any]:
    """The example with one or two fields changed, lost or added; its external id stays."""
    record = dict(example)
    fields = [name for name in record if name != "external_id"]
    for name in draw(st.lists(st.sampled_from(fields), max_size=2)):
        record[name] = draw(values | members | addresses)
    change = draw(st.sampled_from(["none", "none", "none", "lose", "add"]))
    if change == "lose":
        del record[draw(st.sampled_from(fields))]
    if change == "add":
        record[draw(st.text(max_size=5))] = draw(values)
    return record


def test_the_contract_is_openapi_3_1(contract: Any) -> None:
    validate(contract.document)
    assert contract.document["openapi"].startswith("3.1")


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_record_has_all_its_fields_and_an_example(contract: Any, entity: str) -> None:
    schema = contract.schemas[contract.record(entity).schema["$ref"].rsplit("/")[-1]]
    assert schema["required"] == list(schema["properties"]) == list(contract.example(entity))
    assert schema["additionalProperties"] is False
    contract.record(entity).validate(contract.example(entity))


def test_every_other_example_keeps_to_its_schema(contract: Any) -> None:
    for schema in contract.schemas.values():
        for example in schema.get("examples", ()):
            contract.validator(schema).validate(example)


@pytest.mark.parametrize("entity", ENTITIES)
def test_the_examples_are_stored(mission: Any, entity: str) -> None:
    mission.prelude()
    assert sum(mission.counts(mission.post(entity, [mission.contract.example(entity)], "again"))[:3]) == 1


def agree(mission: Any, entity: str, altered_records: list[dict[str, Any]]) -> None:
    """The sandbox calls those records invalid that the contract calls invalid, and no others."""
    records = [{**record, "external_id": f"rock:altered:{n}"} for n, record in enumerate(altered_records)]
    check = mission.contract.record(entity)
    refused: set[str] = set()
    for start in range(0, len(records), 250):
        codes = mission.codes(mission.post(entity, records[start : start + 250]))
        refused |= {name for name, code in codes.items() if code == "VALIDATION_ERROR"}
    assert refused == {record["external_id"] for record in records if not check.is_valid(record)}


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_field_is_refused_exactly_where_the_contract_refuses_it(mission: Any, entity: str) -> None:
    agree(mission, entity, list(each_alteration(mission.contract.example(entity))))


@pytest.mark.parametrize("entity", ENTITIES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.data_too_large])
@given(data=st.data())
def test_drawn_records_are_refused_exactly_where_the_contract_refuses_them(
    running: Any, entity: str, data: Any
) -> None:
    example = running.contract.example(entity)
    agree(running, entity, data.draw(st.lists(altered(example), min_size=1, max_size=15)))


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("path", ["/api/import/funds", "/api/import/totals", "/api/import/records"])
def test_a_scripted_status_keeps_to_the_contract(mission: Any, path: str, status: int) -> None:
    documented = mission.contract.document["paths"][path]
    method = next(iter(documented)).upper()
    mission.sandbox.fault("status", status=status, retry_after=1)
    answer = mission.http.request(method, path)
    assert answer.status_code == status
    if str(status) in documented[method.lower()]["responses"]:
        mission.contract.check(answer)
