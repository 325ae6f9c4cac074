"""What is written beside an object: its time and its kind."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from migrate_transfer.backends.azure.answers import moment, written
from migrate_transfer.backends.azure.listing import stored
from migrate_transfer.backends.azure.upload import _kind

SECOND = 10**9
YEAR_36 = int(datetime(36, 2, 29, tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize("time", [1_763_700_000_123_456_789, -1, YEAR_36, 253_402_300_799 * SECOND])
def test_a_time_comes_back_to_the_nanosecond(time: int) -> None:
    assert moment(written(time)) == time


@pytest.mark.parametrize("text", ["2020-13-01T00:00:00Z", "0000-01-01T00:00:00Z", "2020-06-01", "yesterday"])
def test_what_somebody_else_wrote_and_is_no_time_is_unknown(text: str) -> None:
    assert moment(text) == 0


@pytest.mark.parametrize(("text", "kept"), [("9999-12-31T00:00:00Z", 2**63 - 1), ("0600-01-01T00:00:00Z", -(2**63))])
def test_a_time_of_an_object_fits_the_ledger(text: str, kept: int) -> None:
    """Beyond 64 bits as for files: the first or last nanosecond."""
    assert stored("a", 1, "e", "", {"mtime": text}).modified == kept


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("a/photo.JPG", "image/jpeg"),
        ("a.b/notes.tar.gz", "application/x-tar"),
        ("a.pdf/README", "application/octet-stream"),
        ("a/.png", "application/octet-stream"),
        ("a/.hidden.png", "image/png"),
        ("", "application/octet-stream"),
    ],
)
def test_the_kind_follows_from_the_end_of_the_name(key: str, kind: str) -> None:
    assert _kind(key) == kind
