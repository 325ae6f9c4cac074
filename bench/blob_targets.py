"""Where the bench sends files to: the null sink, or Azurite. Each run gets an empty one."""

from __future__ import annotations

import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
TOOLS = HERE.parent / ".tools"
SIGNATURE = "sv=2024-11-04&sr=c&sp=rwdlc&se=2049-01-01T00:00:00Z&sig=c2VjcmV0"
"""The sink looks at none; AzCopy wants to see one."""


@dataclass(frozen=True, slots=True)
class Target:
    """An account at `endpoint` with an empty container; `held` says how many blobs and bytes it has by now."""

    name: str
    endpoint: str
    account: str
    key: str
    container: str
    signature: str
    held: Callable[[], tuple[int, int]]

    @property
    def connection_string(self) -> str:
        return (
            f"DefaultEndpointsProtocol=http;AccountName={self.account};AccountKey={self.key}"
            f";BlobEndpoint={self.endpoint}"
        )


@contextmanager
def null_sink() -> Iterator[Target]:
    """A sink of its own, compiled when it is not there or older than its source."""
    program, source = TOOLS / "null_sink", HERE / "null_sink.c"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        TOOLS.mkdir(exist_ok=True)
        subprocess.run(["cc", "-O2", "-o", program, source], check=True)
    with subprocess.Popen([program, "0"], stdout=subprocess.PIPE, text=True) as sink:
        assert sink.stdout is not None
        address = f"http://127.0.0.1:{sink.stdout.readline().strip()}"
        try:
            yield Target("null sink", f"{address}/acc", "acc", "c2VjcmV0", "bench", SIGNATURE, lambda: _held(address))
        finally:
            sink.kill()


def _held(address: str) -> tuple[int, int]:
    with urllib.request.urlopen(f"{address}/held") as answer:
        blobs, whole = answer.read().split()
    return int(blobs), int(whole)


@contextmanager
def azurite(folder: Path) -> Iterator[Target]:
    """Microsoft's emulator with its data in `folder`."""
    # Imported here: Microsoft's client would count as memory of every process that is measured.
    from datetime import UTC, datetime, timedelta

    from azure.storage.blob import ContainerSasPermissions, generate_container_sas

    from tests.fakes.azurite import ACCOUNT, KEY, running

    folder.mkdir()
    with running(folder) as emulator:
        container = emulator.container("bench")
        signature = generate_container_sas(
            ACCOUNT,
            "bench",
            account_key=KEY,
            permission=ContainerSasPermissions(read=True, write=True, create=True, delete=True, list=True),
            expiry=datetime.now(UTC) + timedelta(days=1),
        )

        def held() -> tuple[int, int]:
            sizes = [blob.size for blob in container.list_blobs()]
            return len(sizes), sum(sizes)

        yield Target("Azurite", emulator.endpoint, ACCOUNT, KEY, "bench", signature, held)
