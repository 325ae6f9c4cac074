"""Every page and who may open it. A new page that is not in the table fails."""

from __future__ import annotations

from fastapi.routing import APIRoute

from migrate_api.pages.routes import PAGES
from tests.migrate_api.site import Site

ROLES = ("viewer", "member", "admin", "owner")
NEEDED = {
    "GET /": "viewer",
    "GET /clients": "viewer",
    "POST /clients": "member",
    "GET /clients/{client_id}": "viewer",
    "POST /clients/{client_id}": "member",
    "GET /clients/{client_id}/delete": "admin",
    "POST /clients/{client_id}/delete": "admin",
    "GET /projects": "viewer",
    "POST /projects": "member",
    "GET /projects/{project_id}": "viewer",
    "GET /projects/{project_id}/edit": "member",
    "POST /projects/{project_id}/edit": "member",
    "GET /projects/{project_id}/cancel": "member",
    "POST /projects/{project_id}/cancel": "member",
    "POST /projects/{project_id}/take-back": "member",
    "GET /projects/{project_id}/delete": "admin",
    "POST /projects/{project_id}/delete": "admin",
    "GET /projects/{project_id}/azure": "viewer",
    "POST /projects/{project_id}/azure/sign-in": "member",
    "POST /projects/{project_id}/azure/storage": "member",
    "POST /projects/{project_id}/azure/secret": "member",
    "GET /projects/{project_id}/azure/disconnect": "member",
    "POST /projects/{project_id}/azure/disconnect": "member",
    "GET /projects/{project_id}/jobs/new": "member",
    "POST /projects/{project_id}/jobs": "member",
    "GET /jobs": "viewer",
    "GET /jobs/{job_id}": "viewer",
    "GET /jobs/{job_id}/log": "viewer",
    "GET /jobs/{job_id}/cancel": "member",
    "GET /jobs/{job_id}/delete": "admin",
    "POST /jobs/{job_id}/delete": "admin",
    "GET /jobs/{job_id}/rerun": "member",
    "POST /jobs/{job_id}/rerun": "member",
    "GET /jobs/{job_id}/retry-failed": "member",
    "POST /jobs/{job_id}/retry-failed": "member",
    "GET /jobs/{job_id}/reassign": "member",
    "POST /jobs/{job_id}/reassign": "member",
    "POST /jobs/{job_id}/{order}": "member",
    "GET /reports": "viewer",
    "GET /agents": "viewer",
    "GET /agents/{agent_id}": "viewer",
    "POST /agents/{agent_id}": "member",
    "GET /agents/{agent_id}/remove": "admin",
    "POST /agents/{agent_id}/remove": "admin",
    "GET /agents/{agent_id}/test-connection": "member",
    "POST /agents/{agent_id}/test-connection": "member",
    "GET /connection-tests/{test_id}": "viewer",
    "GET /settings": "admin",
    "POST /settings/codes": "admin",
    "POST /settings/keys": "admin",
    "POST /settings/tokens": "admin",
    "GET /settings/keys/{key_id}/revoke": "admin",
    "POST /settings/keys/{key_id}/revoke": "admin",
    "GET /settings/tokens/{token_id}/revoke": "admin",
    "POST /settings/tokens/{token_id}/revoke": "admin",
}


def test_every_page_is_in_the_table() -> None:
    found = [route for pages in PAGES for route in pages.routes if isinstance(route, APIRoute)]
    assert {f"{method} {route.path}" for route in found for method in route.methods or ()} == set(NEEDED)


def test_a_lower_role_is_refused_and_a_page_is_shown_to_who_may_see_it(site: Site) -> None:
    agent = site.agent()
    job = site.job(agent)
    token = site.post("/api/tokens", {"name": "t"})["id"]
    ids = {"client_id": job["client_id"], "project_id": job["project_id"], "job_id": job["id"], "order": "pause"}
    test = site.post(f"/api/agents/{agent['id']}/connection-tests", {"connection_string": "Server=x"})["id"]
    ids |= {"agent_id": agent["id"], "test_id": test, "key_id": agent["key_id"], "token_id": token}
    wrong = []
    for name, needed in NEEDED.items():
        method, path = name.format(**ids).split(" ")
        for role in ROLES:
            enough = ROLES.index(role) >= ROLES.index(needed)
            if enough and method == "POST":
                continue  # what it does is tested where it belongs
            if site.call(method, path, role=role)[0] != (200 if enough else 403):
                wrong.append((name, role))
    assert wrong == []
