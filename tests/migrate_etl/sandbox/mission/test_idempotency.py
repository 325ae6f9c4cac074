"""Twice is the same as once: stored answers, reused keys, two at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any


def test_the_same_batch_again_gets_the_stored_answer(mission: Any) -> None:
    key, body = mission.batch("funds", [mission.record("funds", 1), mission.record("funds", 2, name="")])
    first, second = mission.send("funds", key, body), mission.send("funds", key, body)
    mission.contract.check(second)
    assert first.content == second.content
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"


def test_a_replay_does_not_undo_a_later_change(mission: Any) -> None:
    fund = mission.record("funds", 1)
    old = mission.batch("funds", [fund])
    mission.send("funds", *old)
    mission.post("funds", [{**fund, "name": "Later"}])
    assert mission.counts(mission.send("funds", *old)) == (1, 0, 0, 0)
    assert mission.sandbox.sql("SELECT name FROM funds") == [("Later",)]


def test_a_change_back_under_a_new_key_counts(mission: Any) -> None:
    fund = mission.record("funds", 1)
    mission.post("funds", [fund])
    mission.post("funds", [{**fund, "name": "Later"}])
    assert mission.counts(mission.post("funds", [fund], "back")) == (0, 1, 0, 0)


def test_a_key_with_another_body_is_refused(mission: Any) -> None:
    key, body = mission.batch("funds", [mission.record("funds", 1)])
    mission.send("funds", key, body)
    answer = mission.send("funds", key, body.replace(b"General", b"Private"))
    mission.contract.check(answer)
    assert (answer.status_code, answer.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert mission.sandbox.sql("SELECT name FROM funds") == [("General Fund",)]


def test_a_key_at_another_path_is_refused(mission: Any) -> None:
    key, body = mission.batch("funds", [mission.record("funds", 1)])
    mission.send("funds", key, body)
    assert mission.send("people", key, body).json()["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_a_refused_batch_leaves_its_key_free(mission: Any) -> None:
    key, body = mission.batch("funds", [mission.record("funds", 1)])
    assert mission.send("funds", key, body[:-1]).status_code == 400
    assert mission.counts(mission.send("funds", key, body)) == (1, 0, 0, 0)


def test_the_stored_answer_keeps_its_errors_though_the_cause_is_gone(mission: Any) -> None:
    gift = mission.record("contributions", 1)
    assert mission.codes(mission.post("contributions", [gift])) == {"rock:contributions:1": "FUND_NOT_FOUND"}
    mission.prelude()
    assert mission.codes(mission.post("contributions", [gift])) == {"rock:contributions:1": "FUND_NOT_FOUND"}
    assert mission.counts(mission.post("contributions", [gift], "new key")) == (1, 0, 0, 0)


def test_one_batch_from_many_at_once_is_stored_once(mission: Any) -> None:
    batch = mission.batch("funds", [mission.record("funds", n) for n in range(300)])
    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(lambda _: mission.send("funds", *batch), range(24)))
    assert {answer.content for answer in answers} == {answers[0].content}
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert mission.sandbox.sql("SELECT count(*) FROM funds") == [(300,)]
