"""The service keeps connections to PostgreSQL of two kinds."""

from __future__ import annotations

import pytest

from migrate_api.database import Database
from tests.conftest import Postgres
from tests.migrate_api.site import serving


@pytest.mark.parametrize("kind", ["postgresql"])
def test_a_database_that_was_away_is_found_out_once(database: Database, postgres: Postgres) -> None:
    with serving(database) as site:
        site.tokens = site.organisation("grace")
        site.get("/api/jobs")  # by connections of both kinds
        name = database.url.database
        database.close()  # our own
        with postgres.connect() as administrator:
            administrator.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        assert site.call("GET", "/api/health", role=None)[0] == 503
        assert site.call("GET", "/api/jobs")[0] == 200
