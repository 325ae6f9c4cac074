"""What people name as a place, and what may not lie in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_transfer.core.errors import InvalidRequest
from migrate_transfer.core.plan import Filters
from migrate_transfer.places import require_apart


@pytest.mark.parametrize("include", [(), ("*",), ("*.csv",), ("out/**",)])
def test_books_that_may_be_moved_are_not_kept_in_the_source(tmp_path: Path, include: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequest) as told:
        require_apart(str(tmp_path), tmp_path / "out", Filters(include=include))
    assert told.value.error_code == "BOOKS_IN_SOURCE"


@pytest.mark.parametrize("include", [("*.docx",), ("docs/**",), ("docs/*.csv", "*.{pdf,docx}")])
def test_books_that_no_pattern_means_may_lie_there(tmp_path: Path, include: tuple[str, ...]) -> None:
    require_apart(str(tmp_path), tmp_path / "out", Filters(include=include))
