"""Azure Storage connected by a secret, and a SQL Server tried by an agent: secrets are typed and never shown."""

from __future__ import annotations

from datetime import date

import pytest

from migrate_etl.rock.diagnose import CampusFound, Contents, Diagnosis, Period
from tests.migrate_api.site import Site

pytestmark = pytest.mark.parametrize("kind", ["sqlite"])
SECRET = "sv=2024&sig=hush-hush"
STORAGE = {"account": "gracefiles", "container": "archive", "tier": "cool", "prefix": "a/b", "secret": SECRET}


def test_storage_is_connected_by_a_secret_and_disconnected_after_a_question(site: Site) -> None:
    project = site.project("file_migration")
    place = f"/projects/{project['id']}/azure"
    assert site.submit(f"{place}/secret", **STORAGE, endpoint="").headers["location"] == f"/projects/{project['id']}"
    page = site.text(place, role="member")
    assert ("gracefiles" in page, "hush" in page) == (True, False)
    assert "Files in the storage are not touched." in site.text(f"{place}/disconnect", role="member")
    site.submit(f"{place}/disconnect")
    assert site.get(f"/api/projects/{project['id']}")["storage"] is None


def test_a_wrong_account_is_said_beside_it_and_the_secret_is_to_be_typed_again(site: Site) -> None:
    project = site.project("file_migration")
    answer = site.submit(f"/projects/{project['id']}/azure/secret", **{**STORAGE, "account": "Grace Files"})
    assert answer.status_code == 400
    assert 'value="Grace Files" required="True" aria-invalid="true"' in answer.text
    assert 'value="a/b"' in answer.text
    assert "hush" not in answer.text


def answered(site: Site, agent: dict[str, str], **said: object) -> str:
    """The page of a test that the agent has answered so."""
    asked = site.submit(f"/agents/{agent['id']}/test-connection", connection_string="Server=s;Password=hush")
    place = asked.headers["location"]
    waiting = site.text(place, role="viewer")
    assert ('content="2"' in waiting, "The agent is trying." in waiting) == (True, True)
    answer = f"/api/agent/commands/{place.rsplit('/', 1)[1]}/acknowledge"
    site.call("POST", answer, said, key=agent["key"])
    return site.text(place, role="viewer")


def contents() -> Contents:
    return Contents(
        release="v16.0",
        last_update=None,
        missing_columns=(),
        campuses=(CampusFound(1, "Main", None), CampusFound(2, "West", False)),
        gifts=Period(date(2014, 3, 2), date(2026, 2, 1)),
        attendance=Period(None, None),
        rows={"Person": 5021},
        consistency="snapshot",
        collation=None,
        driver="ODBC",
        arrow=True,
        notes=("Read without a snapshot.",),
    )


def test_a_connection_that_works_shows_what_can_be_chosen_from(site: Site) -> None:
    found = Diagnosis("OK", "Rock v16.0 can be read.", contents=contents()).as_dict()
    page = answered(site, site.agent(), accepted=True, result=found)
    for seen in ("The connection works.", "1 Main, 2 West (not active)", "2014-03-02 – 2026-02-01", "5021", "none"):
        assert seen in page
    assert 'http-equiv="refresh"' not in page
    assert "hush" not in page


def test_a_connection_that_fails_shows_what_to_do(site: Site) -> None:
    said = ("LOGIN_FAILED", "Login failed.", "Check the password.")
    page = answered(site, site.agent(), accepted=True, result=Diagnosis(*said).as_dict())
    for seen in said:
        assert seen in page


def test_new_job_leads_to_it(site: Site) -> None:
    agent, project = site.agent(), site.project()
    assert f"/agents/{agent['id']}/test-connection" in site.text(f"/projects/{project['id']}/jobs/new", role="member")


def test_an_agent_that_is_offline_is_not_asked(site: Site) -> None:
    agent = site.agent(hello=False)
    answer = site.submit(f"/agents/{agent['id']}/test-connection", connection_string="Server=s")
    assert (answer.status_code, "is offline" in answer.text) == (409, True)
