"""Where a run finds its church and its Mission: in the environment, or else in a sample church and a Mission sandbox of
the home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from assets.home import Home
from migrate_etl.spec import ImportSecrets
from migrate_etl.workspace import Workspace


@contextmanager
def demo_or_environment(home: Home, job_id: str | None) -> Iterator[tuple[Workspace, ImportSecrets]]:
    raise NotImplementedError
    yield
