"""Connecting a project to Azure: signing in at Microsoft and choosing, and each way it can go wrong there. On one kind
of database: what is kept is tested on both in test_keeping.py."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from migrate_api.database import Database
from tests.fakes.microsoft import FakeMicrosoft
from tests.fakes.tunnel import tunnel
from tests.migrate_api.azure.ground import ADA, CALLBACK, Ground, ground_on
from tests.migrate_api.site import PLAIN

pytestmark = pytest.mark.parametrize("kind", ["sqlite"])


def test_a_person_signs_in_and_chooses_a_container(ground: Ground) -> None:
    project = ground.site.project("file_migration")
    answer = ground.sign_in(project)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/projects/{project['id']}/azure")
    status, said = ground.choose(project)
    assert status == 200, said
    assert (said["kind"], said["account"], said["connected_by"]) == ("microsoft", ADA, "console")
    assert said["storage"] == {
        "kind": "microsoft",
        "account": "acme123",
        "container": "backups",
        "tier": "cool",
        "prefix": "acme/files",
        "endpoint": f"{ground.fake.url}/blobs/acme123",
    }
    assert ground.fake.accounts["acme123"].containers["backups"] == {}, "the try left something behind"


def test_a_hub_user_goes_the_whole_way_in_a_browser(ground: Ground) -> None:
    project = ground.hub_project("ada@church.example")
    said = ground.site.get(f"/api/connections/azure/{project['id']}")
    assert (said["connected_by"], said["storage"]["container"]) == ("ada@church.example", "backups")


def test_accounts_and_containers_are_listed_over_all_pages(ground: Ground) -> None:
    for number in range(5):
        ground.fake.account(f"acme{number}", *(f"box-{box}" for box in range(5)), subscription=f"Branch {number % 2}")
    project = ground.site.project("file_migration")
    ground.sign_in(project)
    path = f"/api/connections/azure/{project['id']}"
    names = [one["name"] for one in ground.site.get(f"{path}/accounts")]
    assert names == ["acme0", "acme1", "acme123", "acme2", "acme3", "acme4"]
    boxes = [one["name"] for one in ground.site.get(f"{path}/containers?account=acme2")]
    assert boxes == [f"box-{box}" for box in range(5)]
    assert ground.site.refused("GET", f"{path}/containers?account=nobodys") == (400, "VALIDATION_ERROR")


def test_who_may_not_list_is_told_to_type(ground: Ground) -> None:
    ground.fake.people[ADA].lists = False
    project = ground.site.project("file_migration")
    ground.sign_in(project)
    status, said = ground.site.call("GET", f"/api/connections/azure/{project['id']}/accounts")
    assert (status, said["code"]) == (409, "AZURE_LIST_REFUSED")
    assert "type the account's" in said["details"]["remedy"]


def test_a_typed_account_is_tried_at_its_usual_address(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """By way of a proxy, as the address is not on this machine."""
    ground.fake.people[ADA].lists = False
    project = ground.site.project("file_migration")
    ground.sign_in(project)
    port = urlsplit(ground.fake.url).port
    assert port is not None
    with tunnel(port) as (proxy, asked):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
        status, said = ground.choose(project)
    assert (status, said["storage"]["endpoint"]) == (200, "https://acme123.blob.core.windows.net"), said
    assert set(asked) == {"acme123.blob.core.windows.net:443"}


def test_a_next_page_elsewhere_is_not_fetched(ground: Ground) -> None:
    project = ground.site.project("file_migration")
    ground.sign_in(project)
    ground.fake.fail("/subscriptions", 200, {"value": [], "nextLink": "https://127.0.0.1:1/subscriptions"})
    path = f"/api/connections/azure/{project['id']}/accounts"
    assert ground.site.refused("GET", path) == (409, "AZURE_NOT_UNDERSTOOD")


def test_who_is_not_signed_in_any_more_is_shown_the_way_to_hub(ground: Ground) -> None:
    place = ground.at_microsoft(ground.begin(ground.site.project("file_migration")))
    page = httpx.get(ground.here(place), headers={"Accept": "text/html"})
    assert (page.status_code, "https://my.theonestack.com" in page.text) == (401, True)
    assert httpx.get(ground.here(place)).json()["code"] == "UNAUTHORIZED"


def test_another_organisations_person_cannot_end_it(ground: Ground) -> None:
    place = ground.at_microsoft(ground.begin(ground.site.project("file_migration")))
    ground.site.tokens = ground.site.organisation("other-church")
    assert ground.come_back(place).status_code == 400


def test_an_answer_that_nobody_asked_for_is_refused(ground: Ground) -> None:
    answer = httpx.post(ground.here(CALLBACK), data={"state": "made-up", "code": "stolen"})
    assert (answer.status_code, answer.json()["code"]) == (400, "AZURE_SIGN_IN_UNKNOWN")
    long = httpx.post(ground.here(CALLBACK), data={"state": "x" * 70_000})
    assert long.status_code == 413


def test_consent_refused_is_said_on_a_page_for_people_and_in_json_for_programs(ground: Ground) -> None:
    project = ground.site.project("file_migration")
    said = ground.sign_in(project, choice="decline").json()
    assert (said["code"], said["details"]["aadsts"]) == ("AZURE_CONSENT_REFUSED", [65004])
    place = ground.at_microsoft(ground.begin(project), choice="decline")
    page = ground.come_back(place, Accept="text/html,application/xhtml+xml")
    assert page.headers["content-type"].startswith("text/html")
    assert "not given the consent" in page.text


BROKEN: list[tuple[int | None, Any]] = [
    (503, {"error": "temporarily_unavailable"}),
    (500, "gateway"),
    (None, None),
    (200, "no tokens"),
    (400, {"error": "server_error", "error_description": "AADSTS90033: transient, ada@example.org"}),
    (429, {"error": "throttled"}),
]


def test_a_token_service_that_fails_is_named_as_the_documents_do(ground: Ground) -> None:
    project, wrong = ground.site.project("file_migration"), []
    for status, said in BROKEN:
        place = ground.at_microsoft(ground.begin(project))
        ground.fake.fail("/token", status, said)
        answer = ground.come_back(place)
        named = (answer.status_code, answer.json()["code"], answer.json()["error"])
        if named != (503, "OAUTH_SERVICE_ERROR", "OAuth token service error") or ADA in answer.text:
            wrong.append((status, answer.text))
    assert wrong == []


def test_a_wrong_client_secret_is_the_operators_to_mend(database: Database, fake: FakeMicrosoft) -> None:
    with ground_on(database, fake, microsoft_client_secret="not-it") as ground:
        answer = ground.sign_in(ground.site.project("file_migration"))
        assert (answer.status_code, answer.json()["details"]["aadsts"]) == (503, [7000215])
        assert "MIGRATE_MICROSOFT" in answer.json()["details"]["remedy"]


def test_without_a_registration_nobody_signs_in(database: Database, fake: FakeMicrosoft) -> None:
    with ground_on(database, fake, microsoft_client_id="") as ground:
        path = f"/api/connections/azure/{ground.site.project('file_migration')['id']}/sign-in"
        assert ground.site.refused("POST", path) == (409, "AZURE_NOT_SET_UP")


def test_a_guest_names_the_directory(ground: Ground) -> None:
    project, tenant = ground.site.project("file_migration"), ground.fake.people[ADA].tenant
    url = ground.begin(project, {"directory": tenant})
    assert url.startswith(f"{ground.fake.url}/{tenant}/oauth2/")
    assert ground.come_back(ground.at_microsoft(url)).status_code == 303
    assert ground.choose(project)[0] == 200
    path = f"/api/connections/azure/{project['id']}/sign-in"
    unknown = ground.site.refused("POST", path, {"directory": "nobody.example.org"})
    assert unknown == (400, "AZURE_DIRECTORY_UNKNOWN")


def test_a_code_that_was_used_or_a_wrong_verifier_signs_nobody_in(ground: Ground) -> None:
    """Another sign-in's code is put into this one's answer: its verifier does not fit."""
    project = ground.site.project("file_migration")
    mine, other = ground.begin(project), ground.begin(project)
    place = ground.at_microsoft(mine)
    ground.at_microsoft(other)
    first, second = list(ground.fake.codes)
    ground.fake.codes[first]["code_challenge"] = ground.fake.codes[second]["code_challenge"]
    said = ground.come_back(place).json()
    assert (said["code"], said["details"]["aadsts"]) == ("AZURE_SIGN_IN_FAILED", [501481])


def test_what_an_agent_could_not_write_to_is_not_saved(ground: Ground) -> None:
    ground.fake.account("walled12", "backups").walled = True
    ground.fake.account("readonly", "backups")
    ground.fake.account("noright1", "backups")
    ground.fake.people[ADA].roles |= {"walled12": "contributor", "readonly": "reader"}
    project = ground.site.project("file_migration")
    ground.sign_in(project)
    cases = {
        ("walled12", "backups"): (409, "AZURE_FIREWALL"),
        ("readonly", "backups"): (409, "AZURE_ROLE_MISSING"),
        ("noright1", "backups"): (409, "AZURE_ROLE_MISSING"),
        ("acme123", "not-there"): (400, "AZURE_CONTAINER_MISSING"),
    }
    for (account, container), expected in cases.items():
        status, said = ground.choose(project, account=account, container=container)
        assert (status, said["code"]) == expected, account
    assert ground.site.get(f"/api/projects/{project['id']}")["storage"] is None


def test_a_prefix_that_no_job_could_have_is_not_saved(ground: Ground) -> None:
    project = ground.site.project("file_migration")
    ground.sign_in(project)
    status, said = ground.choose(project, prefix="a/../b")
    assert (status, said["code"], [*said["details"]["fields"]]) == (400, "BAD_PREFIX", ["prefix"])


def test_choosing_needs_a_sign_in(ground: Ground) -> None:
    status, said = ground.choose(ground.site.project("file_migration"))
    assert (status, said["code"], said["error"]) == (409, "NO_AZURE_CONNECTION", "Project has no Azure connection")


def test_a_person_connects_a_project_by_the_buttons_of_its_page(ground: Ground) -> None:
    """As the guide says it: Connect Azure Storage, sign in, choose account, container and tier, Save."""
    project = ground.site.project("file_migration")
    page = f"{ground.site.url}/projects/{project['id']}/azure"
    credential = {"Authorization": f"Bearer {ground.site.tokens['owner']}"}

    def press(button: str, **form: str) -> httpx.Response:
        return httpx.post(f"{page}/{button}", data=form, headers=credential, timeout=60, verify=PLAIN)

    ground.come_back(ground.at_microsoft(press("sign-in").headers["location"]))
    listed = httpx.get(page, headers=credential, timeout=60, verify=PLAIN)
    assert "<option>acme123</option>" in listed.text
    assert f"form-action 'self' {ground.fake.url}" in listed.headers["content-security-policy"]
    chosen = ground.site.text(f"/projects/{project['id']}/azure?account=acme123", role="owner")
    assert "<option>backups</option>" in chosen
    refused = press("storage", account="acme123", container="B")
    assert (refused.status_code, "container" in refused.text) == (400, True)
    assert press("storage", account="acme123", container="backups", tier="Cool", prefix="acme").status_code == 303
    assert "acme123 / backups, tier Cool" in ground.site.text(f"/projects/{project['id']}", role="owner")
