"""What the service does by itself, at its time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from migrate_api.doors import Services


@contextmanager
def running(services: Services) -> Iterator[None]:
    yield
