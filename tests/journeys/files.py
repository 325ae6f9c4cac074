"""A folder of files, a container behind a wire, and `migrate copy` as a process of its own between them."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from azure.storage.blob import ContainerClient

from tests.fakes.azurite import ACCOUNT, connection_string
from tests.fakes.wire import Fault, Message, Script, Wire, quiet

COMMAND = [sys.executable, "-c", "from migrate_api.cli import main; main()"]
ROOT = Path(__file__).parents[2]
RCLONE = "/usr/bin/rclone"
"""Debian's package."""
MIB = 2**20


@dataclass
class Files:
    """`folder` holds the files and the jobs. What went over the wire is counted while it goes."""

    folder: Path
    wire: Wire
    container: ContainerClient
    faults: Script = quiet
    verb: str = "copy"
    sent: int = 0
    """Bytes of files that were put, each time they were."""
    _kill: tuple[int, subprocess.Popen[str]] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        (self.folder / "files").mkdir()
        self.wire.script = self._watch

    def _watch(self, request: Message) -> Fault | None:
        """Counts, and kills a process at the chosen request, which goes on its way all the same."""
        if request.first.startswith(b"PUT ") and b"comp=blocklist" not in request.first:
            with self._lock:
                self.sent += len(request.body)
        with self._lock:
            left, process = self._kill or (0, None)
            self._kill = (left - 1, process) if process is not None else None
        if process is not None and left == 0:
            process.kill()
        return self.faults(request)

    def fill(self, small: int, large: int, seed: int = 5) -> int:
        """Small files, and files of several chunks; their bytes together."""
        chance = Random(seed)
        for number in range(small + large):
            size = chance.randint(0, 9_000) if number < small else chance.randint(2 * MIB, 6 * MIB)
            path = self.folder / "files" / f"part {number % 9}" / f"{number} é.bin"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(chance.randbytes(size))
        return sum(path.stat().st_size for path in self.folder.rglob("*.bin"))

    def digests(self) -> dict[str, str]:
        """Of the files as they are now."""
        root = self.folder / "files"
        paths = (path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root).as_posix(): sha256(path.read_bytes()).hexdigest() for path in paths}

    def stored(self) -> dict[str, str]:
        """What lies in the container: of what is archived the digest stored with it, of the rest that of its bytes."""
        found = {}
        for blob in self.container.list_blobs(include=["metadata"]):
            archived = str(blob.blob_tier).endswith("Archive")
            data = b"" if archived else self.container.download_blob(blob.name).readall()
            found[blob.name] = blob.metadata["sha256"] if archived else sha256(data).hexdigest()
        return found

    @property
    def _environment(self) -> dict[str, str]:
        through = connection_string(f"http://127.0.0.1:{self.wire.port}/{ACCOUNT}")
        return {**os.environ, "PYTHONPATH": str(ROOT), "AZURE_STORAGE_CONNECTION_STRING": through}

    def start(self, *options: str, room: int | None = None) -> subprocess.Popen[str]:
        """`migrate copy`, its output not yet read; on a disk that is full once a file has `room` bytes."""
        place = f"azure_blob://{ACCOUNT}/{self.container.container_name}"
        command = [*COMMAND, self.verb, "files", place, "--out", "jobs", "--chunk-mb", "1", "--json", *options]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=None if room is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
        )

    def copy(self, *options: str, room: int | None = None) -> dict[str, Any]:
        """Run it to its end; its report, or the error it ended with."""
        out, errors = self.start(*options, room=room).communicate()
        assert out, errors
        found: dict[str, Any] = json.loads(out)
        return found

    def verified(self, report: dict[str, Any]) -> dict[str, int]:
        """What `migrate verify` finds of a job, counted."""
        command = [*COMMAND, "verify", f"{report['job']}/manifest.jsonl", "--json"]
        done = subprocess.run(
            command, cwd=self.folder, env=self._environment, capture_output=True, text=True, timeout=60
        )
        found: dict[str, int] = json.loads(done.stdout)["objects"]
        return found

    def killed(self, requests: int, seconds: float, *options: str) -> bool:
        """Run it and kill it with the so-manieth request, or after so many seconds; whether that was before its end."""
        process = self.start(*options)
        with self._lock:
            self._kill = (requests, process)
        cut = threading.Timer(seconds, process.kill)
        cut.start()
        process.communicate()
        cut.cancel()
        with self._lock:
            self._kill = None
        return process.returncode < 0

    def differences(self, port: int) -> str:
        """What Debian's rclone finds when it downloads all of the container; empty if nothing."""
        place = f":azureblob,use_emulator=true,endpoint='http://127.0.0.1:{port}/{ACCOUNT}':"
        command = [RCLONE, "check", "--download", "files", place + self.container.container_name]
        none = {**os.environ, "RCLONE_CONFIG": ""}
        done = subprocess.run(command, cwd=self.folder, env=none, capture_output=True, text=True, timeout=60)
        return "" if done.returncode == 0 and " 0 differences found" in done.stderr else done.stderr
