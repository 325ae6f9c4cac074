"""What a job may ask for, and that its secrets show nowhere but where they must."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from migrate_api.protocol.spec import JobSpec

ROCK = {
    "type": "rockrms",
    "connection_string": "Server=s;Database=d;User Id=u;Password=hush",
    "mission_org_slug": "grace",
    "mission_api_url": "https://mission.example.org",
    "mission_integration_key": "key-hush",
}


def spec(**changes: Any) -> JobSpec:
    return JobSpec.model_validate({"type": "rockrms_import", "source": ROCK, **changes})


def transfer(**changes: Any) -> JobSpec:
    source = {"type": "local", "path": "/data"}
    return JobSpec.model_validate({"type": "migrate_files", "source": source, "transfer": changes})


def test_defaults_are_the_documented_ones() -> None:
    found = transfer().transfer
    assert (found.concurrency, found.chunk_size_mb, found.bandwidth_limit_mbps) == (4, 8, None)
    assert (found.verify_integrity, found.delete_after_upload) == (True, False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"concurrency": 0},
        {"concurrency": 33},
        {"chunk_size_mb": 0},
        {"chunk_size_mb": 257},
        {"bandwidth_limit_mbps": 0},
        {"bandwidth_limit_mbps": float("inf")},
        {"speed": 1},
    ],
)
def test_what_is_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        transfer(**wrong)


def test_secrets_show_neither_in_text_nor_in_json() -> None:
    shown = f"{spec()!r} {spec()} {spec().redacted()} {spec().model_dump_json()}"
    assert "hush" not in shown


def test_the_revealed_form_makes_the_same_spec_again() -> None:
    assert JobSpec.model_validate(spec().revealed()) == spec()
    assert spec().revealed()["source"]["mission_integration_key"] == "key-hush"


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(ValidationError) as caught:
        spec(source={**ROCK, "mission_api_url": "hush://user:hush@x"})
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://user:secret@mission.example.org", "mission.example.org", "file:///etc"])
def test_an_address_with_a_login_or_without_a_scheme_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        spec(source={**ROCK, "mission_api_url": url})
