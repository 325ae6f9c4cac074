"""`python docs/make_migration.py "what changes"`: writes the migration that makes the tables what tables.py says."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config

from migrate_api.database import MIGRATIONS, Database


def main() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'empty.sqlite'}")
        database.migrate()
        with database.engine.begin() as connection:
            config.attributes["connection"] = connection
            number = len(list((MIGRATIONS / "versions").glob("[0-9]*.py"))) + 1
            command.revision(config, message=sys.argv[1], autogenerate=True, rev_id=f"{number:04d}")
        database.close()


if __name__ == "__main__":
    main()
