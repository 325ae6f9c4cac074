"""What a container of Azure may hold or say, and names that have tripped clients."""

from __future__ import annotations

import pytest
from azure.storage.blob import BlobBlock

from tests.migrate_transfer.engine.conftest import MIB, Site


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


def test_an_object_under_which_others_left_blocks_is_kept_and_fails_alone(site: Site) -> None:
    """It was written in one request, so its list of blocks is as empty as that of no object."""
    made = site.fill(3, 1)
    name = next(name for name in made if name.endswith("file 3.bin"))
    blob = site.container.get_blob_client(name)
    blob.upload_blob(b"theirs")
    blob.stage_block("b3RoZXI=", b"theirs")
    site.run(overwrite=True)
    assert site.outcomes(overwrite=True)[name] == "DESTINATION_BUSY"
    assert blob.download_blob().readall() == b"theirs"
    assert len(site.stored()) == 4


def test_an_object_of_blocks_under_which_others_left_some_is_kept(site: Site) -> None:
    (name,) = site.fill(0, 1)
    blob = site.container.get_blob_client(name)
    blob.stage_block("YmxvY2s=", b"theirs")
    blob.commit_block_list([BlobBlock("YmxvY2s=")])
    blob.stage_block("b3RoZXJzIQ==", b"more")
    site.run(overwrite=True)
    assert site.outcomes(overwrite=True) == {name: "DESTINATION_BUSY"}
    assert blob.download_blob().readall() == b"theirs"


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB])
@pytest.mark.parametrize("concurrency", [1, 32])
def test_sizes_about_a_chunk(site: Site, size: int, concurrency: int) -> None:
    (site.files / "a").write_bytes(b"x" * size)
    (site.files / "b").write_bytes(b"y" * 5)
    with (site.files / "sparse").open("wb") as file:
        file.truncate(2 * MIB + 5)
    assert site.run(concurrency=concurrency).counts.done == 3
    assert site.stored() == site.digests()
