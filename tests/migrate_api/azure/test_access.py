"""What an agent is given to get into its container: enough for its job, for some hours, and nothing that lasts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobClient
from pydantic import SecretStr

from migrate_api.agent.control_plane import ControlPlane
from migrate_api.agent.settings import AgentSettings
from migrate_api.azure.microsoft import STORAGE_SCOPE
from migrate_api.database import Database
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import Refused, TransientError
from tests.fakes.microsoft import FakeMicrosoft
from tests.migrate_api.azure.ground import ADA, Ground, ground_on, now
from tests.migrate_api.site import RECOUNT

EXPIRED = "Azure credentials expired — re-authenticate via dashboard"
KEY = "DefaultEndpointsProtocol=https;AccountName=acme123;AccountKey=aHVzaA==;EndpointSuffix=core.windows.net"


def blob(ground: Ground, access: dict[str, Any], container: str = "") -> BlobClient:
    """A blob, by Azure's own client."""
    return BlobClient(
        access["endpoint"],
        container or access["container"],
        f"{access['prefix']}/hello.txt",
        credential=access["sas"],
        connection_verify=str(ground.fake.authority),
        retry_total=0,
    )


def test_the_assignment_brings_a_signature_for_the_jobs_container_alone(ground: Ground) -> None:
    agent, project = ground.site.agent(), ground.connected()
    status, said = ground.take_up(agent, ground.job(agent, project))
    access = said["storage"]
    assert (status, access["container"], access["tier"], access["prefix"]) == (200, "backups", "cool", "acme/files")
    blob(ground, access).upload_blob(b"hello")
    assert blob(ground, access).download_blob().readall() == b"hello"
    with pytest.raises(HttpResponseError):
        blob(ground, access, "other").upload_blob(b"hello")
    ends = datetime.fromisoformat(access["expires_at"])
    assert now() + timedelta(hours=3) < ends < now() + timedelta(hours=4, minutes=1)
    assert parse_qs(access["sas"])["sp"] == ["racwdl"]


def test_no_token_of_the_person_reaches_an_agent(ground: Ground) -> None:
    agent, project = ground.site.agent(), ground.connected()
    job = ground.job(agent, project)
    said = ground.take_up(agent, job)[1]
    whole = f"{said} {ground.access(agent, job, said['token'])[1]} {ground.site.get('/api/jobs/' + job['id'])}"
    assert [token for token in [*ground.fake.refresh, *ground.fake.access] if token in whole] == []
    assert "sig=" not in str(ground.site.get("/api/jobs/" + job["id"]))


def test_the_agents_own_client_asks_for_a_fresh_one(ground: Ground) -> None:
    agent, project = ground.site.agent(hello=False), ground.connected()
    with ControlPlane(AgentSettings(ground.site.url, SecretStr(agent["key"])), Control()) as plane:
        plane.hello()
        job = ground.job(agent, project)
        leased = plane.lease(job["id"])
        fresh = plane.storage_access(job["id"], leased.token)
        assert leased.storage is not None
        assert fresh.sas is not None
        assert fresh.sas.get_secret_value() not in str(fresh)
        with pytest.raises(Refused) as refused:
            plane.storage_access(job["id"], leased.token - 1)
    assert refused.value.error_code == "STALE_TOKEN"


def test_only_the_holder_of_the_job_gets_in(ground: Ground) -> None:
    agent, other, project = ground.site.agent(), ground.site.agent("other"), ground.connected()
    job = ground.job(agent, project)
    token = ground.take_up(agent, job)[1]["token"]
    refused = {
        "other agent": ground.access(other, job, token),
        "older token": ground.access(agent, job, token - 1),
    }
    ground.site.post(f"/api/jobs/{job['id']}/cancel")
    refused["cancelled"] = ground.access(agent, job, token)
    assert {name: said["code"] for name, (_, said) in refused.items()} == {
        "other agent": "JOB_NOT_YOURS",
        "older token": "STALE_TOKEN",
        "cancelled": "JOB_FINISHED",
    }


def test_an_import_is_given_no_storage(ground: Ground) -> None:
    agent = ground.site.agent()
    job = ground.site.job(agent)
    said = ground.take_up(agent, job)[1]
    assert (said["storage"], ground.access(agent, job, said["token"])[0]) == (None, 404)
    assert ground.fake.calls == []


