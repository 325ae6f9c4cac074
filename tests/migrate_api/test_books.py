"""Clients, projects, cost and reports."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest
import sqlalchemy as sa

from migrate_api.billing import cost, gigabytes
from migrate_api.project_status import follows
from migrate_api.protocol.states import JobStatus, ProjectStatus
from migrate_api.reports import Report, as_csv
from migrate_api.tables import Job, JobItem, Project, Tenant
from tests.migrate_api.site import Site

FAILED = {"completed": 7, "unchanged": 1, "skipped": 0, "failed": 2, "bytes_completed": 2_500_000_000}
ITEM = {
    "key": '=HYPERLINK("http://evil")',
    "entity": "people",
    "code": "BAD",
    "message": "no,\nreally",
    "remedy": "mend",
}


@pytest.mark.parametrize(
    ("moved", "mailboxes", "dollars"),
    [(0, 0, "0.00"), (10**9, 0, "0.40"), (0, 3, "36.00"), (12_500_000, 0, "0.01"), (12_499_999, 0, "0.00")],
)
def test_what_it_costs_rounded_half_up(moved: int, mailboxes: int, dollars: str) -> None:
    assert cost(moved, mailboxes) == Decimal(dollars)
    assert gigabytes(1) == "0.000000001"


def ended(site: Site) -> dict[str, str]:
    agent = site.agent()
    job, token = site.running(agent)
    site.report(agent, job, token, 4, failed_items=[ITEM])
    error = {"code": "ITEMS_FAILED", "message": "2 records failed.", "remedy": "replay them"}
    people = {"people": {"discovered": 10, "imported": 7, "skipped": 1, "errored": 2}}
    result = {"quality_score": 98.1, "financial_match": False}
    site.report(agent, job, token, 5, status="failed", error=error, recount=FAILED, entities=people, result=result)
    return job


def test_a_report_has_the_documented_figures(site: Site) -> None:
    found = site.get(f"/api/reports/{ended(site)['id']}")
    assert (found["completed"], found["unchanged"], found["failed"], found["discovered"]) == (7, 1, 2, 10)
    assert (found["success_rate"], found["gb_transferred"], found["estimated_cost_usd"]) == (
        "80.00",
        "2.500000000",
        "1.00",
    )
    assert found["duration_seconds"] >= 0


def test_the_csv_says_the_same_and_starts_no_formula(site: Site) -> None:
    job = ended(site)
    headers = {"Authorization": f"Bearer {site.tokens['viewer']}"}
    answer = httpx.get(f"{site.url}/api/reports/{job['id']}/export.csv", headers=headers)
    text = answer.content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    figures = {row[0]: row[1] for row in rows if len(row) == 2}
    assert (figures["failed"], figures["success_rate"], figures["quality_score"]) == ("2", "80.00", "98.1")
    assert ["people", "10", "7", "1", "2"] in rows
    assert rows[-1][0].startswith("'=")
    assert rows[-1][3] == "no,\nreally"


def test_there_is_no_report_before_the_end(site: Site) -> None:
    job, _ = site.running(site.agent())
    assert site.refused("GET", f"/api/reports/{job['id']}") == (409, "REPORT_NOT_READY")


def test_what_was_done_rolls_up_to_project_and_client(site: Site) -> None:
    job = ended(site)
    for place in (f"/api/projects/{job['project_id']}", f"/api/clients/{job['client_id']}"):
        usage = site.get(place)["usage"]
        assert (usage["jobs"], usage["files_completed"], usage["estimated_cost_usd"]) == ({"failed": 1}, 7, "1.00")


def test_a_projects_status_follows_its_jobs(site: Site) -> None:
    agent, project = site.agent(), site.project()

    def status() -> str:
        return str(site.get(f"/api/projects/{project['id']}")["status"])

    assert status() == "planning"
    job = site.job(agent, project)
    token = site.lease(agent, job)
    site.report(agent, job, token, 1, status="scanning")
    assert status() == "in_progress"
    done = {**FAILED, "failed": 0}
    for number, said in enumerate(({"status": "ready"}, {"status": "running"}, {"status": "completed"}), 2):
        site.report(agent, job, token, number, **said, recount=done if said["status"] == "completed" else None)
    assert status() == "completed"


def test_a_schedule_is_checked_and_kept(site: Site) -> None:
    schedule = {"windows": [{"start": "18:00", "end": "06:00", "days": ["mon", "fri"]}], "throttled_mbps": 10}
    project = site.project("archive", bandwidth_schedule=schedule, time_zone="America/Chicago")
    assert project["bandwidth_schedule"]["windows"][0]["end"] == "06:00:00"
    wrong = {"windows": [{"start": "18:00", "end": "18:00"}], "throttled_mbps": 0}
    status, said = site.call("PATCH", f"/api/projects/{project['id']}", {"bandwidth_schedule": wrong})
    assert status == 400
    assert {"bandwidth_schedule.windows.0.end", "bandwidth_schedule.throttled_mbps"} <= set(said["details"]["fields"])


def test_a_cancelled_project_takes_no_jobs(site: Site) -> None:
    agent, project = site.agent(), site.project()
    job = site.job(agent, project)
    cancel = ("PATCH", f"/api/projects/{project['id']}", {"status": "cancelled"})
    assert site.refused(*cancel) == (409, "PROJECT_HAS_JOBS")
    site.post(f"/api/jobs/{job['id']}/cancel")
    assert site.call(*cancel)[0] == 200
    new = {"name": "J", "project_id": project["id"], "agent_id": agent["id"], "type": "archive"}
    assert site.refused("POST", "/api/jobs", {**new, "source": {"type": "local", "path": "/"}}) == (
        409,
        "PROJECT_CANCELLED",
    )


def test_a_client_with_projects_is_archived_not_deleted(site: Site) -> None:
    client = site.project()["client_id"]
    assert site.refused("DELETE", f"/api/clients/{client}") == (409, "CLIENT_HAS_PROJECTS")
    site.call("PATCH", f"/api/clients/{client}", {"status": "archived", "contact_name": None})
    assert site.refused("POST", "/api/projects", {"client_id": client, "type": "archive", "name": "p"}) == (
        409,
        "CLIENT_ARCHIVED",
    )


@pytest.mark.parametrize("before", ["", " ", "\n", "\t", "\r\n", "\N{NO-BREAK SPACE} "])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}"])
def test_no_cell_is_a_formula(before: str, sign: str) -> None:
    nothing = Report.model_construct(entities={}, result=None, runs=[])
    item = JobItem(key=f"{before}{sign}1+1", entity="people", code="BAD", message="no", remedy=f"a {sign} b")
    cells = list(csv.reader(io.StringIO("".join(as_csv(nothing, [item])), newline="")))[-1]
    assert (cells[0], cells[4]) == (f"'{before}{sign}1+1", f"a {sign} b")


def theirs(site: Site, job: dict[str, str]) -> None:
    """Rows of another organisation that by a fault name our project, client and job."""
    site.organisation("other-church")
    with site.database.transaction() as session:
        other = session.scalars(sa.select(Tenant.id).where(Tenant.id != site.tenant_id)).one()
        ours = session.get_one(Job, job["id"])
        row = {column.name: getattr(ours, column.name) for column in Job.__table__.columns}
        session.execute(sa.insert(Job), [{**row, "id": "theirs", "tenant_id": other, "status": "running"}])
        words = {"key": "theirs", "entity": "", "code": "X", "message": "", "remedy": ""}
        session.add(JobItem(job_id=ours.id, key_hash="0", tenant_id=other, at=datetime.now(UTC), **words))


def test_rows_of_another_organisation_are_counted_nowhere(site: Site) -> None:
    job = ended(site)
    theirs(site, job)
    project, client = f"/api/projects/{job['project_id']}", f"/api/clients/{job['client_id']}"
    assert site.get(project)["usage"]["jobs"] == site.get(client)["usage"]["jobs"] == {"failed": 1}
    with site.database.transaction() as session:
        session.get_one(Job, job["id"]).status = JobStatus.COMPLETED
        session.flush()
        assert follows(session, session.get_one(Project, job["project_id"])) is ProjectStatus.COMPLETED
    shown = site.text(f"/api/reports/{job['id']}/export.csv", role="viewer")
    assert "theirs" not in shown + str(site.get(f"/api/jobs/{job['id']}/items"))


def test_a_project_that_is_reconnected_is_in_progress(site: Site) -> None:
    project = site.project("archive")
    with site.database.transaction() as session:
        session.get_one(Project, project["id"]).status = ProjectStatus.AUTH_REQUIRED
    storage = {"account": "acme123", "container": "backups", "secret": "s"}
    status, said = site.call("PUT", f"/api/projects/{project['id']}/storage", storage)
    assert (status, said["status"]) == (200, "in_progress")
