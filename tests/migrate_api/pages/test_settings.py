"""Codes, keys, tokens and agents in pages: shown once, revoked after a question."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.migrate_api.site import Site

pytestmark = pytest.mark.parametrize("kind", ["sqlite"])


def test_a_key_is_revoked_after_a_question_and_its_agent_is_cut_off(site: Site) -> None:
    agent = site.agent()
    question = f"/settings/keys/{agent['key_id']}/revoke"
    assert question in site.text("/settings", role="admin")
    assert "cut off at once" in site.text(question, role="admin")
    assert site.call("GET", "/api/agent/commands?wait=0", key=agent["key"])[0] == 200
    assert site.submit(question).headers["location"] == "/settings#keys"
    assert site.call("GET", "/api/agent/commands?wait=0", key=agent["key"])[0] == 401


def test_a_token_is_made_shown_once_and_revoked(site: Site) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    page = site.submit("/settings/tokens", name="Nightly", role="member", expires_at=tomorrow).text
    token = re.search(r"mat_[\w-]+", page)
    assert token is not None
    assert f"valid until {tomorrow}" in page
    assert token[0] not in site.text("/settings", role="owner")
    (row,) = (one for one in site.get("/api/tokens")["items"] if one["name"] == "Nightly")
    site.submit(f"/settings/tokens/{row['id']}/revoke")
    assert site.call("GET", "/api/me", key=token[0])[0] == 401


def test_a_token_is_no_more_than_its_maker_and_the_form_says_so(site: Site) -> None:
    assert 'value="owner"' not in site.text("/settings", role="admin")
    form = {"name": "Too much", "role": "owner"}
    answer = site.submit("/settings/tokens", "admin", **form)
    assert (answer.status_code, "a token cannot be more" in answer.text) == (403, True)
    assert 'value="Too much"' in answer.text


@pytest.mark.parametrize("form", ["codes", "keys", "tokens"])
def test_what_is_wrong_is_said_in_its_own_form(site: Site, form: str) -> None:
    answer = site.submit(f"/settings/{form}", **{"label" if form == "codes" else "name": "x" * 300})
    wrong = [part.split('"')[0] for part in answer.text.split('<section id="')[1:] if 'class="wrong"' in part]
    assert (answer.status_code, wrong) == (400, [form])


def test_an_agent_is_called_something_else(site: Site) -> None:
    agent = site.agent()
    assert "srv1" in site.text("/agents?status=online", role="viewer")
    assert site.submit(f"/agents/{agent['id']}", name=" ").status_code == 400
    site.submit(f"/agents/{agent['id']}", name="fileserver")
    assert site.get(f"/api/agents/{agent['id']}")["name"] == "fileserver"


def test_an_agent_at_work_is_not_removed_and_an_idle_one_is(site: Site) -> None:
    agent = site.agent()
    job = site.job(agent)
    answer = site.submit(f"/agents/{agent['id']}/remove")
    assert (answer.status_code, "Cancel or reassign them first." in answer.text) == (409, True)
    site.post(f"/api/jobs/{job['id']}/cancel")
    assert site.submit(f"/agents/{agent['id']}/remove").headers["location"] == "/agents"
    assert site.call("GET", "/api/agent/commands?wait=0", key=agent["key"])[0] == 401


def test_the_dashboard_says_where_the_other_agents_are(site: Site) -> None:
    for number in range(21):
        site.agent(f"srv{number:02}", hello=number == 0)
    page = site.text("/", role="viewer")
    assert "1 online</a>, " in page
    assert "20 offline" in page
    assert '<a href="/agents">All agents</a>' in page
    assert "srv20" not in page
