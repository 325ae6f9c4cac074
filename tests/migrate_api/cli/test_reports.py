"""When an import that came to its end is clean, and so ends with 0."""

from __future__ import annotations

from typing import Any

import pytest

from migrate_api.cli.reports import is_clean

PEOPLE = {"failed": 0, "pending": 0, "in_mission": {"missing_count": 0, "duplicated_count": 0}}
MONEY = {"variance": [{"line": "queued", "count": 3}, {"line": "corrected", "count": 1}]}
CLEAN: dict[str, Any] = {
    "unexplained": "0.00",
    "unexplained_records": 0,
    "entities": {"people": PEOPLE},
    "money": MONEY,
}


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"unexplained": None, "money": None},
        {"entities": {"people": PEOPLE | {"in_mission": None}}},
    ],
)
def test_clean(other: dict[str, Any]) -> None:
    assert is_clean(CLEAN | other)


@pytest.mark.parametrize(
    "other",
    [
        {"unexplained": "-0.01"},
        {"unexplained_records": 2},
        {"entities": {"people": PEOPLE | {"failed": 1}}},
        {"entities": {"people": PEOPLE | {"pending": 1}}},
        {"entities": {"people": PEOPLE | {"in_mission": {"missing_count": 1, "duplicated_count": 0}}}},
        {"entities": {"people": PEOPLE | {"in_mission": {"missing_count": 0, "duplicated_count": 1}}}},
        {"money": {"variance": [{"line": "extraction", "count": 1}]}},
    ],
)
def test_not_clean(other: dict[str, Any]) -> None:
    assert not is_clean(CLEAN | other)
