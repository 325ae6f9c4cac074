"""What is listed again of a source when only what failed is meant."""

from __future__ import annotations

import pytest

from migrate_transfer.backends.memory import Memory
from migrate_transfer.engine.only import Only


@pytest.mark.parametrize(
    ("failed", "listed"),
    [
        ({"shut/a"}, ["shut/a"]),
        ({"shut"}, ["shut/a", "shut/deep/b"]),
        ({"shut/deep"}, ["shut/deep/b"]),
        ({"shu", "a"}, []),
    ],
)
def test_a_folder_that_failed_stands_for_all_that_lies_in_it(failed: set[str], listed: list[str]) -> None:
    source = Memory()
    for key in ("other", "shut/a", "shut/deep/b"):
        source.keep(key, b"-")
    assert sorted(entry.key for page in Only(source, failed).pages() for entry in page.entries) == listed
