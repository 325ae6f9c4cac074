"""The pages as a person uses them: in a real Chromium without JavaScript, signed in by a cookie, by mouse and keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import element_to_be_clickable
from selenium.webdriver.support.wait import WebDriverWait

from migrate_api.callers import COOKIE
from migrate_api.credentials import new_credential
from migrate_api.tables import User, UserSession
from tests.migrate_api.site import Site

pytestmark = pytest.mark.parametrize("kind", ["sqlite"])
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # root may not have one, and the pages are our own
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--window-size=1280,1400",
)
PHONE = 375


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    options = ChromeOptions()
    for flag in FLAGS:
        options.add_argument(flag)
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    with Chrome(options, Service("/usr/bin/chromedriver")) as found:
        yield found


@pytest.fixture
def page(site: Site, browser: Chrome) -> Chrome:
    """Signed in as an owner."""
    cookie, digest = new_credential("mas")
    now = datetime.now(UTC)
    user = User(id=uuid4().hex, tenant_id=site.tenant_id, subject="ada", email="ada@example.org", role="owner")
    user.created_at = user.signed_in_at = now
    row = UserSession(hash=digest, tenant_id=site.tenant_id, user_id=user.id, created_at=now)
    row.expires_at = now + timedelta(hours=1)
    with site.database.transaction() as session:
        session.add(user)
        session.flush()
        session.add(row)
    browser.get(f"{site.url}/api/health")
    browser.delete_all_cookies()
    browser.add_cookie({"name": COOKIE, "value": cookie, "path": "/"})
    browser.get(f"{site.url}/")
    browser.get_log("browser")  # type: ignore[no-untyped-call]  # what came before is not the page's
    return browser


def soon(page: Chrome, condition: Callable[[Any], Any]) -> Any:
    return WebDriverWait(page, 30).until(condition)


def press(page: Chrome, words: str) -> None:
    """A button or a link, as it is called."""
    here = page.find_element(By.XPATH, f"//button[.='{words}'] | //main//a[.='{words}']")
    soon(page, element_to_be_clickable(here))
    before = page.find_element(By.TAG_NAME, "html")
    here.click()
    soon(page, lambda _: page.find_element(By.TAG_NAME, "html") != before)


def write(page: Chrome, name: str, text: str) -> None:
    field = page.find_element(By.CSS_SELECTOR, f"main form[method=post] [name={name}]")
    field.clear()
    field.send_keys(text)


def test_a_client_is_made_changed_and_archived(site: Site, page: Chrome) -> None:
    page.get(f"{site.url}/clients")
    write(page, "name", "Grce Church")
    press(page, "Save")
    write(page, "name", "Grace Church")
    write(page, "contact_email", "ada@grace")  # the browser takes it, the service does not
    press(page, "Save")
    assert page.find_element(By.CSS_SELECTOR, "label .wrong").text == "give an address such as ada@example.org"
    write(page, "contact_email", "ada@grace.example.org")
    press(page, "Save")
    press(page, "Archive")
    (client,) = site.get("/api/clients")["items"]
    assert (client["name"], client["contact_email"]) == ("Grace Church", "ada@grace.example.org")
    assert client["status"] == "archived"


def test_a_job_is_cancelled_after_a_question_and_run_again(site: Site, page: Chrome) -> None:
    job, _ = site.running(site.agent())
    page.get(f"{site.url}/jobs/{job['id']}")
    press(page, "Cancel")
    assert site.get(f"/api/jobs/{job['id']}")["status"] == "running"
    write(page, "why", "too early")
    press(page, "Cancel the job")
    assert "too early" in page.find_element(By.TAG_NAME, "main").text
    press(page, "Re-run")
    assert site.get(f"/api/jobs/{page.current_url.rsplit('/', 1)[1]}")["rerun_of"] == job["id"]


def test_an_agents_key_is_revoked(site: Site, page: Chrome) -> None:
    agent = site.agent()
    page.get(f"{site.url}/settings")
    press(page, "Revoke")
    press(page, "Go back")
    assert site.call("GET", "/api/agent/commands?wait=0", key=agent["key"])[0] == 200
    press(page, "Revoke")
    press(page, "Revoke")
    assert site.call("GET", "/api/agent/commands?wait=0", key=agent["key"])[0] == 401


def test_another_sites_page_changes_nothing(site: Site, page: Chrome) -> None:
    client = site.post("/api/clients", {"name": "Grace"})
    form = f"<form method=post action={site.url}/clients/{client['id']}><input name=name value=Mine><button>Go</button>"
    page.get(f"data:text/html,<main>{form}</form></main>")
    press(page, "Go")
    assert site.get(f"/api/clients/{client['id']}")["name"] == "Grace"


@pytest.mark.parametrize("width", [PHONE, 1_280])
def test_no_page_is_wider_than_the_screen_or_complains(site: Site, page: Chrome, width: int) -> None:
    agent = site.agent("a-machine-with-a-rather-long-name.of.some-church.example.org")
    window = {"start": "18:00", "end": "06:00"}
    schedule = {"windows": [window, {**window, "start": "12:00"}], "throttled_mbps": 20}
    project = site.project("full_migration", bandwidth_schedule=schedule)
    site.call("PATCH", f"/api/clients/{project['client_id']}", {"name": "G" * 80})
    job = site.job(agent, project, name="Acme Corp — C:\\Users\\Files — Jan 2026 " + "x" * 60)
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False},
    )
    paths = ["/", "/clients", "/projects", "/jobs", "/reports", "/agents", "/settings"]
    paths += [f"/clients/{project['client_id']}", f"/projects/{project['id']}", f"/projects/{project['id']}/edit"]
    paths += [f"/projects/{project['id']}/jobs/new", f"/projects/{project['id']}/azure", f"/agents/{agent['id']}"]
    paths += [f"/jobs/{job['id']}{rest}" for rest in ("", "/cancel", "/reassign", "/log")]
    for path in paths:
        page.get(site.url + path)
        found = page.execute_cdp_cmd("Page.getLayoutMetrics", {})
        assert found["cssContentSize"]["width"] <= width, path
    said = page.get_log("browser")  # type: ignore[no-untyped-call]
    assert [one for one in said if one["level"] != "DEBUG"] == []  # which is advice, on forms with two passwords
