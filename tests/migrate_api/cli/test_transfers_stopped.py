"""What a transfer leaves that is stopped by a signal, as a real process."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
from pathlib import Path

from migrate_transfer.core.control import Control
from tests.fakes.azurite import ACCOUNT, Azurite
from tests.journeys.files import COMMAND, ROOT


def test_a_sync_that_is_stopped_leaves_its_papers(azurite: Azurite, tmp_path: Path) -> None:
    """It ends in no other way: nobody could check what it has brought there."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.txt").write_bytes(b"hello")
    container, out = azurite.container(f"c{secrets.token_hex(6)}"), tmp_path / "out"
    words = [str(tmp_path / "files"), f"azure_blob://{ACCOUNT}/{container.container_name}", "--out", str(out)]
    environment = {**os.environ, "AZURE_STORAGE_CONNECTION_STRING": azurite.connection_string}
    process = subprocess.Popen([*COMMAND, "sync", *words], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    while not list(container.list_blobs()) and process.poll() is None:
        Control().wait(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 130
    (report,) = out.glob("sync-*/report.json")
    assert json.loads(report.read_text())["balanced"] is True
