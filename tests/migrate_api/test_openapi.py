"""Whatever is sent, the service answers as its description says, and never with a fault of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from migrate_api.database import Database
from tests.migrate_api.site import Site, serving
from tests.migrate_api.test_who_may_what import AGENT, NEEDED, ids

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
EXAMPLES = 5
HEALTH = list(HealthCheck)
PHASES = (Phase.explicit, Phase.generate)
WAITING = ("/api/agent/commands", "/api/connection-tests/{test_id}")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, dict[str, str], str]]:
    """A service, the ids of what is in it, and an agent's key."""
    database = Database(f"sqlite:///{Path(tmp_path_factory.mktemp('openapi')) / 'service.sqlite'}")
    with serving(database) as site:
        site.tokens = site.organisation("grace")
        found = ids(site)
        yield site, found, site.agent("fuzzed")["key"]
    database.close()


@pytest.fixture(scope="module")
def described(live: tuple[Site, dict[str, str], str]) -> Any:
    site, _, _ = live
    return schemathesis.openapi.from_url(f"{site.url}/openapi.json")


@pytest.mark.parametrize("name", NEEDED)
def test_any_request_is_answered_as_described(
    name: str, described: Any, live: tuple[Site, dict[str, str], str]
) -> None:
    site, known, key = live
    method, path = name.split(" ")
    credential = key if NEEDED[name] == AGENT else site.tokens["owner"]
    headers = {"Authorization": f"Bearer {credential}"}

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        suppress_health_check=HEALTH,
        phases=PHASES,
    )
    @given(case=described[path][method].as_strategy(), real=st.booleans())
    def answered_as_described(case: Any, real: bool) -> None:
        if real and case.path_parameters:
            case.path_parameters = {part: known.get(part, value) for part, value in case.path_parameters.items()}
        if path in WAITING:
            case.query = {**(case.query or {}), "wait": 0}
        answer = case.call(headers=headers, allow_redirects=False)
        case.validate_response(answer, checks=CHECKS)

    answered_as_described()


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b"\xff\xfe", b'{"name": "\\ud800"}', b'{"name": 1e999}'])
def test_a_body_that_is_no_json_is_refused(live: tuple[Site, dict[str, str], str], body: bytes) -> None:
    site, _, _ = live
    headers = {"Authorization": f"Bearer {site.tokens['owner']}", "Content-Type": "application/json"}
    answer = httpx.post(f"{site.url}/api/clients", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_ERROR")


def test_what_is_not_there_is_answered_in_the_same_form(live: tuple[Site, dict[str, str], str]) -> None:
    site, _, _ = live
    assert site.refused("GET", "/api/nothing") == (404, "NOT_FOUND")
    assert site.refused("DELETE", "/api/me") == (405, "METHOD_NOT_ALLOWED")
