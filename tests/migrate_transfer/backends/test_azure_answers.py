"""Answers that are not whole, or not Azure's own: nothing is concluded from them."""

from __future__ import annotations

import pytest

from migrate_transfer.backends.azure.client import Client
from migrate_transfer.backends.azure.destination import AzureBlob
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import FatalError
from migrate_transfer.core.retry import RetryPolicy
from migrate_transfer.net.lane import Link
from tests.fakes.azurite import destination
from tests.migrate_transfer.net.server import answer, serving

HASTY = Link(Control(), retry=RetryPolicy(first=0.01, longest=0.02, patience=3))
MOVED = answer(200, b"", ETag='"0x1"', x_ms_meta_source="m", x_ms_meta_moved="2026-01-01T00:00:00Z")


def at(url: str) -> AzureBlob:
    return destination(f"{url}/account", "container", link=HASTY)


def test_an_object_whose_answer_was_cut_off_is_asked_for_again() -> None:
    """What was cut off is the mark: the only copy of a file would have been replaced, or removed."""
    whole = MOVED.index(b"x-ms-meta-moved")
    with serving(MOVED[:whole] + b"x-ms-cut", MOVED) as server:
        found = at(server.url).find("a")
        assert found is not None
        assert found.moved


def test_nobody_else_is_told_what_is_needed_to_get_in() -> None:
    with serving(answer(302, b"", Location="/elsewhere")) as server:
        there = at(server.url)
        with pytest.raises(FatalError):
            Client(there._door).staged("a")
        assert len(server.requests) == 1
