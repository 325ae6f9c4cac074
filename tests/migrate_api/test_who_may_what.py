"""Every route, every role, another organisation: refused as it should be. A new route not in the table fails."""

from __future__ import annotations

from typing import Any, get_args

from fastapi.routing import APIRoute

from migrate_api.app import ROUTERS
from migrate_api.protocol.said import Said
from migrate_api.protocol.spec import Model
from tests.migrate_api.site import HOST, Site, now

EVERYBODY, AGENT = "everybody", "agent"
NEEDED = {
    "GET /api/health": EVERYBODY,
    "GET /api/auth/hub-sso": EVERYBODY,
    "POST /api/agents/register": EVERYBODY,
    "POST /api/auth/sign-out": "viewer",
    "GET /api/me": "viewer",
    "POST /api/tokens": "admin",
    "GET /api/tokens": "admin",
    "DELETE /api/tokens/{token_id}": "admin",
    "POST /api/clients": "member",
    "GET /api/clients": "viewer",
    "GET /api/clients/{client_id}": "viewer",
    "PATCH /api/clients/{client_id}": "member",
    "DELETE /api/clients/{client_id}": "admin",
    "POST /api/projects": "member",
    "GET /api/projects": "viewer",
    "GET /api/projects/{project_id}": "viewer",
    "PATCH /api/projects/{project_id}": "member",
    "DELETE /api/projects/{project_id}": "admin",
    "PUT /api/projects/{project_id}/storage": "member",
    "DELETE /api/projects/{project_id}/storage": "member",
    "POST /api/connections/azure/callback": EVERYBODY,
    "GET /api/connections/azure/callback": "member",
    "POST /api/connections/azure/{project_id}/sign-in": "member",
    "GET /api/connections/azure/{project_id}": "viewer",
    "GET /api/connections/azure/{project_id}/accounts": "member",
    "GET /api/connections/azure/{project_id}/containers": "member",
    "PUT /api/connections/azure/{project_id}/storage": "member",
    "POST /api/registration-codes": "admin",
    "GET /api/registration-codes": "admin",
    "POST /api/agent-keys": "admin",
    "GET /api/agent-keys": "admin",
    "DELETE /api/agent-keys/{key_id}": "admin",
    "GET /api/agents": "viewer",
    "GET /api/agents/{agent_id}": "viewer",
    "PATCH /api/agents/{agent_id}": "member",
    "DELETE /api/agents/{agent_id}": "admin",
    "POST /api/agents/{agent_id}/connection-tests": "member",
    "GET /api/connection-tests/{test_id}": "viewer",
    "POST /api/jobs": "member",
    "GET /api/jobs": "viewer",
    "GET /api/jobs/{job_id}": "viewer",
    "DELETE /api/jobs/{job_id}": "admin",
    "POST /api/jobs/{job_id}/pause": "member",
    "POST /api/jobs/{job_id}/resume": "member",
    "POST /api/jobs/{job_id}/cancel": "member",
    "POST /api/jobs/{job_id}/reassign": "member",
    "POST /api/jobs/{job_id}/rerun": "member",
    "POST /api/jobs/{job_id}/retry-failed": "member",
    "GET /api/jobs/{job_id}/items": "viewer",
    "GET /api/jobs/{job_id}/history": "viewer",
    "GET /api/jobs/{job_id}/log": "viewer",
    "GET /api/jobs/{job_id}/speed": "viewer",
    "GET /api/reports": "viewer",
    "GET /api/jobs/{job_id}/report": "viewer",
    "GET /api/jobs/{job_id}/report.csv": "viewer",
    "GET /api/reports/{job_id}": "viewer",
    "GET /api/reports/{job_id}/export.csv": "viewer",
    "GET /api/outbox": "admin",
    "POST /api/agent/hello": AGENT,
    "POST /api/agent/heartbeat": AGENT,
    "GET /api/agent/commands": AGENT,
    "POST /api/agent/commands/{command_id}/acknowledge": AGENT,
    "POST /api/agent/jobs/{job_id}/lease": AGENT,
    "POST /api/agent/jobs/{job_id}/storage-access": AGENT,
    "POST /api/progress": AGENT,
    "POST /api/agent/jobs/{job_id}/log": AGENT,
}
RETURN = "GET /api/connections/azure/callback"
ROLES = ("viewer", "member", "admin", "owner")
SOURCE = {"type": "local", "path": "/data"}


