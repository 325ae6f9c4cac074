"""Credentials, revocation, superseded agents, old protocols, rate limits."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.requests import Request

from migrate_api.credentials import ALPHABET, hashed_code, new_code, new_credential, well_formed
from migrate_api.database import Database
from migrate_api.tables import AgentKey, QueuedCommand
from migrate_api.waker import LISTENER
from migrate_transfer.core.control import Control
from tests.conftest import Postgres
from tests.migrate_api.site import HOST, Site, now, serving


def test_a_mistyped_credential_is_recognised() -> None:
    token, _ = new_credential("mat")
    assert well_formed(token, "mat")
    assert not well_formed(token, "mak")
    assert not well_formed(token[:-1] + ("a" if token[-1] != "a" else "b"), "mat")
    assert not well_formed("mat_", "mat")


def test_codes_have_eight_plain_characters_and_case_does_not_matter() -> None:
    code, digest = new_code()
    assert len(code) == 8
    assert set(code) <= set(ALPHABET)
    assert hashed_code(f" {code[:4].lower()}-{code[4:]} ") == digest


def test_a_revoked_token_is_refused_at_once(site: Site) -> None:
    made = site.post("/api/tokens", {"name": "script", "role": "viewer"})
    assert site.get("/api/me", key=made["token"])["name"] == "script"
    site.call("DELETE", f"/api/tokens/{made['id']}")
    assert site.refused("GET", "/api/me", key=made["token"]) == (401, "UNAUTHORIZED")


def test_a_token_is_shown_once_and_never_more_than_its_maker(site: Site) -> None:
    site.post("/api/tokens", {"name": "script", "role": "viewer"})
    assert "mat_" not in str(site.get("/api/tokens"))
    assert site.refused("POST", "/api/tokens", {"name": "x", "role": "owner"}, role="admin") == (403, "FORBIDDEN")


def test_a_newer_process_supersedes_the_older_one(site: Site) -> None:
    agent = site.agent(hello=False)
    for instance in ("one", "two"):
        body = {"host": HOST, "sent_at": now()}
        site.post("/api/agent/hello", body, key=agent["key"], **{"X-Agent-Instance": instance})
    poll = "/api/agent/commands?wait=0"
    assert site.refused("GET", poll, key=agent["key"], **{"X-Agent-Instance": "one"}) == (409, "SUPERSEDED")
    assert site.get(poll, key=agent["key"], **{"X-Agent-Instance": "two"}) == {"commands": []}


def test_an_agent_that_is_too_old_is_told_so(site: Site) -> None:
    agent = site.agent()
    found = site.refused("GET", "/api/agent/commands?wait=0", key=agent["key"], **{"X-Migrate-Protocol": "0"})
    assert found == (426, "UPGRADE_REQUIRED")


def _while_polling(site: Site, agent: dict[str, str], then: Any) -> Any:
    """What a waiting poll is answered when something happens meanwhile."""
    answers: list[Any] = []

    def ask() -> None:
        while not answers:  # late news of the agent may end one poll with nothing
            status, said = site.call("GET", "/api/agent/commands?wait=30", key=agent["key"])
            if (status, said) != (200, {"commands": []}):
                answers.append((status, said))

    poll = threading.Thread(target=ask, daemon=True)
    poll.start()
    poll.join(0.7)
    assert poll.is_alive(), answers
    then()
    poll.join(20)
    return answers[0]


def test_a_command_wakes_the_poll_that_waits(site: Site) -> None:
    agent = site.agent()
    status, said = _while_polling(site, agent, lambda: site.job(agent))
    assert (status, [command["name"] for command in said["commands"]]) == (200, ["start_job"])


def test_an_order_whose_answer_was_lost_comes_again_soon(site: Site) -> None:
    agent = site.agent()
    site.job(agent)
    site.get("/api/agent/commands?wait=0", key=agent["key"])  # and the connection breaks
    patient: list[Any] = []

    def ask() -> None:
        while not patient:  # the news of the order may come late and end one poll with nothing
            patient.extend(site.get("/api/agent/commands?wait=50", key=agent["key"])["commands"])

    again = threading.Thread(target=ask, daemon=True)
    again.start()
    again.join(30)
    assert [command["name"] for command in patient] == ["start_job"]


def test_an_order_that_is_void_is_not_looked_for_at_each_poll(site: Site) -> None:
    agent = site.agent()
    site.post(f"/api/agents/{agent['id']}/connection-tests", {"connection_string": "Server=s"})
    with site.database.transaction() as session:
        session.execute(sa.update(QueuedCommand).values(expires_at=datetime.now(UTC)))
    site.get("/api/agent/commands?wait=0.1", key=agent["key"])
    assert site.services is not None
    assert site.services.waker.is_quiet(agent["id"])


def test_a_revoked_key_cuts_off_an_agent_that_is_connected(site: Site) -> None:
    agent = site.agent()
    status, said = _while_polling(site, agent, lambda: site.call("DELETE", f"/api/agent-keys/{agent['key_id']}"))
    assert (status, said["code"]) == (401, "UNAUTHORIZED")
    assert site.refused("GET", "/api/agent/commands?wait=0", key=agent["key"]) == (401, "UNAUTHORIZED")


def test_a_command_given_to_one_replica_wakes_a_poll_at_another(site: Site) -> None:
    """On PostgreSQL; an embedded database has one process."""
    if not site.database.postgresql:
        return
    agent = site.agent()
    with serving(site.database, vault_keys=site.settings.vault_keys) as other:
        other.tokens = site.tokens
        status, said = _while_polling(other, agent, lambda: site.job(agent))
    assert (status, len(said["commands"])) == (200, 1)


def deafen(site: Site) -> None:
    """Cut the connections on which the service listens; it takes a second until it does again."""
    ears = f"FROM pg_stat_activity WHERE datname = current_database() AND application_name = '{LISTENER}'"
    with site.database.transaction() as session:
        assert session.scalars(sa.text(f"SELECT pg_terminate_backend(pid) {ears}")).all()


def test_a_key_revoked_while_the_service_did_not_listen_is_refused_when_it_does(site: Site) -> None:
    if not site.database.postgresql:
        return  # an embedded database has one process, which tells itself
    agent = site.agent()
    poll = "/api/agent/commands?wait=0"
    site.get(poll, key=agent["key"])
    deafen(site)
    with site.database.transaction() as session:
        session.get_one(AgentKey, agent["key_id"]).revoked_at = datetime.now(UTC)
    statuses = []
    for _ in range(100):
        statuses.append(site.call("GET", poll, key=agent["key"])[0])
        if statuses[-1] != 200:
            break
        Control().wait(0.1)
    assert statuses[-1] == 401


def test_a_service_that_cannot_listen_asks_for_every_caller(site: Site, postgres: Postgres) -> None:
    """Its own connections hold, and it gets no new one: what another replica changed meanwhile counts all the same."""
    if not site.database.postgresql:
        return  # an embedded database has one process, which tells itself
    agent = site.agent()
    poll = "/api/agent/commands?wait=0"
    site.get(poll, key=agent["key"])
    name = site.database.url.database
    ears = f"FROM pg_stat_activity WHERE datname = '{name}' AND application_name = '{LISTENER}'"
    with postgres.connect() as administrator:
        administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        administrator.execute(f"SELECT pg_terminate_backend(pid) {ears}")
        with site.database.transaction() as session:
            session.get_one(AgentKey, agent["key_id"]).revoked_at = datetime.now(UTC)
        statuses = [site.call("GET", poll, key=agent["key"])[0] for _ in range(30)]
        administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    assert statuses[-1] == 401


def test_a_renamed_agent_is_called_so_from_then_on(site: Site) -> None:
    agent = site.agent("old")
    job, token = site.running(agent)
    site.call("PATCH", f"/api/agents/{agent['id']}", {"name": "new"})
    Control().wait(0.5)  # a wake travels by way of the database
    site.report(agent, job, token, 4, status="paused")
    assert site.get(f"/api/jobs/{job['id']}/history")[-1]["actor"] == "agent:new"


def test_an_order_given_while_the_service_did_not_listen_wakes_the_poll_when_it_does(site: Site) -> None:
    if not site.database.postgresql:
        return
    agent = site.agent()

    def order() -> None:
        deafen(site)
        site.job(agent)

    status, said = _while_polling(site, agent, order)
    assert (status, [command["name"] for command in said["commands"]]) == (200, ["start_job"])


def test_what_is_forgotten_while_a_key_is_looked_up_is_not_remembered(database: Database) -> None:
    """The row was read before it changed, and comes home after the change was heard of."""
    with serving(database) as site:
        site.tokens = site.organisation("grace")
        agent = site.agent()
        assert site.services is not None
        callers = site.services.callers
        request = Request(
            {
                "type": "http",
                "method": "GET",
                "path": "/",
                "state": {},
                "headers": [(b"authorization", f"Bearer {agent['key']}".encode())],
            }
        )

        def change(*_: Any) -> None:
            callers.forget_agent(agent["id"])

        callers.forget_all(hears=True)
        with site.services.database.transaction() as session:
            sa.event.listen(sa.Engine, "after_cursor_execute", change)
            try:
                callers.agent(session, request)
            finally:
                sa.event.remove(sa.Engine, "after_cursor_execute", change)
            assert callers.remembered(request) is None
            callers.agent(session, request)
            assert callers.remembered(request) is not None


def test_the_limit_of_a_tenant_holds_for_all_its_people(database: Database) -> None:
    with serving(database, requests_per_minute=3) as site:
        site.tokens = site.organisation("grace")
        other = site.organisation("other")
        answers = [site.call("GET", "/api/me", role=role) for role in ("owner", "viewer", "owner", "viewer", "owner")]
        assert 429 in [status for status, _ in answers]
        said = answers[-1][1]
        assert (said["code"], said["details"]["limit"], said["details"]["window"]) == ("RATE_LIMIT_EXCEEDED", 3, "1m")
        assert site.call("GET", "/api/me", key=other["owner"])[0] == 200


@pytest.mark.parametrize("role", ["owner", "viewer"])
def test_every_answer_tells_the_rate(site: Site, role: str) -> None:
    import httpx

    answer = httpx.get(site.url + "/api/jobs", headers={"Authorization": f"Bearer {site.tokens[role]}"})
    assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= set(answer.headers)


def test_a_poll_that_follows_a_quiet_one_still_hears_of_what_came_between(site: Site) -> None:
    agent = site.agent()
    assert site.get("/api/agent/commands?wait=0.2", key=agent["key"]) == {"commands": []}
    site.job(agent)
    found = site.get("/api/agent/commands?wait=20", key=agent["key"])["commands"]
    assert [command["name"] for command in found] == ["start_job"]


def test_an_order_that_was_not_acknowledged_comes_again(site: Site) -> None:
    agent = site.agent()
    site.job(agent)
    first = site.get("/api/agent/commands?wait=0.2", key=agent["key"])["commands"]
    assert site.get("/api/agent/commands?wait=0.2", key=agent["key"])["commands"] == []
    with site.database.transaction() as session:
        session.get_one(QueuedCommand, first[0]["id"]).delivered_at = None
    assert site.get("/api/agent/commands?wait=20", key=agent["key"])["commands"] == first
