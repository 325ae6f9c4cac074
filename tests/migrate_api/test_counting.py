"""Reports that only count take a short way: it counts, refuses and remembers exactly as the long one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from migrate_api.protocol.messages import Progress
from tests.migrate_api.site import RECOUNT, Site

PEOPLE = {"discovered": 9, "imported": 4, "skipped": 1, "errored": 0}
FIELDS = ("files_total", "bytes_total", "speed_mbps", "entities", "files_completed", "bytes_completed")


def shown(site: Site, job: dict[str, Any]) -> list[Any]:
    found = site.get(f"/api/jobs/{job['id']}")
    return [found[name] for name in FIELDS]


def test_counts_totals_and_entities_of_the_newest_are_kept(site: Site) -> None:
    agent = site.agent()
    job, token = site.running(agent)
    fields = {"files_completed": 4, "bytes_completed": 40, "bytes_per_second": 1e6}
    newest = {**fields, "totals": {"items": 9, "bytes": 90}, "entities": {"people": PEOPLE}}
    site.report(agent, job, token, 6, **newest)
    older = {"totals": {"items": 8, "bytes": 80}, "entities": {"people": {**PEOPLE, "imported": 3}}}
    site.report(agent, job, token, 5, **fields, **older)
    assert shown(site, job) == [9, 90, 8.0, {"people": PEOPLE}, 8, 80]


def test_a_report_with_every_field_said_goes_the_same_way(site: Site) -> None:
    """As the agent writes it: what it has nothing to say of is null or empty, and not left out."""
    agent = site.agent()
    job, token = site.running(agent)
    said = Progress(job_id=job["id"], token=token, sequence=4, files_completed=2, files_unchanged=1, files_skipped=3)
    answer = site.post("/api/progress", said.model_dump(mode="json"), key=agent["key"])
    assert answer == {"counted": True, "status": "running", "stop": None}
    found = site.get(f"/api/jobs/{job['id']}")
    assert [found[name] for name in ("files_completed", "files_unchanged", "files_skipped")] == [2, 1, 3]


def test_the_same_report_many_times_at_once_is_counted_once(site: Site) -> None:
    agent = site.agent()
    job, token = site.running(agent)
    with ThreadPoolExecutor(8) as threads:
        told = [
            threads.submit(site.report, agent, job, token, number % 5 + 4, files_completed=1) for number in range(40)
        ]
        answers = [one.result()["counted"] for one in told]
    assert (answers.count(True), site.get(f"/api/jobs/{job['id']}")["files_completed"]) == (5, 5)


@pytest.mark.parametrize(
    ("case", "code"), [("stale", "STALE_TOKEN"), ("ended", "JOB_FINISHED"), ("given", "JOB_NOT_YOURS")]
)
def test_what_is_refused_is_not_remembered(site: Site, case: str, code: str) -> None:
    agent, other = site.agent(), site.agent("other")
    job, token = site.running(agent)
    if case == "stale":
        site.lease(agent, job)
    elif case == "ended":
        site.report(agent, job, token, 4, status="completed", recount=RECOUNT)
    else:
        site.post(f"/api/jobs/{job['id']}/reassign", {"agent_id": other["id"]})
    body = {"job_id": job["id"], "token": token, "sequence": 9, "files_completed": 1}
    for _ in range(2):
        assert site.refused("POST", "/api/progress", body, key=agent["key"]) == (409, code)


def test_an_order_reaches_who_reports_the_short_way(site: Site) -> None:
    agent = site.agent()
    job, token = site.running(agent)
    site.post(f"/api/jobs/{job['id']}/pause")
    assert site.report(agent, job, token, 4, files_completed=1)["stop"] == "pause"
    site.post(f"/api/jobs/{job['id']}/cancel")
    assert site.report(agent, job, token, 5, files_completed=1)["stop"] == "cancel"
    assert site.get(f"/api/jobs/{job['id']}")["files_completed"] == 2
