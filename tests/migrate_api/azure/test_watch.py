"""The token refresh checker: warns in time, finds out early, and keeps nothing alive that nobody uses."""

from __future__ import annotations

from datetime import timedelta

from migrate_api.azure.watch import watch
from migrate_api.tables import Project
from tests.migrate_api.azure.ground import ADA, Ground, now

WHO = "ada@church.example"


def look(ground: Ground, days: float = 0) -> None:
    """The timer's work, as if it were so many days later."""
    watch(ground.services().connections, now() + timedelta(days=days))


def test_who_connected_is_warned_14_and_3_days_before_the_end_once_each(ground: Ground) -> None:
    ground.hub_project(WHO)
    counts = []
    for days in (75, 76.5, 77, 80, 87.5, 88, 89):
        look(ground, days)
        counts.append(len(ground.mails()))
    assert counts == [0, 1, 1, 1, 2, 2, 2]
    assert set(ground.mails()) == {("azure.expiring", WHO)}


def test_an_idle_connection_is_not_kept_alive(ground: Ground) -> None:
    ground.hub_project()
    before = len(ground.fake.refresh)
    look(ground, 30)
    assert len(ground.fake.refresh) == before


def test_a_connection_in_use_is_refreshed_once_a_day(ground: Ground) -> None:
    project = ground.hub_project()
    ground.job(ground.site.agent(), project)
    with ground.site.database.transaction() as session:
        row = ground.row(session, project)
        row.used_at -= timedelta(days=2)
        row.expires_at = now() + timedelta(days=2)
    before = len(ground.fake.refresh)
    for _ in range(2):
        look(ground)
    with ground.site.database.transaction() as session:
        expires_at = ground.row(session, project).expires_at
    assert expires_at is not None
    assert expires_at > now() + timedelta(days=89)
    assert len(ground.fake.refresh) == before + 1


def test_a_revoked_sign_in_is_found_before_the_job_needs_it(ground: Ground) -> None:
    project = ground.hub_project(WHO)
    ground.job(ground.site.agent(), project)
    ground.fake.revoke(ADA)
    for _ in range(2):
        look(ground, 2)
    assert (ground.status(project), ground.mails()) == ("auth_required", [("azure.expired", WHO)])


def test_what_has_lapsed_asks_for_its_person(ground: Ground) -> None:
    project = ground.hub_project(WHO)
    ground.fake.left_alone(days=91)
    look(ground, 91)
    assert ground.status(project) == "auth_required"
    assert ground.mails()[-1] == ("azure.expired", WHO)
    ground.sign_in(project)
    assert ground.status(project) == "in_progress"


def test_while_microsoft_is_away_nothing_is_said_of_a_connection(ground: Ground) -> None:
    project = ground.hub_project()
    for status in (500, 429, None):
        ground.fake.fail("/token", status, {"error": "unavailable"})
        look(ground, 91)
    assert not any(fault.times for fault in ground.fake.faults)
    assert (ground.status(project), ground.mails()) == ("planning", [])


def test_a_project_that_is_over_is_left_alone(ground: Ground) -> None:
    project = ground.hub_project()
    with ground.site.database.transaction() as session:
        session.get_one(Project, project["id"]).status = "cancelled"  # type: ignore[assignment]
    ground.fake.revoke(ADA)
    look(ground, 91)
    assert (ground.status(project), ground.mails()) == ("cancelled", [])


def test_a_signature_made_by_hand_is_warned_of_and_ends(ground: Ground) -> None:
    project, cookie = ground.site.project("file_migration"), ground.cookie(WHO)
    ends = now() + timedelta(days=20)
    secret = f"sv=2022-11-02&se={ends:%Y-%m-%dT%H:%M:%SZ}&sig=hush"
    plain = {"account": "acme123", "container": "backups", "secret": secret}
    ground.put_as(cookie, f"/api/projects/{project['id']}/storage", plain)
    look(ground, 10)
    assert ground.mails() == [("azure.expiring", WHO)]
    look(ground, 21)
    assert (ground.status(project), ground.mails()[-1]) == ("auth_required", ("azure.expired", WHO))
