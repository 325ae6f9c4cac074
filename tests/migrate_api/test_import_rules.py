"""An import is refused when its job is made, not hours later by its agent: both go by the same rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import httpx
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from migrate_api.database import Database
from migrate_api.protocol.spec import RockSource
from migrate_api.tables import Job
from migrate_api.vault import Vault
from migrate_etl.spec import LARGEST_ID, NO_ZONES, RockImportSpec
from tests.migrate_api.site import ROCK, Site, serving

GUID = "928a2e04-c77b-4282-888f-ec549cee026a"
WRONG: list[tuple[str, Any]] = [
    ("mission_org_slug", "Grace"),
    ("mission_org_slug", "-grace"),
    ("mission_org_slug", "grace\n"),
    ("mission_org_slug", "g" * 64),
    ("mission_api_url", "mission.example"),
    ("mission_api_url", "https://"),
    ("mission_api_url", "https:///import"),
    ("mission_api_url", "ftp://mission.example"),
    ("mission_api_url", "https://user:hush@mission.example"),
    ("mission_api_url", "https://[::1"),
    ("mission_api_url", "https://[mission]"),
    ("mission_api_url", "https://[::1]x"),
    ("mission_api_url", "https://mission.example:0"),
    ("mission_api_url", "https://mission.example:99999"),
    ("mission_api_url", "https://mission.example:http"),
    ("mission_api_url", "https://mission.example?key=1"),
    ("mission_api_url", "https://mission.example#top"),
    ("mission_api_url", "https://mission example"),
    ("mission_api_url", "https://mission.example/a b"),
    ("mission_api_url", "https://mission.example\\import"),
    ("mission_api_url", "https://mission..example"),
    ("mission_api_url", "https://-mission.example"),
    ("mission_api_url", f"https://{'m' * 64}.example"),
    ("mission_api_url", "https://300.1.1.1"),
    ("mission_api_url", "https://☃.example"),
    ("mission_api_url", "https://mission.example/" + "a" * 1_024),
    ("entities", []),
    ("entities", ["peoples"]),
    ("campus_ids", [0]),
    ("campus_ids", [-1]),
    ("campus_ids", [LARGEST_ID + 1]),
    ("campus_ids", [1.5]),
    ("campus_ids", ["North"]),
    ("date_range_start", "2999-01-01"),
    ("date_range_start", "2023-02-29"),
    ("date_range_start", "0000-01-01"),
    ("date_range_start", "10000-01-01"),
    ("date_range_start", "01/02/2020"),
    ("date_range_start", 1.5),
    ("time_zone", "America/Chigaco"),
    ("time_zone", "america/chicago"),
    ("time_zone", "America"),
    ("time_zone", "localtime"),
    ("time_zone", "Factory"),
    ("time_zone", "../etc/passwd"),
    ("time_zone", ""),
    ("include_group_types", ["Small Group"]),
    ("include_group_types", [GUID[:-1]]),
    ("include_group_types", [GUID, ""]),
]


@pytest.fixture(scope="module")
def grace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, dict[str, Any]]]:
    """A service, and a job that it would take."""
    database = Database(f"sqlite:///{Path(tmp_path_factory.mktemp('rules')) / 'service.sqlite'}")
    with serving(database) as site:
        site.tokens = site.organisation("grace")
        ids = {"project_id": site.project()["id"], "agent_id": site.agent()["id"]}
        yield site, {"name": "J", "type": "rockrms_import", "source": ROCK, **ids}
    database.close()


@pytest.mark.parametrize(("field", "value"), WRONG, ids=[f"{name}-{n}" for n, (name, _) in enumerate(WRONG)])
def test_what_the_import_would_refuse_makes_no_job(
    grace: tuple[Site, dict[str, Any]], field: str, value: object
) -> None:
    site, job = grace
    status, said = site.call("POST", "/api/jobs", {**job, "source": {**ROCK, field: value}})
    assert (status, said["code"]) == (400, "VALIDATION_ERROR")
    (named,) = {
        next(word for word in name.split(".") if word in ROCK | {field: 0}) for name in said["details"]["fields"]
    }
    assert named == field, said
    assert "hush" not in str(said)


@pytest.mark.parametrize(
    ("field", "form"),
    [
        ("mission_org_slug", "lower-case letters"),
        ("mission_api_url", "https://mission.example, without user"),
        ("time_zone", "America/Chicago"),
        ("include_group_types", GUID),
    ],
)
def test_the_refusal_says_what_to_give(grace: tuple[Site, dict[str, Any]], field: str, form: str) -> None:
    site, job = grace
    wrong = ["?"] if field == "include_group_types" else "?"
    said = site.call("POST", "/api/jobs", {**job, "source": {**ROCK, field: wrong}})[1]
    (why,) = said["details"]["fields"].values()
    assert form in why
    assert not why.startswith("Value error")


def test_today_is_the_last_day_from_which_one_may_import(grace: tuple[Site, dict[str, Any]]) -> None:
    """Kiritimati is fourteen hours ahead of UTC: its today may be our tomorrow."""
    site, job = grace
    today = (datetime.now(UTC) + timedelta(hours=14)).date()
    for day, expected in ((today, 201), (today + timedelta(days=1), 400)):
        source = {**ROCK, "time_zone": "Pacific/Kiritimati", "date_range_start": day.isoformat()}
        assert site.call("POST", "/api/jobs", {**job, "source": source})[0] == expected


def test_a_job_of_an_older_release_that_would_be_refused_now_is_not_made_again(
    grace: tuple[Site, dict[str, Any]],
) -> None:
    site, job = grace
    made = site.post("/api/jobs", job)
    site.post(f"/api/jobs/{made['id']}/cancel")
    with site.database.transaction() as session:
        row = session.get_one(Job, made["id"])
        sealed = {**row.spec, "source": {**ROCK, "include_group_types": ["Small Group"]}}
        Vault(site.settings.vault_keys.get_secret_value()).seal(session, row.tenant_id, f"job:{row.id}", sealed)
    status, said = site.call("POST", f"/api/jobs/{made['id']}/rerun", {})
    assert status == 400
    assert [name for name in said["details"]["fields"] if "include_group_types" in name]


WORDS = st.sampled_from(
    [*"Gß☃0-[]:./?#@%_{} \\\n", "grace", "::1", "127.0.0.1", "65536", "80", "//", "http:", "xn--", "urn:uuid:", GUID]
)
TEXT = st.lists(WORDS, max_size=8).map("".join)
ZONES = st.sampled_from([*sorted(available_timezones()), "America", ""])
SOURCES = st.fixed_dictionaries(
    {
        "mission_org_slug": st.just("grace") | TEXT,
        "mission_api_url": st.just("https://m") | TEXT.map("https://".__add__),
    },
    optional={
        "entities": st.lists(st.sampled_from(["groups", "people", "people"]), max_size=3),
        "campus_ids": st.lists(st.integers() | st.sampled_from([1, LARGEST_ID, "2"]), max_size=3),
        "date_range_start": st.dates(max_value=date(2026, 1, 1)).map(date.isoformat),
        "time_zone": ZONES,
        "include_group_types": st.lists(st.just(GUID) | TEXT, max_size=2),
    },
)


@settings(max_examples=400, derandomize=True, database=None)
@given(asked=SOURCES)
def test_what_the_api_accepts_the_import_accepts(asked: dict[str, Any]) -> None:
    """The import is asked with what was accepted, as it stands in the job."""
    try:
        source = RockSource.model_validate({**ROCK, **asked})
    except ValidationError:
        return
    spec = source.import_spec("a-job", date(2026, 1, 1), 4)
    assert RockImportSpec.model_validate_json(spec.model_dump_json()) == spec
    assert httpx.URL(spec.mission_url).host
    assert all(guid == guid.lower() and len(guid) == 36 for guid in spec.include_group_types)


def test_a_guid_is_written_as_rock_compares_it() -> None:
    written = [GUID.upper(), f"{{{GUID}}}", GUID.replace("-", "")]
    source = RockSource.model_validate({**ROCK, "include_group_types": written})
    assert source.include_group_types == (GUID,) * 3


def test_polars_knows_every_zone_that_is_accepted() -> None:
    moments = pl.Series([datetime(2020, 1, 1)])
    for zone in sorted(available_timezones() - NO_ZONES):
        assert moments.dt.replace_time_zone(zone).dtype == pl.Datetime("us", zone)
