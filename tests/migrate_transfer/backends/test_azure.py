"""What only Azure Blob Storage does: blocks, leases, tiers, kinds of blobs, ways to get in."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import ContainerClient, ContainerSasPermissions, StandardBlobTier, generate_container_sas

from migrate_transfer.backends.azure.access import BlobAccess
from migrate_transfer.backends.azure.answers import moment, written
from migrate_transfer.backends.azure.destination import AzureBlob, BlobConfig
from migrate_transfer.backends.memory import Memory
from migrate_transfer.core.backend import Item, Receipt, Rename, Streams, Upload
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import AccessDenied, InvalidRequest, ItemError, TargetError
from migrate_transfer.core.retry import RetryPolicy
from migrate_transfer.engine.passage import Passage
from migrate_transfer.net.lane import Link
from tests.fakes.azurite import ACCOUNT, KEY, Azurite, destination
from tests.migrate_transfer.net.server import answer, serving

MIB = 2**20


@pytest.fixture
def container(azurite: Azurite) -> Iterator[ContainerClient]:
    with azurite.container(f"c{secrets.token_hex(6)}") as client:
        yield client


def put(target: AzureBlob, upload: Upload, source: Memory) -> Receipt | Exception:
    sender = target.sender(Streams(4), Control())
    try:
        ((_, result),) = sender.put_all(iter([Passage(source, upload)]))
    finally:
        sender.close()
    return result


def holding(size: int) -> tuple[Memory, Upload]:
    source = Memory()
    source.keep("a", secrets.token_bytes(size))
    return source, Upload(1, source.item("a"))


def to(azurite: Azurite, container: ContainerClient) -> AzureBlob:
    return destination(azurite.endpoint, container.container_name, chunk=MIB)


def code(result: Receipt | Exception) -> str:
    return result.error_code if isinstance(result, ItemError) else type(result).__name__


def test_a_resumed_upload_sends_only_the_blocks_that_are_missing(azurite: Azurite, container: ContainerClient) -> None:
    """The first attempt ends at the fifth block, as if it had been killed there."""
    source, upload = holding(8 * MIB)

    class Dying(Passage):
        def read(self, size: int) -> bytes:
            if self.upload.read >= 5 * MIB:
                raise ItemError("killed", code="KILLED")
            return super().read(size)

    target = to(azurite, container)
    sender = target.sender(Streams(4), Control())
    assert [code(result) for _, result in sender.put_all(iter([Dying(source, upload)]))] == ["KILLED"]
    sender.close()
    again = Upload(1, source.item("a"), resumed=True)
    result = put(target, again, source)
    assert isinstance(result, Receipt)
    assert result.sent == 3 * MIB
    assert container.download_blob("a").readall() == source.objects["a"].data


class Broken(Passage):
    """Ends when all is read, as if it had been killed there."""

    def finish(self) -> None:
        raise ItemError("killed", code="KILLED")


def begin(target: AzureBlob, upload: Upload, source: Memory) -> None:
    """An upload that leaves its blocks uncommitted."""
    sender = target.sender(Streams(4), Control())
    list(sender.put_all(iter([Broken(source, upload)])))
    sender.close()


def test_blocks_of_another_content_are_not_taken_for_ours(azurite: Azurite, container: ContainerClient) -> None:
    """Of the same version: a file of Windows whose time was set back, or one that is mapped into memory."""
    source, upload = holding(3 * MIB)
    target = to(azurite, container)
    begin(target, upload, source)
    source.objects["a"].data = source.objects["a"].data[: 2 * MIB] + secrets.token_bytes(MIB)
    result = put(target, Upload(1, source.item("a"), resumed=True), source)
    assert isinstance(result, Receipt)
    assert result.sent == MIB
    assert container.download_blob("a").readall() == source.objects["a"].data


def test_blocks_of_another_version_are_not_taken_for_ours(azurite: Azurite, container: ContainerClient) -> None:
    old, begun = holding(3 * MIB)
    target = to(azurite, container)
    begin(target, begun, old)
    old.keep("a", secrets.token_bytes(3 * MIB))
    result = put(target, Upload(1, old.item("a"), resumed=True), old)
    assert isinstance(result, Receipt)
    assert result.sent == 3 * MIB
    assert container.download_blob("a").readall() == old.objects["a"].data


def test_blocks_of_another_writer_are_cleared_away(azurite: Azurite, container: ContainerClient) -> None:
    container.get_blob_client("a").stage_block(base64.b64encode(b"short").decode(), b"somebody else's")
    source, upload = holding(3 * MIB)
    assert isinstance(put(to(azurite, container), upload, source), Receipt)
    assert container.download_blob("a").readall() == source.objects["a"].data


def test_an_archived_object_is_not_replaced(azurite: Azurite, container: ContainerClient) -> None:
    blob = container.upload_blob("a", b"old")
    blob.set_standard_blob_tier(StandardBlobTier.ARCHIVE)
    source, upload = holding(10)
    upload.replaces = blob.get_blob_properties().etag.strip('"')
    assert code(put(to(azurite, container), upload, source)) == "DESTINATION_ARCHIVED"


def test_a_leased_object_is_not_replaced(azurite: Azurite, container: ContainerClient) -> None:
    blob = container.upload_blob("a", b"old")
    blob.acquire_lease()
    source, upload = holding(10)
    upload.overwrite = True
    assert code(put(to(azurite, container), upload, source)) == "DESTINATION_LEASED"


def test_a_deleted_container_ends_the_job(azurite: Azurite, container: ContainerClient) -> None:
    target = to(azurite, container)
    source, upload = holding(10)
    put(target, upload, source)
    container.delete_container()
    with pytest.raises(TargetError) as caught:
        put(target, upload, source)
    assert caught.value.error_code == "CONTAINER_MISSING"


def signature(container: ContainerClient, ends: timedelta, *, write: bool = True) -> str:
    now = datetime.now(UTC)
    may = ContainerSasPermissions(read=True, list=True, write=write, create=write, delete=write)
    return generate_container_sas(
        ACCOUNT,
        container.container_name,
        account_key=KEY,
        permission=may,
        start=now - timedelta(hours=1),
        expiry=now + ends,
    )


def by_signature(azurite: Azurite, container: ContainerClient, given: str) -> AzureBlob:
    config = BlobConfig(ACCOUNT, container.container_name, endpoint=azurite.endpoint, chunk=MIB)
    return AzureBlob(config, BlobAccess(signature=lambda: given), Link(Control()))


def test_a_signature_is_enough(azurite: Azurite, container: ContainerClient) -> None:
    target = by_signature(azurite, container, signature(container, timedelta(hours=1)))
    target.prepare()
    source, upload = holding(3 * MIB)
    assert isinstance(put(target, upload, source), Receipt)
    assert [one.key for one in target.stored()] == ["a"]


def test_a_signature_that_has_ended_says_to_connect_anew(azurite: Azurite, container: ContainerClient) -> None:
    target = by_signature(azurite, container, signature(container, timedelta(minutes=-1)))
    with pytest.raises(AccessDenied) as caught:
        target.prepare()
    assert caught.value.error_code == "AZURE_CREDENTIALS_EXPIRED"
    assert caught.value.message == "Azure credentials expired — re-authenticate via dashboard"


def test_a_signature_without_the_right_to_write_is_refused(azurite: Azurite, container: ContainerClient) -> None:
    target = by_signature(azurite, container, signature(container, timedelta(hours=1), write=False))
    source, upload = holding(10)
    with pytest.raises(AccessDenied) as caught:
        put(target, upload, source)
    assert caught.value.error_code == "AZURE_ACCESS_DENIED"
    assert "sig=" not in str(caught.value)


def test_where_this_machines_clock_is_wrong_it_is_named(azurite: Azurite, container: ContainerClient) -> None:
    """A signature made from the key holds by this clock: only rights and roles were named, which were all right."""
    wrong = BlobAccess(connection_string=azurite.connection_string, clock=lambda: datetime.now(UTC) + timedelta(days=2))
    config = BlobConfig(ACCOUNT, container.container_name, endpoint=azurite.endpoint)
    with pytest.raises(AccessDenied) as caught:
        AzureBlob(config, wrong, Link(Control())).prepare()
    assert "clock" in caught.value.remedy


@pytest.mark.parametrize("string", ["", "nonsense", "AccountName=x", "DefaultEndpointsProtocol=https;AccountName=x"])
def test_a_connection_string_that_is_none_is_told_and_not_repeated(string: str) -> None:
    config = BlobConfig("account", "container")
    target = AzureBlob(config, BlobAccess(connection_string=string), Link(Control()))
    with pytest.raises(InvalidRequest) as caught:
        target.prepare()
    assert caught.value.error_code == "BAD_CONNECTION_STRING"


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("2026-11-21T09:00:00Z", 1_795_251_600_000_000_000),
        ("2026-11-21T10:00:00.5+01:00", 1_795_251_600_500_000_000),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("yesterday", 0),
        ("", 0),
    ],
)
def test_times_are_kept_to_the_nanosecond(text: str, nanoseconds: int) -> None:
    assert moment(text) == nanoseconds
    assert nanoseconds == 0 or moment(written(nanoseconds)) == nanoseconds


def test_a_renamed_object_goes_to_the_tier_that_is_asked_for() -> None:
    """Azure puts a copy into the account's own tier where none is named; Azurite keeps the old one's."""
    with serving(answer(202, x_ms_copy_status="success")) as server:
        sender = destination(f"{server.url}/account", "container", tier="cool").sender(Streams(1), Control())
        list(sender.copy_all(iter([Rename(1, Item("b", 1, 1, "v"), "a", "0x1", "")])))
        sender.close()
        assert b"x-ms-access-tier: Cool" in server.requests[0]


@pytest.mark.parametrize("cut", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nLast-Modified: Mon, 30 N"])
def test_blocks_are_asked_for_again_where_the_answers_head_was_cut_off(cut: bytes) -> None:
    """Microsoft's client fell over it, and the job ended with an error that nobody foresaw."""
    with serving(cut, answer(404, b"", x_ms_error_code="BlobNotFound")) as server:
        link = Link(Control(), retry=RetryPolicy(first=0.01, patience=2))
        assert destination(f"{server.url}/account", "container", link=link)._place.staged("a") == {}
        assert len(server.requests) == 2


def test_that_nothing_is_there_is_believed_of_azure_alone() -> None:
    """A gateway's own 404 made a sync remove what the object's mark or tier would have kept."""
    with serving(answer(404, b""), answer(200, b"", ETag='"0x1"', x_ms_meta_moved="now")) as server:
        link = Link(Control(), retry=RetryPolicy(first=0.01, patience=2))
        found = destination(f"{server.url}/account", "container", link=link).find("a")
        assert found is not None
        assert found.moved
