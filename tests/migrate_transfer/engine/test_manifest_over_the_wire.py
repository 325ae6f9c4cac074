"""A manifest is checked with access that can only read, over a wire that fails; an absence is no difference."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.storage.blob import ContainerSasPermissions, StandardBlobTier, generate_container_sas

from migrate_transfer.backends.azure.access import BlobAccess
from migrate_transfer.backends.azure.destination import AzureBlob, BlobConfig
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import TransientError
from migrate_transfer.core.retry import RetryPolicy
from migrate_transfer.manifest import verify, write_manifest
from migrate_transfer.net.lane import Link
from tests.fakes.azurite import ACCOUNT, KEY
from tests.fakes.wire import at_random
from tests.migrate_transfer.engine.conftest import Site, reached


@pytest.fixture
def manifest(site: Site) -> Path:
    """Of sixty files and two large ones, copied."""
    site.fill(60, 2)
    site.run()
    with site.books() as ledger:
        write_manifest(ledger, site.spec(), site.folder / "manifest.jsonl")
    return site.folder / "manifest.jsonl"


def test_leave_to_read_is_enough(site: Site, manifest: Path) -> None:
    name, until = site.container.container_name, datetime.now(UTC) + timedelta(hours=1)
    allowed = ContainerSasPermissions(read=True, list=True)
    sas = generate_container_sas(ACCOUNT, name, account_key=KEY, permission=allowed, expiry=until)
    config = BlobConfig(ACCOUNT, name, endpoint=f"http://127.0.0.1:{site.wire.port}/{ACCOUNT}")
    reader = AzureBlob(config, BlobAccess(signature=lambda: sas), Link(Control()))
    before = len(site.wire.seen)
    assert verify(manifest, reader, 4, Control(), lambda count: None).counts == {"same": 62}
    assert {first[:4] for first, _ in site.wire.seen[before:]} == {b"GET "}


def test_what_was_corrupted_on_the_way_back_is_no_difference(site: Site, manifest: Path) -> None:
    site.wire.script = at_random(5, 0.3, ("corrupt answer",))
    assert verify(manifest, site.destination, 4, Control(), lambda count: None).counts == {"same": 62}
    assert [fault for _, fault in site.wire.seen if fault is not None]


def test_a_destination_that_is_away_ends_the_check(site: Site, manifest: Path) -> None:
    away = reached(site, retry=RetryPolicy(first=0.01, longest=0.02, patience=2))
    site.wire.script = lambda request: "reset" if b"file%20" in request.first else None
    with pytest.raises(TransientError):
        verify(manifest, away, 4, Control(), lambda count: None)


def test_one_object_that_cannot_be_read_is_told(site: Site, manifest: Path) -> None:
    poor = reached(site, retry=RetryPolicy(first=0.01, longest=0.02, patience=2))
    site.wire.script = lambda request: "503" if b"file%203.bin" in request.first else None
    assert verify(manifest, poor, 4, Control(), lambda count: None).counts == {"same": 61, "unreadable": 1}


def test_an_archived_object_that_is_another_one_now_is_told(site: Site) -> None:
    """It cannot be read; what it says of itself can."""
    site.fill(2, 0)
    site.kind = "archive"
    site.run(tier="archive")
    with site.books(tier="archive") as ledger:
        write_manifest(ledger, site.spec(), site.folder / "manifest.jsonl")
    name = next(iter(site.container.list_blobs())).name
    site.container.delete_blob(name)
    site.container.upload_blob(name, b"other", standard_blob_tier=StandardBlobTier.ARCHIVE)
    found = verify(site.folder / "manifest.jsonl", site.destination, 4, Control(), lambda count: None)
    assert (found.counts, found.clean) == ({"archived": 1, "different": 1}, False)
