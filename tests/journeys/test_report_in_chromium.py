"""The quality report as a treasurer opens it: in a real Chromium that can reach nothing, by mouse and keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import element_to_be_clickable, visibility_of
from selenium.webdriver.support.wait import WebDriverWait

from migrate_etl.sandbox.mission.process import MissionSandbox
from tests.journeys.church import KEY, Church

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # root may not have one, and the page is our own
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--window-size=1200,1400",
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, sample: str) -> Path:
    """Of an import after which a gift vanished from Mission and another was changed by a cent."""
    folder = tmp_path_factory.mktemp("reported")
    with MissionSandbox.start(folder / "mission", "grace", KEY) as mission:
        church = Church(folder / "jobs", sample, mission)
        with church.job(entities=("people", "contributions")) as job:
            job.scan()
            for entity in job.spec.entities:
                partitions = job.plan.partitions(entity)
                job.extract(entity, partitions)
                job.map(entity, partitions)
                job.load(entity, partitions)
            mission.sql("DELETE FROM contributions WHERE position = (SELECT max(position) FROM contributions)")
            mission.sql("UPDATE contributions SET amount_cents = amount_cents + 1 WHERE position = 40")
            job.prove()
            return job.report()


@pytest.fixture
def page(report: Path) -> Iterator[Chrome]:
    options = ChromeOptions()
    for flag in FLAGS:
        options.add_argument(flag)
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with Chrome(options, Service("/usr/bin/chromedriver")) as browser:
        browser.get(report.as_uri())
        yield browser


def soon(page: Chrome, condition: Callable[[Any], Any]) -> None:
    """A page is drawn when the machine gets to it."""
    WebDriverWait(page, 30).until(condition)


def test_it_needs_nothing_but_itself_and_complains_of_nothing(page: Chrome) -> None:
    assert page.execute_script("return performance.getEntriesByType('resource').map(one => one.name)") == []
    assert page.get_log("browser") == []  # type: ignore[no-untyped-call]


def test_the_money_cube_opens_down_to_the_records(page: Chrome) -> None:
    fund = page.find_element(By.CSS_SELECTOR, "details:has(details):has(.off)")
    year = fund.find_element(By.CSS_SELECTOR, "details:has(.off)")
    assert not year.is_displayed()
    for part in (fund, year):
        summary = part.find_element(By.TAG_NAME, "summary")
        soon(page, element_to_be_clickable(summary))
        summary.click()
    soon(page, visibility_of(year.find_element(By.TAG_NAME, "table")))


def test_the_exceptions_are_filtered_as_one_types(page: Chrome) -> None:
    rows = page.find_elements(By.CSS_SELECTOR, "#exception-rows tbody tr")
    assert len(rows) == 2
    code = rows[0].find_element(By.TAG_NAME, "code").get_property("textContent")
    assert isinstance(code, str)
    filter_ = page.find_element(By.CSS_SELECTOR, "input[data-filter=exception-rows]")
    soon(page, element_to_be_clickable(filter_))
    filter_.send_keys(code)
    soon(page, lambda _: [row.is_displayed() for row in rows] == [True, False])


def test_it_prints(page: Chrome) -> None:
    assert len(page.print_page()) > 20_000


def on_a_screen(page: Chrome, width: int) -> None:
    screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


def test_on_a_phone_no_sentence_is_cut_off(page: Chrome) -> None:
    on_a_screen(page, 360)
    rights = "return [...document.querySelectorAll('.words .say')].map(one => one.getBoundingClientRect().right)"
    found = page.execute_script(rights)
    assert found
    assert max(found) <= 360


@pytest.mark.parametrize("width", [360, 1_200])
def test_it_is_not_wider_than_the_screen(page: Chrome, width: int) -> None:
    on_a_screen(page, width)
    page.execute_script("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
