"""A folder, a container of Azurite, and a wire between them that fails on command."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from azure.storage.blob import ContainerClient, ContainerSasPermissions, generate_container_sas

from migrate_transfer.backends.azure.access import BlobAccess
from migrate_transfer.backends.azure.destination import AzureBlob, BlobConfig
from migrate_transfer.backends.local.source import LocalSource
from migrate_transfer.core.control import Control
from migrate_transfer.core.retry import RetryPolicy
from migrate_transfer.net.lane import Link
from tests.fakes.azurite import ACCOUNT, KEY, Azurite, destination
from tests.fakes.wire import Wire, wire
from tests.migrate_transfer.engine.work import Work

MIB = 2**20
HASTY = RetryPolicy(first=0.02, longest=0.2, patience=12)
"""As patient as ever, in less time."""


@dataclass
class Site(Work):
    """Jobs from a folder by way of `wire` into `container`, which its owner looks into without it."""

    wire: Wire = None  # type: ignore[assignment]
    container: ContainerClient = None  # type: ignore[assignment]

    @property
    def files(self) -> Path:
        return self.folder / "source"

    def fill(self, small: int, large: int) -> dict[str, str]:
        """Small files, and files of several blocks; their digests by name."""
        chance = Random(4)
        for number in range(small + large):
            size = chance.randint(0, 20_000) if number < small else chance.randint(MIB + 1, 4 * MIB)
            path = self.files / f"folder {number % 7}" / f"file {number}.bin"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(chance.randbytes(size))
        return self.digests()

    def digests(self) -> dict[str, str]:
        """Of the files as they are now."""
        paths = (path for path in self.files.rglob("*") if path.is_file())
        return {
            path.relative_to(self.files).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
        }

    def stored(self) -> dict[str, str]:
        """What lies in the container, read by Microsoft's own client; digests by name."""
        names = [blob.name for blob in self.container.list_blobs()]
        return {name: hashlib.sha256(self.container.download_blob(name).readall()).hexdigest() for name in names}

    def sent(self) -> list[bytes]:
        """The blobs and blocks that were sent so far, without the signatures of their addresses."""
        puts = (first for first, _ in self.wire.seen if first.startswith(b"PUT ") and b"comp=blocklist" not in first)
        return [re.split(rb"[?&]s[a-z]=", first)[0] for first in puts if b"probe" not in first]


@pytest.fixture
def site(tmp_path: Path, azurite: Azurite) -> Iterator[Site]:
    (tmp_path / "source").mkdir()
    container = azurite.container(f"site{secrets.token_hex(6)}")
    with wire(azurite.port) as line:
        made = Site(tmp_path, LocalSource(tmp_path / "source"), wire=line, container=container)
        made.destination = reached(made)
        yield made


def reached(site: Site, control: Control | None = None, retry: RetryPolicy = HASTY, stall: int = 60):  # type: ignore[no-untyped-def]
    """The site's container as an engine sees it through the wire."""
    endpoint = f"http://127.0.0.1:{site.wire.port}/{ACCOUNT}"
    link = Link(control or Control(), retry=retry, stall=stall)
    return destination(endpoint, site.container.container_name, chunk=MIB, link=link)


def signed(site: Site, seconds: float) -> AzureBlob:
    """The container by a signature that is good for so long."""
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    allowed = ContainerSasPermissions(read=True, write=True, create=True, delete=True, list=True)
    name = site.container.container_name
    sas = generate_container_sas(ACCOUNT, name, account_key=KEY, permission=allowed, expiry=until)
    config = BlobConfig(ACCOUNT, name, endpoint=f"http://127.0.0.1:{site.wire.port}/{ACCOUNT}", chunk=MIB)
    return AzureBlob(config, BlobAccess(signature=lambda: sas), Link(Control(), retry=HASTY))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files, one of them in `sub`."""
    made = tmp_path / "source"
    (made / "sub").mkdir(parents=True)
    (made / "a").write_bytes(b"1")
    (made / "sub" / "b").write_bytes(b"2")
    return made