@pytest.mark.parametrize("how", ["unused for 91 days", "revoked"])
def test_expired_credentials_fail_the_job_and_reconnecting_clears_them(ground: Ground, how: str) -> None:
    ground.fake.token_seconds = 60
    agent, project = ground.site.agent(), ground.hub_project()
    if how == "revoked":
        ground.fake.revoke(ADA)
    else:
        ground.fake.left_alone(days=91)
    job = ground.job(agent, project)
    status, said = ground.take_up(agent, job)
    failed = ground.site.get(f"/api/jobs/{job['id']}")
    assert (status, said["code"]) == (409, "JOB_FINISHED")
    assert (failed["status"], failed["error_code"], failed["error_message"]) == (
        "failed",
        "AZURE_CREDENTIALS_EXPIRED",
        EXPIRED,
    )
    assert ground.status(project) == "auth_required"
    assert ground.site.get(f"/api/connections/azure/{project['id']}")["failure"] in ("AADSTS700082", "AADSTS50173")
    assert ground.sign_in(project).status_code == 303
    assert ground.status(project) == "in_progress"
    again = ground.site.post(f"/api/jobs/{job['id']}/rerun")
    assert ground.take_up(agent, again)[1]["storage"]["sas"]


def test_reconnecting_by_an_account_without_the_role_clears_nothing(ground: Ground) -> None:
    ground.fake.token_seconds = 60
    agent, project = ground.site.agent(), ground.connected()
    ground.fake.person("eve@example.org")
    ground.fake.revoke(ADA)
    ground.take_up(agent, ground.job(agent, project))
    answer = ground.sign_in(project, "eve@example.org")
    assert (answer.status_code, answer.json()["code"]) == (409, "AZURE_ROLE_MISSING")
    assert ground.status(project) == "auth_required"
    ground.fake.people["eve@example.org"].roles["acme123"] = "contributor"
    assert ground.choose(project)[0] == 200
    assert ground.status(project) == "in_progress"


def test_what_ends_in_the_middle_of_a_job_is_the_agents_to_report(ground: Ground) -> None:
    """So that the last word on what was moved comes from the ledger."""
    ground.fake.token_seconds = 60
    agent, project = ground.site.agent(), ground.hub_project()
    job = ground.job(agent, project)
    token = ground.take_up(agent, job)[1]["token"]
    ground.fake.revoke(ADA)
    status, said = ground.access(agent, job, token)
    assert (status, said["code"], said["error"]) == (409, "AZURE_CREDENTIALS_EXPIRED", EXPIRED)
    assert (ground.status(project), ground.site.get(f"/api/jobs/{job['id']}")["status"]) == ("auth_required", "created")
    error = {"code": said["code"], "message": said["error"], "remedy": said["details"]["remedy"]}
    ground.site.report(agent, job, token, 1, status="failed", error=error, recount={**RECOUNT, "completed": 7})
    assert ground.site.get(f"/api/jobs/{job['id']}")["files_completed"] == 7
    assert ground.mails() == [("azure.expired", "ada@church.example")]


def test_while_microsoft_is_away_the_job_waits(ground: Ground) -> None:
    agent, project = ground.site.agent(), ground.connected()
    for status in (503, None, 503):
        ground.fake.fail("/blobs/acme123/", status, {}, **{"Retry-After": "60"})
    job = ground.job(agent, project)
    said = ground.take_up(agent, job)[1]
    assert said["storage"] is None
    path, own = f"/api/agent/jobs/{job['id']}/storage-access", {"Authorization": f"Bearer {agent['key']}"}
    away = httpx.post(ground.site.url + path, json={"token": said["token"]}, headers=own, timeout=60)
    assert (away.status_code, "retry-after" in away.headers) == (503, False)
    with ControlPlane(AgentSettings(ground.site.url, SecretStr(agent["key"])), Control()) as plane:
        plane.hello()
        with pytest.raises(TransientError):
            plane.storage_access(job["id"], said["token"])
        assert plane.storage_access(job["id"], said["token"]).sas is not None
    assert ground.status(project) != "auth_required"


def test_a_role_that_was_taken_away_fails_the_job(ground: Ground) -> None:
    agent, project = ground.site.agent(), ground.connected()
    ground.fake.people[ADA].roles.clear()
    job = ground.job(agent, project)
    ground.take_up(agent, job)
    assert ground.site.get(f"/api/jobs/{job['id']}")["error_code"] == "AZURE_ROLE_MISSING"


def test_each_refreshed_token_takes_the_place_of_the_one_before(ground: Ground) -> None:
    ground.fake.strict_rotation, ground.fake.token_seconds = True, 60
    project = ground.connected()
    connections = ground.services().connections
    tokens = [connections.token(project["id"], STORAGE_SCOPE).value for _ in range(4)]
    assert (len(set(tokens)), ground.status(project)) == (4, "planning")


