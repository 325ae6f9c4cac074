"""The mark of what was moved, in the metadata of an object in Azure."""

from __future__ import annotations

import secrets

import pytest
from azure.storage.blob import ContainerClient

from migrate_transfer.backends.azure.destination import AzureBlob
from migrate_transfer.core.backend import Streams
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import RejectedItem
from tests.fakes.azurite import Azurite, destination
from tests.migrate_transfer.net.server import Said, answer, serving


@pytest.fixture
def container(azurite: Azurite) -> ContainerClient:
    made = azurite.container(f"c{secrets.token_hex(6)}")
    made.upload_blob("a", b"one", metadata={"Whose": "somebody's", "mtime": "2024-01-01T00:00:00Z"})
    return made


def mark(there: AzureBlob, etag: str, *, moved: bool = True) -> str | Exception:
    sender = there.sender(Streams(1), Control())
    try:
        ((_, result),) = sender.mark_all(iter([("a", etag)]), moved=moved)
    finally:
        sender.close()
    return result


def test_what_others_have_kept_with_an_object_stays(azurite: Azurite, container: ContainerClient) -> None:
    there = destination(azurite.endpoint, container.container_name)
    found = there.find("a")
    assert found is not None
    etag = mark(there, found.etag)
    kept = container.get_blob_client("a").get_blob_properties()
    assert kept.etag.strip('"') == etag
    assert {name.lower() for name in kept.metadata} == {"whose", "mtime", "moved"}


def test_metadata_without_a_value_stay(azurite: Azurite, container: ContainerClient) -> None:
    container.upload_blob("a", b"one", metadata={"empty": ""}, overwrite=True)
    there = destination(azurite.endpoint, container.container_name)
    found = there.find("a")
    assert found is not None
    mark(there, found.etag)
    assert {*container.get_blob_client("a").get_blob_properties().metadata} == {"empty", "moved"}


def test_a_mark_can_be_taken_back(azurite: Azurite, container: ContainerClient) -> None:
    there = destination(azurite.endpoint, container.container_name)
    found = there.find("a")
    assert found is not None
    etag = mark(there, found.etag)
    assert isinstance(etag, str)
    mark(there, etag, moved=False)
    assert {*container.get_blob_client("a").get_blob_properties().metadata} == {"whose", "mtime"}


def by_script(*script: Said) -> str | Exception:
    """What a server says of the mark of an object."""
    with serving(*script) as server:
        return mark(destination(f"{server.url}/account", "container"), "0x1")


@pytest.mark.parametrize("code", ["BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold"])
def test_what_nobody_may_change_needs_no_mark(code: str) -> None:
    assert by_script(answer(ETag='"0x1"'), answer(409, x_ms_error_code=code)) == "0x1"


def test_metadata_that_would_be_lost_are_left() -> None:
    result = by_script(answer(ETag='"0x1"', x_ms_meta_whose="m\u00fcller"))
    assert isinstance(result, RejectedItem)
    assert "not ASCII" in result.message
