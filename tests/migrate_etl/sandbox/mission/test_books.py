"""What the books do with a batch: upsert, references, and nothing remembered outside the file."""

from __future__ import annotations

from typing import Any

import pytest


def test_new_same_changed(mission: Any) -> None:
    fund = mission.record("funds", 1)
    assert mission.counts(mission.post("funds", [fund, mission.record("funds", 2)])) == (2, 0, 0, 0)
    changed = {**fund, "name": "Building"}
    assert mission.counts(mission.post("funds", [changed, mission.record("funds", 2)])) == (0, 1, 1, 0)
    assert mission.counts(mission.post("funds", [fund])) == (0, 1, 0, 0)


def test_the_same_id_twice_in_a_batch_counts_as_two_batches_would(mission: Any) -> None:
    fund = mission.record("funds", 1)
    answer = mission.post("funds", [fund, {**fund, "name": "B"}, {**fund, "name": "B"}])
    assert mission.counts(answer) == (1, 1, 1, 0)
    assert mission.sandbox.sql("SELECT name FROM funds") == [("B",)]


def test_one_bad_record_leaves_the_others(mission: Any) -> None:
    answer = mission.post("funds", [mission.record("funds", 1), mission.record("funds", 2, name="")])
    assert mission.counts(answer) == (1, 0, 0, 1)
    assert mission.codes(answer) == {"rock:funds:2": "VALIDATION_ERROR"}
    assert answer.json()["errors"][0]["message"].startswith("name: ")


@pytest.mark.parametrize(
    ("entity", "field", "code"),
    [
        ("funds", "external_parent_id", "PARENT_NOT_FOUND"),
        ("groups", "external_parent_id", "PARENT_NOT_FOUND"),
        ("contributions", "external_fund_id", "FUND_NOT_FOUND"),
        ("contributions", "external_person_id", "PERSON_NOT_FOUND"),
        ("attendance", "external_person_id", "PERSON_NOT_FOUND"),
        ("attendance", "external_group_id", "GROUP_NOT_FOUND"),
        ("prayer_requests", "external_person_id", "PERSON_NOT_FOUND"),
    ],
)
def test_a_reference_to_nothing(mission: Any, entity: str, field: str, code: str) -> None:
    mission.prelude()
    lost, good = mission.record(entity, 1, **{field: "rock:nothing:1"}), mission.record(entity, 2)
    answer = mission.post(entity, [lost, good])
    assert mission.codes(answer) == {lost["external_id"]: code}
    assert mission.counts(answer) == (1, 0, 0, 1)


@pytest.mark.parametrize(("entity", "role"), [("families", "Head"), ("groups", "Leader")])
def test_members_must_be_known_and_named_once(mission: Any, entity: str, role: str) -> None:
    mission.prelude()
    ted, stranger = ({"external_person_id": f"rock:person:{n}", "role": role} for n in (4, 99))
    records = [mission.record(entity, n, members=who) for n, who in enumerate(([ted], [ted, ted], [ted, stranger]))]
    codes = mission.codes(mission.post(entity, records))
    assert codes == {f"rock:{entity}:1": "DUPLICATE_MEMBER", f"rock:{entity}:2": "PERSON_NOT_FOUND"}


def test_members_in_another_order_are_the_same(mission: Any) -> None:
    mission.prelude()
    family = mission.contract.example("families")
    turned = {**family, "members": family["members"][::-1]}
    mission.post("families", [family])
    assert mission.counts(mission.post("families", [turned])) == (0, 0, 1, 0)


@pytest.mark.parametrize(("order", "codes"), [(1, {}), (-1, {"rock:funds:2": "PARENT_NOT_FOUND"})])
def test_a_parent_may_stand_earlier_in_the_batch_but_not_later(mission: Any, order: int, codes: dict[str, str]) -> None:
    funds = [mission.record("funds", 1), mission.record("funds", 2, external_parent_id="rock:funds:1")]
    assert mission.codes(mission.post("funds", funds[::order])) == codes


def test_a_refused_parent_is_no_parent(mission: Any) -> None:
    parent = mission.record("funds", 1, name="")
    child = mission.record("funds", 2, external_parent_id="rock:funds:1")
    assert mission.codes(mission.post("funds", [parent, child]))["rock:funds:2"] == "PARENT_NOT_FOUND"


def test_people_may_name_a_family_that_comes_later(mission: Any) -> None:
    assert mission.counts(mission.post("people", [mission.contract.example("people")])) == (1, 0, 0, 0)


def test_what_is_planted_by_sql_counts_at_once(mission: Any) -> None:
    mission.prelude()
    gift = mission.record("contributions", 1)
    mission.post("contributions", [gift])
    mission.sandbox.sql("UPDATE contributions SET amount_cents = amount_cents + 1")
    assert mission.get("totals").json()["contributions"]["sum"] == "125.01"
    assert mission.counts(mission.post("contributions", [gift], "again")) == (0, 1, 0, 0)
    mission.sandbox.sql("DELETE FROM funds")
    assert mission.codes(mission.post("contributions", [gift], "third")) == {"rock:contributions:1": "FUND_NOT_FOUND"}


def test_awkward_text_comes_back_as_it_went_in(mission: Any) -> None:
    names = ["👩‍👩‍👧 & Co", "\u202eשלום", "a\x00b", "O'Brien; DROP TABLE people", 'quote " back \\ slash']
    people = [mission.record("people", n, first_name=name) for n, name in enumerate(names)]
    assert mission.counts(mission.post("people", people)) == (len(names), 0, 0, 0)
    assert mission.counts(mission.post("people", people, "again")) == (0, 0, len(names), 0)
    assert [name for (name,) in mission.sandbox.sql("SELECT first_name FROM people ORDER BY position")] == names


def test_organisations_keep_their_own_books(mission: Any) -> None:
    fund = mission.record("funds", 1)
    mission.post("funds", [fund])
    mission.sandbox.admit("hope-church", "key-of-hope")
    key, body = mission.batch("funds", [fund], organization="hope-church")
    answer = mission.send("funds", key, body, **{"X-Integration-Key": "key-of-hope"})
    assert mission.counts(answer) == (1, 0, 0, 0)
    assert mission.get("totals").json()["entities"]["funds"]["count"] == 1


def test_the_digest_knows_content_and_nothing_else(mission: Any) -> None:
    mission.prelude()
    gifts = [mission.record("contributions", n) for n in range(3)]
    mission.post("contributions", gifts)
    first = mission.sandbox.digest()
    mission.sandbox.sql("DELETE FROM contributions")
    for gift in reversed(gifts):
        mission.post("contributions", [gift], "one by one")
    assert mission.sandbox.digest() == first
    mission.sandbox.sql("UPDATE contributions SET amount_cents = amount_cents - 1 WHERE position = 2")
    assert mission.sandbox.digest() != first
