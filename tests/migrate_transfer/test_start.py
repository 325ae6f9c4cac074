"""A transfer of files starts without what only imports and the service need."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"alembic", "dagster", "fastapi", "httpx", "polars", "pyarrow", "pyodbc", "sqlalchemy", "uvicorn"}
"""Together two seconds and 150 MB, before the first file is looked at."""


def test_the_commands_for_files_load_nothing_heavy() -> None:
    code = "import sys, migrate_api.cli.transfers; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "migrate_transfer.engine.transfer" in loaded
    assert loaded & HEAVY == set()
