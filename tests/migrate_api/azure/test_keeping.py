"""What is kept of a connection and of sign-ins, and how it goes away."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from migrate_api.chores import clean_up
from migrate_api.tables import AzureSignIn, SealedSecret
from tests.migrate_api.azure.ground import ADA, LOCAL, Ground, now


def test_disconnecting_forgets_everything(ground: Ground) -> None:
    project = ground.connected()
    ground.begin(project)
    assert ground.site.call("DELETE", f"/api/projects/{project['id']}/storage")[0] == 204
    assert ground.stored() == ""
    assert ground.site.get(f"/api/connections/azure/{project['id']}")["kind"] is None
    job = {"name": "J", "project_id": project["id"], "agent_id": ground.site.agent()["id"]}
    body = {**job, "type": "migrate_files", "source": LOCAL}
    assert ground.site.refused("POST", "/api/jobs", body) == (409, "NO_AZURE_CONNECTION")
    assert ground.site.call("DELETE", f"/api/projects/{project['id']}")[0] == 204


def test_a_secret_takes_the_place_of_a_sign_in_and_the_other_way_round(ground: Ground) -> None:
    project = ground.connected()
    plain = {"account": "acme123", "container": "other", "secret": "sv=2022&se=2099-01-01T00:00:00Z&sig=hush"}
    assert ground.site.call("PUT", f"/api/projects/{project['id']}/storage", plain)[0] == 200
    said = ground.site.get(f"/api/connections/azure/{project['id']}")
    assert (said["kind"], said["expires_at"], said["account"]) == ("secret", "2099-01-01T00:00:00Z", "")
    ground.sign_in(project)
    assert ground.choose(project)[1]["storage"]["kind"] == "microsoft"
    with ground.site.database.transaction() as session:
        owners = set(session.scalars(sa.select(SealedSecret.owner)))
    assert owners == {f"azure:{project['id']}"}


def test_a_sign_in_that_took_too_long_is_refused_and_cleaned_up(ground: Ground) -> None:
    project = ground.site.project("file_migration")
    places = [ground.at_microsoft(ground.begin(project)) for _ in range(2)]
    with ground.site.database.transaction() as session:
        session.execute(sa.update(AzureSignIn).values(expires_at=now() - timedelta(seconds=1)))
    assert ground.come_back(places[0]).status_code == 400
    clean_up(ground.services(), now())
    assert ground.stored() == ""


def test_a_sign_in_belongs_to_who_began_it_and_works_once(ground: Ground) -> None:
    project = ground.site.project("file_migration")
    place = ground.at_microsoft(ground.begin(project))
    stranger = ground.come_back(place, role="admin")
    assert (stranger.status_code, stranger.json()["code"]) == (400, "AZURE_SIGN_IN_UNKNOWN")
    assert [ground.come_back(place).status_code for _ in range(2)] == [303, 400]


def test_no_token_stands_anywhere_in_the_open(ground: Ground) -> None:
    project = ground.connected()
    kept = ground.stored() + str(ground.site.get(f"/api/connections/azure/{project['id']}"))
    assert [token for token in [*ground.fake.refresh, *ground.fake.access] if token in kept] == []
    assert ground.fake.refresh
    page = ground.come_back(f"/projects/{project['id']}/azure").text
    assert ADA in page
    assert "refresh" not in page.partition("<main>")[2]
