"""What a container of Azure may hold or say, and names that have tripped clients."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

import pytest
from azure.storage.blob import BlobBlock, BlobClient

from tests.fakes.wire import Message, Script
from tests.migrate_transfer.engine.conftest import MIB, Site, signed


@pytest.mark.parametrize("verify", [True, False])
def test_a_success_whose_answer_is_lost_is_one_upload(site: Site, verify: bool) -> None:
    made, lost = site.fill(5, 2), set[bytes]()

    def script(request):  # type: ignore[no-untyped-def]
        first = request.first.split(b"&se=")[0]
        if first in lost or not first.startswith(b"PUT"):
            return None
        lost.add(first)
        return "lost"

    site.wire.script = script
    assert site.run(verify=verify).counts.done == len(made)
    assert site.stored() == made


def test_files_of_several_blocks_without_verification(site: Site) -> None:
    made = site.fill(0, 2)
    assert site.run(verify=False).counts.done == len(made)
    assert site.run("second", verify=False).counts.unchanged == len(made)


def test_a_folder_that_looks_like_an_address_is_a_folder(site: Site) -> None:
    """A name is no URL: "data:é/x,y" has no media type of its own."""
    folder = site.files / "data:é"
    folder.mkdir()
    (folder / "x,y.txt").write_bytes(b"1")
    (site.files / "http:").mkdir()
    (site.files / "http:" / "[x].txt").write_bytes(b"2")
    site.run()
    assert set(site.outcomes().values()) == {"done"}
    assert site.stored() == site.digests()


def test_blocks_that_another_program_left_are_cleared(site: Site) -> None:
    (name,) = site.fill(0, 1)
    site.container.get_blob_client(name).stage_block("b3RoZXI=", b"theirs")
    assert site.run().counts.done == 1


def test_a_file_that_shrank_is_put_where_its_blocks_lie(site: Site) -> None:
    """A large file changed while it was sent; what is left of it goes in one request, which finds a name that is taken
    (Azurite, 3.35), and nothing there. It failed in every job."""
    (name,) = site.fill(1, 0)
    site.container.get_blob_client(name).stage_block("b3Vycw==", b"of the large one")
    assert site.run().counts.done == 1
    assert site.stored() == site.digests()


def test_where_nothing_is_committed_others_blocks_leave_nothing_behind(site: Site) -> None:
    """The file is gone when its turn comes again: no empty object stands for it."""
    (name,) = site.fill(0, 1)
    site.container.get_blob_client(name).stage_block("b3RoZXI=", b"theirs")
    site.wire.script = lambda request: (site.files / name).unlink() if request.first.startswith(b"DELETE") else None
    assert site.run().counts.failed == 1
    assert site.stored() == {}


def in_one_request(blob: BlobClient) -> None:
    """Its list of blocks is as empty as that of no object."""
    blob.upload_blob(b"theirs")


def in_blocks(blob: BlobClient) -> None:
    blob.stage_block("YmxvY2s=", b"theirs")
    blob.commit_block_list([BlobBlock("YmxvY2s=")])


@pytest.mark.parametrize("written", [in_one_request, in_blocks])
def test_an_object_under_which_others_left_blocks_is_replaced(
    site: Site, written: Callable[[BlobClient], None]
) -> None:
    made = site.fill(3, 1)
    name = next(name for name in made if name.endswith("file 3.bin"))
    blob = site.container.get_blob_client(name)
    written(blob)
    blob.stage_block("b3RoZXJzIQ==", b"more")
    site.destination = signed(site, 600)
    site.wire.script = dropping_blocks(site, name)
    site.run(overwrite=True)
    assert set(site.outcomes(overwrite=True).values()) == {"done"}
    assert site.stored() == made


@pytest.mark.parametrize("written", [in_one_request, in_blocks])
def test_an_object_under_which_others_left_blocks_fails_alone_where_they_cannot_be_dropped(
    site: Site, written: Callable[[BlobClient], None]
) -> None:
    """Azurite keeps them."""
    (name,) = site.fill(0, 1)
    blob = site.container.get_blob_client(name)
    written(blob)
    blob.stage_block("b3RoZXJzIQ==", b"more")
    site.run(overwrite=True)
    assert site.outcomes(overwrite=True) == {name: "DESTINATION_BUSY"}
    assert blob.download_blob().readall() == b"theirs"


def test_an_object_that_somebody_wrote_meanwhile_is_not_cleared(site: Site) -> None:
    (name,) = site.fill(0, 1)
    blob = site.container.get_blob_client(name)
    in_one_request(blob)
    blob.stage_block("b3RoZXJzIQ==", b"more")
    site.wire.script = once_before(b"comp=block&", lambda: blob.upload_blob(b"newer", overwrite=True))
    site.run(overwrite=True)
    assert site.outcomes(overwrite=True) == {name: "DESTINATION_BUSY"}
    assert blob.download_blob().readall() == b"newer"


def once_before(part: bytes, act: Callable[[], object]) -> Script:
    """Do something just before the first request whose address has this part."""
    left = iter([act])

    def script(request: Message) -> None:
        if part in request.first and (now := next(left, None)) is not None:
            now()

    return script


def dropping_blocks(site: Site, name: str) -> Script:
    """Azure drops uncommitted blocks when an object is copied onto itself. Azurite drops them with a list of blocks
    only: the same object is made by one, and the copy that follows is on condition of its etag."""
    blob = site.container.get_blob_client(name)

    def script(request: Message) -> Message | None:
        if name not in unquote(request.header(b"x-ms-copy-source").decode()):
            return None
        before = blob.get_blob_properties().etag
        assert request.header(b"if-match").decode() == request.header(b"x-ms-source-if-match").decode() == before
        blob.stage_block("c2FtZSE9PQ==", blob.download_blob().readall())
        now = blob.commit_block_list([BlobBlock("c2FtZSE9PQ==")])["etag"]
        return Message(request.first, request.head.replace(before.encode(), now.encode()), request.body)

    return script


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB])
@pytest.mark.parametrize("concurrency", [1, 32])
def test_sizes_about_a_chunk(site: Site, size: int, concurrency: int) -> None:
    (site.files / "a").write_bytes(b"x" * size)
    (site.files / "b").write_bytes(b"y" * 5)
    with (site.files / "sparse").open("wb") as file:
        file.truncate(2 * MIB + 5)
    assert site.run(concurrency=concurrency).counts.done == 3
    assert site.stored() == site.digests()
