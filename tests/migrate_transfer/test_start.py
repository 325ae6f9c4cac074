"""A transfer of files starts without what only imports and the service need."""

from __future__ import annotations

import secrets
import subprocess
import sys
from pathlib import Path

from tests.fakes.azurite import Azurite

SERVICE = {"alembic", "azure", "dagster", "fastapi", "httpx", "sqlalchemy", "uvicorn"}
HEAVY = SERVICE | {"migrate_etl.spec", "polars", "pyarrow", "pydantic", "pyodbc", "rich", "wcmatch"}
"""Together two seconds and 150 MB, before the first file is looked at."""


def test_the_commands_for_files_load_nothing_heavy() -> None:
    code = "import sys, migrate_api.cli.transfers; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "migrate_transfer.engine.transfer" in loaded
    assert loaded & HEAVY == set()


COPY = """
import sys
from pathlib import Path
from migrate_transfer.backends.azure.access import BlobAccess
from migrate_transfer.backends.azure.destination import AzureBlob, BlobConfig
from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.core.control import Control
from migrate_transfer.engine.transfer import Transfer
from migrate_transfer.net.lane import Link
from migrate_transfer.spec import TransferSpec

job, source, container, secret = sys.argv[1:]
there = AzureBlob(BlobConfig("devstoreaccount1", container), BlobAccess(connection_string=secret), Link(Control()))
transfer = Transfer(Path(job), TransferSpec("copy", source, container), LocalSource(source), there)
print(transfer.run(Control()).counts.done, "azure" in sys.modules)
transfer.close()
"""


def test_a_copy_into_a_container_that_is_there_does_without_microsofts_client(tmp_path: Path, azurite: Azurite) -> None:
    """Its import takes as long as a thousand small files."""
    container = azurite.container(f"c{secrets.token_hex(6)}")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a").write_bytes(b"content")
    given = [str(tmp_path / "job"), str(tmp_path / "source"), container.container_name, azurite.connection_string]
    done = subprocess.run([sys.executable, "-c", COPY, *given], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False"]
    assert container.download_blob("a").readall() == b"content"
