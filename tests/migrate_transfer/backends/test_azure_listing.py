"""What a container says that it holds: read as Microsoft's client reads it, page by page, through damage."""

from __future__ import annotations

import secrets

import pytest

from migrate_transfer.backends.azure.access import BlobAccess
from migrate_transfer.backends.azure.destination import AzureBlob, BlobConfig
from migrate_transfer.core.backend import Stored
from migrate_transfer.core.bandwidth import Bucket
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import FatalError, TargetError, TransientError
from migrate_transfer.core.retry import RetryPolicy
from migrate_transfer.net.lane import Link
from tests.fakes.azurite import Azurite, destination
from tests.migrate_transfer.net.server import answer, serving

HASTY = Link(Control(), retry=RetryPolicy(first=0.01, longest=0.02, patience=3))
DIGEST = "ab" * 32
BLOB = """<Blob><Name>in/{name}</Name><Deleted>false</Deleted><Properties><Etag>0x8D{etag}</Etag>
<Content-Length>12</Content-Length><AccessTier>Cool</AccessTier></Properties>{more}</Blob>"""


def listed(*blobs: str, marker: str = "") -> bytes:
    text = f"<EnumerationResults><Blobs>{''.join(blobs)}</Blobs><NextMarker>{marker}</NextMarker></EnumerationResults>"
    return answer(200, b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>' + text.encode())


def at(url: str, prefix: str = "in") -> AzureBlob:
    access = BlobAccess(signature=lambda: "sv=1&sig=s%2Fs")
    return AzureBlob(BlobConfig("account", "container", prefix, endpoint=url), access, HASTY)


def test_pages_are_asked_for_until_there_is_no_more() -> None:
    first = listed(BLOB.format(name="a", etag=1, more=""), marker="2!92!M/+=")
    with serving(first, listed(marker="3"), listed(BLOB.format(name="z", etag=2, more=""))) as server:
        assert [one.key for one in at(server.url).stored()] == ["a", "z"]
    asked = [request.split(b" ")[1] for request in server.requests]
    assert [b"&marker=2%2192%21M%2F%2B%3D&" in one for one in asked] == [False, True, False]
    assert all(b"&prefix=in%2F&" in one and one.endswith(b"&sv=1&sig=s%2Fs") for one in asked)


def test_what_is_kept_with_an_object_is_read_and_what_is_no_object_left_out() -> None:
    kept = f"<Metadata><Mtime>1970-01-01T00:00:01Z</Mtime><sha256>{DIGEST}</sha256><source>m</source></Metadata>"
    folder = "<Metadata><hdi_isfolder>true</hdi_isfolder></Metadata>"
    blobs = [("a &amp; b", kept), ("folder", folder), ("c", "<Metadata><sha256>none</sha256></Metadata>"), ("d", "")]
    with serving(listed(*(BLOB.format(name=name, etag=1, more=more) for name, more in blobs))) as server:
        assert list(at(server.url).stored()) == [
            Stored("a & b", 12, "0x8D1", DIGEST, 10**9, "cool", "m"),
            Stored("c", 12, "0x8D1", tier="cool"),
            Stored("d", 12, "0x8D1", tier="cool"),
        ]


def test_a_name_with_letters_that_xml_cannot_hold_is_given_in_percent() -> None:
    blob = BLOB.format(name="a%00b%EF%BF%BF%2541", etag=1, more="").replace("<Name>", '<Name Encoded="true">')
    with serving(listed(blob)) as server:
        assert [one.key for one in at(server.url).stored()] == ["a\0b\uffff%41"]


@pytest.mark.parametrize("damaged", [b"<html>Sign in</html>", b"<EnumerationResults><Blobs><Blob>", b"", b"\xff\xfe<"])
def test_an_answer_that_is_no_listing_is_asked_for_again(damaged: bytes) -> None:
    with serving(answer(200, damaged), listed(BLOB.format(name="a", etag=1, more=""))) as server:
        assert [one.key for one in at(server.url).stored()] == ["a"]
    with serving(answer(200, damaged)) as server, pytest.raises(TransientError):
        list(at(server.url).stored())


@pytest.mark.parametrize("missing", ["Name", "Etag", "Content-Length"])
def test_an_object_without_name_size_or_etag_is_damage(missing: str) -> None:
    blob = BLOB.format(name="a", etag=1, more="").replace(missing, "Other")
    with serving(listed(blob)) as server, pytest.raises(TransientError):
        list(at(server.url).stored())


def test_a_service_that_is_busy_is_asked_again_and_one_that_refuses_is_not() -> None:
    with serving(answer(503, b"", x_ms_error_code="ServerBusy"), listed()) as server:
        assert list(at(server.url).stored()) == []
    unwanted = answer(400, b"", x_ms_error_code="InvalidQueryParameterValue")
    with serving(unwanted) as server, pytest.raises(FatalError) as refused:
        list(at(server.url).stored())
    assert (refused.value.error_code, len(server.requests)) == ("AZURE_REFUSED", 1)
    with serving(answer(404, b"", x_ms_error_code="ContainerNotFound")) as server, pytest.raises(TargetError) as gone:
        list(at(server.url).stored())
    assert gone.value.error_code == "CONTAINER_MISSING"


def test_it_is_what_microsofts_client_lists(azurite: Azurite) -> None:
    """Other programs' objects too, under a prefix that has to be quoted."""
    container = azurite.container(f"c{secrets.token_hex(6)}")
    prefix = "Ünter & #1?"
    names = ["a", "b c/d", "e&f=g?h#i", "ä/ö", "\U0001f600", " lead", "trail ", "%41", "a<b>c\"d'"]
    for number, name in enumerate(names):
        container.upload_blob(f"{prefix}/{name}", b"-" * number, metadata={"Mtime": "2026-01-01T00:00:00Z"})
    container.upload_blob(f"{prefix}2", b"beside it")
    target = destination(azurite.endpoint, container.container_name, prefix)
    found = {one.key: (one.size, one.etag, one.tier) for one in target.stored()}
    assert set(found) == set(names)
    assert found == {
        blob.name.removeprefix(prefix + "/"): (blob.size, blob.etag.strip('"'), str(blob.blob_tier).lower())
        for blob in container.list_blobs(name_starts_with=prefix + "/")
    }
    assert all(target.find(one.key) == one for one in target.stored())


def test_a_listing_waits_for_nobodys_bandwidth(azurite: Azurite) -> None:
    container = azurite.container(f"c{secrets.token_hex(6)}")
    owing = Bucket(1.0)
    owing.sent(10**9)
    target = destination(azurite.endpoint, container.container_name, link=Link(Control(), bandwidth=owing))
    target.prepare()
    assert list(target.stored()) == []
