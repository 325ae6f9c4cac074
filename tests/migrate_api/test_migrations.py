"""The tables as migrations make them are the tables of the code, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from migrate_api.database import Database
from migrate_api.tables import Table


def test_migrations_make_what_the_code_says(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []


def test_replicas_that_start_together_migrate_once(empty_database: Database) -> None:
    replicas = [Database(empty_database.url.render_as_string(hide_password=False)) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(Database.migrate, replicas))
    for replica in replicas:
        replica.close()
