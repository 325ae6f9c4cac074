"""Who may come in, and addresses that are not there."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize("key", ["", "unknown", "key-of-grac", "ключ".encode().decode("latin-1")])
def test_a_missing_or_unknown_key_is_401(mission: Any, key: str) -> None:
    answer = mission.http.get("/api/import/totals", headers=[(b"X-Integration-Key", key.encode("latin-1"))])
    mission.contract.check(answer)
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")


def test_the_key_comes_before_all_else(mission: Any) -> None:
    wrong = {"X-Integration-Key": "unknown"}
    assert mission.http.get("/api/import/records?limit=0", headers=wrong).status_code == 401
    assert mission.send("funds", "", b"{", **wrong).status_code == 401


def test_a_revoked_key_is_403_and_a_new_one_works(mission: Any) -> None:
    mission.sandbox.revoke()
    answer = mission.post("funds", [mission.record("funds", 1)])
    assert (answer.status_code, answer.json()["details"]["requiredProduct"]) == (403, "mission")
    mission.sandbox.admit("grace-church", "new-key")
    answer = mission.post("funds", [mission.record("funds", 1)], **{"X-Integration-Key": "new-key"})
    assert mission.counts(answer) == (1, 0, 0, 0)


@pytest.mark.parametrize("slug", ["no-church", "hope-church"])
def test_an_unknown_organisation_and_another_ones_are_404(mission: Any, slug: str) -> None:
    mission.sandbox.admit("hope-church", "key-of-hope")
    posted = mission.send("funds", *mission.batch("funds", [mission.record("funds", 1)], organization=slug))
    for answer in (
        posted,
        mission.get("totals", organization=slug),
        mission.get("records", organization=slug, entity="funds"),
    ):
        mission.contract.check(answer)
        assert (answer.status_code, answer.json()["code"]) == (404, "ORGANIZATION_NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "pets", 404), ("POST", "pets", 404), ("GET", "people", 405)]
)
def test_an_address_that_is_not_there(mission: Any, method: str, path: str, status: int) -> None:
    answer = mission.http.request(method, f"/api/import/{path}")
    assert answer.status_code == status
    assert answer.json().keys() == {"error", "code", "details"}


def test_keys_stand_nowhere_in_clear(mission: Any) -> None:
    mission.post("funds", [mission.record("funds", 1)])
    files = list(mission.sandbox.database.parent.iterdir())
    assert mission.sandbox.database in files
    assert not [file.name for file in files if b"key-of-grace" in file.read_bytes()]
    assert "key-of-grace" not in repr(mission.sandbox)
    assert "key-of-grace" not in str(mission.sandbox.requests())


def test_broken_books_answer_500_as_the_contract_has_it(mission: Any) -> None:
    mission.sandbox.sql("ALTER TABLE funds RENAME TO elsewhere")
    answer = mission.http.get("/api/import/totals?organization=grace-church")
    mission.sandbox.sql("ALTER TABLE elsewhere RENAME TO funds")
    mission.contract.check(answer)
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
