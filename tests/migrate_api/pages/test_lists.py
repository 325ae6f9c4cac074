"""Lists that are longer than a page: every row is seen once on the way to the oldest, and once on the way back."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pytest
import sqlalchemy as sa

from migrate_api.pages.lists import SHOWN
from migrate_api.tables import Agent, AgentKey, Client, Job, JobItem, Project
from tests.migrate_api.site import Site

ROWS = 2 * SHOWN + 7
NEWEST = datetime(2026, 5, 1, tzinfo=UTC)
on_sqlite = pytest.mark.parametrize("kind", ["sqlite"])


def rows(**fields: Any) -> list[dict[str, Any]]:
    """Three of each moment, so that a page may end among them."""
    moments = [NEWEST - timedelta(hours=number // 3) for number in range(ROWS)]
    return [{**fields, "id": f"r{number:03}", "created_at": at} for number, at in enumerate(moments)]


def fill(site: Site, name: str) -> str:
    """So many rows of a list: where it is, and what leads to one of its rows."""
    agent = site.agent()
    mine: dict[str, Any] = {"tenant_id": site.tenant_id}
    work = {name: site.project("file_migration")[name] for name in ("id", "client_id")}
    job = {**mine, "project_id": work["id"], "client_id": work["client_id"], "agent_id": agent["id"], "name": "J"}
    done = {**job, "type": "migrate_files", "status": "completed", "spec": {}, "created_by": "x", "finished_at": NEWEST}
    project = {**mine, "client_id": work["client_id"], "type": "archive", "status": "planning", "name": "P"}
    key = {**mine, "agent_id": agent["id"], "name": "K", "created_by": "x"}
    made: dict[str, tuple[Any, list[dict[str, Any]]]] = {
        "/clients": (Client, rows(**mine, name="C", status="active")),
        "/projects": (Project, rows(**project, time_zone="UTC")),
        "/jobs": (Job, rows(**done)),
        "/reports": (Job, rows(**done)),
        "/agents": (Agent, rows(**mine, name="A", hostname="", platform="", version="")),
        "/settings?of=keys": (AgentKey, [{**one, "hash": one["id"]} for one in rows(**key)]),
        f"/projects/{work['id']}": (Job, rows(**done)),
    }
    path = next(path for path in made if path.startswith(name))
    table, some = made[path]
    with site.database.transaction() as session:
        session.execute(sa.insert(table), some)
    return path


def pages(site: Site, path: str, rel: str) -> Iterator[str]:
    while path:
        yield (page := site.text(path, role="owner"))
        found = re.search(rf'<a href="([^"]+)" rel="{rel}">', page)
        path = html.unescape(found[1]) if found else ""


def seen(page: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"/(r\d{3})[\"/]", page)))


LISTS = ["/clients", "/projects", "/jobs", "/reports", "/agents", "/settings?of=keys", "/projects/"]


@pytest.mark.parametrize("name", LISTS)
def test_going_to_older_rows_shows_each_once(site: Site, name: str) -> None:
    found = [seen(page) for page in pages(site, fill(site, name), "next")]
    assert [max(0, len(page) - SHOWN) for page in found] == [0, 0, 0]
    assert sorted(chain.from_iterable(found)) == [f"r{number:03}" for number in range(ROWS)]


@on_sqlite
@pytest.mark.parametrize("name", LISTS)
def test_going_back_shows_the_same_pages_and_ends_at_the_newest(site: Site, name: str) -> None:
    forth = list(pages(site, fill(site, name), "next"))
    links = re.findall(r'<a href="([^"]+)" rel="next">', forth[-2])
    back = list(pages(site, html.unescape(links[0]), "prev"))
    assert [seen(page) for page in back] == [seen(page) for page in reversed(forth)]


@on_sqlite
def test_a_filter_goes_along(site: Site) -> None:
    path = fill(site, "/jobs")
    with site.database.transaction() as session:
        session.execute(sa.update(Job).where(Job.id < "r060").values(status="failed"))
    found = [seen(page) for page in pages(site, f"{path}?status=failed", "next")]
    assert sorted(chain.from_iterable(found)) == [f"r{number:03}" for number in range(60)]


@on_sqlite
def test_a_name_is_found_by_a_part_of_it_and_signs_mean_themselves(site: Site) -> None:
    for name in ("Grace & Sons", "50% Church"):
        site.post("/api/clients", {"name": name})
    assert "Grace &amp; Sons" in site.text("/clients?name=ACE+%26", role="viewer")
    found = site.text("/clients?name=0%25", role="viewer")
    assert "50% Church" in found
    assert "Grace" not in found


@on_sqlite
def test_a_short_list_leads_nowhere(site: Site) -> None:
    site.post("/api/clients", {"name": "Grace"})
    assert 'class="pager"' not in site.text("/clients", role="viewer")


@on_sqlite
def test_a_mark_that_nobody_made_is_refused_on_a_page(site: Site) -> None:
    assert site.call("GET", "/jobs?older=nonsense")[0] == 400
    assert "take it from" in site.text("/jobs?older=nonsense", role="viewer")


@on_sqlite
def test_an_address_that_makes_no_sense_is_answered_by_a_page(site: Site) -> None:
    """It was a JSON document: somebody looks at it."""
    page = site.text(f"/jobs?older={'x' * 300}", role="viewer")
    assert ("<!doctype html>" in page, "older: " in page) == (True, True)


@on_sqlite
def test_a_long_list_to_choose_from_says_so_and_keeps_what_was_chosen(site: Site) -> None:
    mine = {"tenant_id": site.tenant_id, "status": "active", "created_at": NEWEST}
    with site.database.transaction() as session:
        session.execute(sa.insert(Client), [{**mine, "id": f"c{n:03}", "name": f"C{n:03}"} for n in range(502)])
    page = site.text("/jobs?client_id=c501", role="viewer")
    assert "Client (the first 500)" in page
    assert '<option value="c501" selected>' in page
    assert 'value="c500"' not in page


@on_sqlite
def test_unfinished_jobs_are_one_filter(site: Site) -> None:
    job = site.job(site.agent())
    assert job["id"] in site.text("/jobs?status=unfinished", role="viewer")
    site.post(f"/api/jobs/{job['id']}/cancel")
    assert job["id"] not in site.text("/jobs?status=unfinished", role="viewer")


@on_sqlite
def test_items_that_failed_go_on_too(site: Site) -> None:
    job = site.job(site.agent())
    text = {"entity": None, "code": "X", "message": "m", "remedy": "r", "at": NEWEST, "tenant_id": site.tenant_id}
    many = [{**text, "job_id": job["id"], "key": f"r{n:03}/", "key_hash": f"{n:064}"} for n in range(150)]
    with site.database.transaction() as session:
        session.execute(sa.insert(JobItem), many)
    found = [re.findall(r"<code>(r\d{3})/", page) for page in pages(site, f"/jobs/{job['id']}", "next")]
    assert [len(page) for page in found] == [100, 50]
    assert sorted(chain.from_iterable(found)) == [f"r{number:03}" for number in range(150)]