def test_replicas_that_refresh_together_do_not_lose_the_connection(ground: Ground) -> None:
    """Who comes too late with a token that was replaced takes the one that the other has kept."""
    ground.fake.strict_rotation, ground.fake.token_seconds = True, 60
    project = ground.connected()
    replicas = [ground.services().connections for _ in range(3)]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda n: replicas[n % 3].token(project["id"], STORAGE_SCOPE).value, range(12)))
    assert (len(found), ground.status(project)) == (12, "planning")


def test_a_way_by_bearer_token_where_the_operator_says_so(database: Database, fake: FakeMicrosoft) -> None:
    with ground_on(database, fake, azure_access="bearer") as ground:
        agent, project = ground.site.agent(), ground.connected()
        access = ground.take_up(agent, ground.job(agent, project))[1]["storage"]
        kept = fake.access[access["bearer_token"]]
    assert (access["sas"], kept["resource"]) == (None, "https://storage.azure.com")


PLAIN = "https://acme123.blob.core.windows.net"
SECRETS = {
    "?sv=2022-11-02&se=2099-01-01T00:00:00Z&sig=hush": ("sas", PLAIN),
    "UseDevelopmentStorage=true": ("connection_string", "http://127.0.0.1:10000/devstoreaccount1"),
    KEY: ("connection_string", PLAIN),
    f"{KEY};BlobEndpoint=http://10.0.0.5:10000/acme123": ("connection_string", "http://10.0.0.5:10000/acme123"),
}


def test_a_secret_kept_for_the_project_is_handed_on(ground: Ground) -> None:
    agent, project = ground.site.agent(), ground.site.project("file_migration")
    found = {}
    for secret in SECRETS:
        plain = {"account": "acme123", "container": "backups", "secret": secret}
        ground.site.call("PUT", f"/api/projects/{project['id']}/storage", plain)
        access = ground.take_up(agent, ground.job(agent, project))[1]["storage"]
        given = [name for name in ("sas", "bearer_token", "connection_string") if access[name]]
        assert access["expires_at"] == ("2099-01-01T00:00:00Z" if given == ["sas"] else None)
        found[access[given[0]]] = (given[0], access["endpoint"])
    assert found == SECRETS


def test_a_connection_string_is_for_the_account_that_is_named(ground: Ground) -> None:
    path = f"/api/projects/{ground.site.project('file_migration')['id']}/storage"
    plain = {"account": "another1", "container": "backups", "secret": KEY}
    assert ground.site.refused("PUT", path, plain) == (400, "VALIDATION_ERROR")


def test_a_signature_that_has_ended_asks_for_a_new_one(ground: Ground) -> None:
    agent, project = ground.site.agent(), ground.site.project("file_migration")
    plain = {"account": "acme123", "container": "backups", "secret": "se=2026-01-01T00:00:00Z&sig=hush"}
    ground.site.call("PUT", f"/api/projects/{project['id']}/storage", plain)
    job = ground.job(agent, project)
    ground.take_up(agent, job)
    failed = ground.site.get(f"/api/jobs/{job['id']}")
    assert (failed["error_code"], ground.status(project)) == ("AZURE_CREDENTIALS_EXPIRED", "auth_required")
    plain["secret"] = "se=2099-01-01T00:00:00Z&sig=hush"
    ground.site.call("PUT", f"/api/projects/{project['id']}/storage", plain)
    assert ground.status(project) == "in_progress"


def test_a_job_for_an_account_that_the_project_left_fails(ground: Ground) -> None:
    agent, project = ground.site.agent(), ground.connected()
    job = ground.job(agent, project)
    plain = {"account": "another1", "container": "backups", "secret": "sig=hush"}
    ground.site.call("PUT", f"/api/projects/{project['id']}/storage", plain)
    ground.take_up(agent, job)
    assert ground.site.get(f"/api/jobs/{job['id']}")["error_code"] == "AZURE_ACCOUNT_CHANGED"


def test_a_job_may_not_name_another_account(ground: Ground) -> None:
    agent, project = ground.site.agent(), ground.connected()
    body = {"name": "J", "project_id": project["id"], "agent_id": agent["id"], "type": "migrate_files"}
    body |= {"source": {"type": "local", "path": "/data"}, "destination": {"type": "azure_blob", "account": "else1234"}}
    status, said = ground.site.call("POST", "/api/jobs", body)
    assert (status, list(said["details"]["fields"])) == (400, ["destination.account"])
    body["destination"] = {"type": "azure_blob", "account": "acme123", "prefix": "elsewhere"}
    made = ground.site.post("/api/jobs", body)["spec"]["destination"]
    assert (made["container"], made["prefix"], made["tier"]) == ("backups", "elsewhere", "cool")
