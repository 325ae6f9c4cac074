"""Reading back: totals to the cent, every record once."""

from __future__ import annotations

from typing import Any

import pytest


def all_pages(mission: Any, entity: str, limit: int) -> list[dict[str, Any]]:
    page = mission.get("records", entity=entity, limit=limit).json()
    records = page["records"]
    while page["next"] is not None:
        page = mission.get("records", entity=entity, limit=limit, after=page["next"]).json()
        records += page["records"]
    return records


def test_empty_books(mission: Any) -> None:
    totals = mission.get("totals").json()
    assert totals["contributions"] == {"count": 0, "sum": "0.00", "by_fund_month": []}
    assert {total["count"] for total in totals["entities"].values()} == {0}
    assert mission.get("records", entity="people").json() == {"entity": "people", "records": [], "next": None}


@pytest.mark.parametrize("limit", [1, 3, 10, 11, 5000])
def test_pages_have_every_record_once(mission: Any, limit: int) -> None:
    mission.post("funds", [mission.record("funds", n) for n in range(10)])
    names = [record["external_id"] for record in all_pages(mission, "funds", limit)]
    assert sorted(names) == [f"rock:funds:{n}" for n in range(10)]


def test_a_gift_comes_back_with_its_fields(mission: Any) -> None:
    mission.prelude()
    gift = mission.contract.example("contributions")
    mission.post("contributions", [gift])
    (held,) = all_pages(mission, "contributions", 5)
    batch_id = held.pop("batch_id")
    assert held == {name: gift[name] for name in held}
    assert batch_id == mission.batch("contributions", [gift])[0]


def test_pages_hold_still_while_records_come_in(mission: Any) -> None:
    mission.post("funds", [mission.record("funds", n) for n in range(4)])
    first = mission.get("records", entity="funds", limit=2).json()
    mission.post("funds", [mission.record("funds", n, name="Changed") for n in range(6)])
    second = mission.get("records", entity="funds", limit=100, after=first["next"]).json()
    names = [record["external_id"] for record in first["records"] + second["records"]]
    assert names == [f"rock:funds:{n}" for n in range(6)]


def test_totals_by_fund_and_local_month(mission: Any) -> None:
    mission.prelude()
    gifts = [
        ("0.10", "2023-12-31T23:59:59-05:00"),
        ("0.20", "2024-01-01T00:00:00-05:00"),
        ("-0.35", "2024-01-31T23:00:00-05:00"),
    ]
    mission.post(
        "contributions", [mission.record("contributions", n, amount=a, date=d) for n, (a, d) in enumerate(gifts)]
    )
    money = mission.get("totals").json()["contributions"]
    cells = [(cell["year"], cell["month"], cell["count"], cell["sum"]) for cell in money["by_fund_month"]]
    assert cells == [(2023, 12, 1, "0.10"), (2024, 1, 2, "-0.15")]
    assert (money["count"], money["sum"]) == (3, "-0.05")


@pytest.mark.parametrize("amount", ["0.01", "-0.01", "0.00", "9999999999999999.99", "-9999999999999999.99", "10.05"])
def test_amounts_come_back_to_the_cent(mission: Any, amount: str) -> None:
    mission.prelude()
    mission.post("contributions", [mission.record("contributions", 1, amount=amount)])
    assert all_pages(mission, "contributions", 5)[0]["amount"] == amount


def test_sums_beyond_64_bits_are_exact(mission: Any) -> None:
    mission.prelude()
    mission.post(
        "contributions", [mission.record("contributions", n, amount="9999999999999999.99") for n in range(500)]
    )
    assert mission.get("totals").json()["contributions"]["sum"] == "4999999999999999995.00"


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": 0},
        {"limit": 5001},
        {"limit": "many"},
        {"after": "x"},
        {"after": ""},
        {"after": "e" * 500},
        {"entity": "pets"},
    ],
)
def test_a_wrong_parameter_is_named(mission: Any, wrong: dict[str, Any]) -> None:
    answer = mission.get("records", **{"entity": "funds", **wrong})
    assert answer.status_code == 400
    assert list(answer.json()["details"]["fields"]) == list(wrong)


def test_a_cursor_is_good_for_its_own_list_alone(mission: Any) -> None:
    mission.post("funds", [mission.record("funds", n) for n in range(2)])
    cursor = mission.get("records", entity="funds", limit=1).json()["next"]
    assert list(mission.get("records", entity="people", after=cursor).json()["details"]["fields"]) == ["after"]


def test_a_mission_without_read_back(start: Any) -> None:
    mission = start(read_back=False)
    for answer in (mission.get("totals"), mission.get("records", entity="people")):
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert mission.counts(mission.post("funds", [mission.record("funds", 1)])) == (1, 0, 0, 0)
