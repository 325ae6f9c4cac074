"""The rate limit, only where one was asked for."""

from __future__ import annotations

import threading
from typing import Any


def test_no_limit_no_headers(mission: Any) -> None:
    assert not [name for name in mission.get("totals").headers if name.startswith("x-ratelimit")]


def test_the_limit_counts_down_and_then_refuses(start: Any) -> None:
    mission = start(rate_limit=3)
    answers = [mission.get("totals") for _ in range(3)] + [mission.post("funds", [mission.record("funds", 1)])]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    details = answers[3].json()["details"]
    assert details == {"limit": 3, "window": "1m", "retryAfter": int(answers[3].headers["retry-after"])}
    assert mission.sandbox.sql("SELECT count(*) FROM funds") == [(0,)]


def test_after_retry_after_it_goes_on(start: Any) -> None:
    mission = start(rate_limit=1, rate_window=1)
    mission.get("totals")
    refused = mission.get("totals")
    threading.Event().wait(int(refused.headers["retry-after"]))
    assert (refused.status_code, mission.get("totals").status_code) == (429, 200)


def test_all_keys_of_an_organisation_share_it_and_refused_requests_count_too(start: Any) -> None:
    mission = start(rate_limit=2)
    mission.sandbox.admit("grace-church", "second-key")
    assert mission.send("funds", "", b"").headers["x-ratelimit-remaining"] == "1"
    answer = mission.post("funds", [mission.record("funds", 1)], **{"X-Integration-Key": "second-key"})
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert mission.get("totals").status_code == 429


def test_an_unknown_key_costs_nobody_anything(start: Any) -> None:
    mission = start(rate_limit=1)
    refused = mission.http.get("/api/import/totals", headers={"X-Integration-Key": "unknown"})
    assert "x-ratelimit-limit" not in refused.headers
    assert mission.get("totals").status_code == 200