def bodies(ids: dict[str, str]) -> dict[str, Any]:
    """A valid body for each route that takes one."""
    job = {"name": "J", "project_id": ids["project_id"], "agent_id": ids["agent_id"], "type": "migrate_files"}
    storage = {"account": "acme123", "container": "backups", "secret": "s"}
    return {
        "POST /api/agents/register": {"code": "AAAAAAAA", "host": HOST},
        "POST /api/tokens": {"name": "t", "role": "viewer"},
        "POST /api/clients": {"name": "c"},
        "PATCH /api/clients/{client_id}": {"name": "c"},
        "POST /api/projects": {"client_id": ids["client_id"], "type": "archive", "name": "p"},
        "PATCH /api/projects/{project_id}": {"name": "p"},
        "PUT /api/projects/{project_id}/storage": storage,
        "PUT /api/connections/azure/{project_id}/storage": {"account": "acme123", "container": "backups"},
        "POST /api/registration-codes": {},
        "POST /api/agent-keys": {"name": "a"},
        "PATCH /api/agents/{agent_id}": {"name": "a"},
        "POST /api/agents/{agent_id}/connection-tests": {"connection_string": "Server=x"},
        "POST /api/jobs": {**job, "source": SOURCE},
        "POST /api/jobs/{job_id}/reassign": {"agent_id": ids["agent_id"]},
        "POST /api/agent/hello": {"host": HOST, "sent_at": now()},
        "POST /api/agent/heartbeat": {"host": HOST, "sent_at": now()},
        "POST /api/agent/commands/{command_id}/acknowledge": {"accepted": True},
        "POST /api/progress": {"job_id": ids["job_id"], "token": 1, "sequence": 1},
        "POST /api/agent/jobs/{job_id}/storage-access": {"token": 1},
        "POST /api/agent/jobs/{job_id}/log": {"token": 1, "number": 1, "text": "x"},
    }


def ids(site: Site) -> dict[str, str]:
    """One of everything, all of the first organisation."""
    agent = site.agent()
    project = site.project()
    test = site.post(f"/api/agents/{agent['id']}/connection-tests", {"connection_string": "Server=x"})
    return {
        "agent_id": agent["id"],
        "key_id": agent["key_id"],
        "client_id": project["client_id"],
        "project_id": project["id"],
        "job_id": site.job(agent, project)["id"],
        "token_id": site.post("/api/tokens", {"name": "t", "role": "viewer"})["id"],
        "test_id": test["id"],
        "command_id": test["id"],
    }


def calls(found: dict[str, str]) -> list[tuple[str, str, str, Any]]:
    """Route, method, path and body of everything that can be called."""
    body = bodies(found)
    return [(name, *name.split(" ", 1)[:1], name.split(" ", 1)[1].format(**found), body.get(name)) for name in NEEDED]


def test_every_body_keeps_the_rule_of_texts() -> None:
    """Which both databases can hold: see Model and Said. One of another kind would take a NUL on SQLite alone."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    bodies = [body.field_info.annotation for route in routes for body in route.dependant.body_params]
    kinds = [next(kind for kind in (*get_args(body), body) if isinstance(kind, type)) for body in bodies]
    assert len(kinds) > 20
    assert [kind for kind in kinds if not issubclass(kind, (Model, Said))] == []


def test_every_route_is_in_the_table() -> None:
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    assert {f"{method} {route.path}" for route in routes for method in route.methods} == set(NEEDED)


def test_nobody_gets_in_without_a_credential(site: Site) -> None:
    let_in = {
        name
        for name, method, path, body in calls(ids(site))
        if site.call(method, path, body, role=None)[0] != 401 and NEEDED[name] != EVERYBODY
    }
    assert let_in == set()


def test_a_role_does_what_it_may_and_no_more(site: Site) -> None:
    found, wrong = ids(site), []
    for name, method, path, body in calls(found):
        for role in ROLES if NEEDED[name] in ROLES else ():
            enough = ROLES.index(role) >= ROLES.index(NEEDED[name])
            if not enough and site.call(method, path, body, role=role)[0] != 403:
                wrong.append((name, role))
    assert wrong == []


def test_an_agents_key_opens_no_door_of_people_and_theirs_none_of_agents(site: Site) -> None:
    found = ids(site)
    key, wrong = site.agent("other")["key"], []
    for name, method, path, body in calls(found):
        if NEEDED[name] in ROLES and site.call(method, path, body, key=key)[0] != 401:
            wrong.append(name)
        if NEEDED[name] == AGENT and site.call(method, path, body)[0] != 401:
            wrong.append(name)
    assert wrong == []


def test_another_organisation_sees_and_changes_nothing(site: Site) -> None:
    """404 for a thing named in the path; 400 where it is named in the body; no list tells of it."""
    found = ids(site)
    owner = site.organisation("other-church")["owner"]
    wrong = []
    for name, method, path, body in calls(found):
        if NEEDED[name] not in ROLES:
            continue
        status, said = site.call(method, path, body, key=owner)
        mine = "{" not in name
        named = not mine or "_id" in str(body) or name == RETURN  # a sign-in is named in the query
        hidden = status in (400, 404) if named else status < 300
        told = method == "GET" and any(id_ in str(said) for id_ in found.values())
        if not hidden or told:
            wrong.append((name, status, said))
    assert wrong == []


def test_another_organisations_agent_gets_no_hold_of_a_job(site: Site) -> None:
    found = ids(site)
    first, site.tokens = site.tokens, site.organisation("other-church")
    stranger = site.agent("stranger")
    for name, method, path, body in calls(found):
        if NEEDED[name] == AGENT and ("{" in name or name == "POST /api/progress"):
            assert site.call(method, path, body, key=stranger["key"])[0] == 404, name
    site.tokens = first
