"""The wire between engine and container fails in every way; every item ends done, and the container is the source."""

from __future__ import annotations

import pytest
from azure.storage.blob import StandardBlobTier

from tests.fakes.wire import FAULTS, Fault, at_random
from tests.migrate_transfer.engine.conftest import Site


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "corrupt answer"])
def test_each_fault_alone_harms_nothing(site: Site, fault: Fault) -> None:
    made = site.fill(40, 3)
    site.wire.script = at_random(1, 0.2, (fault,))
    assert site.run().counts.done == len(made)
    assert [one for _, one in site.wire.seen if one == fault]
    assert site.stored() == made


def test_all_of_them_together_harm_nothing(site: Site) -> None:
    made = site.fill(300, 8)
    site.wire.script = at_random(7, 0.1)
    assert site.run(concurrency=8).counts.done == len(made)
    assert site.stored() == made


def test_all_of_them_together_while_it_is_read_back(site: Site) -> None:
    made = site.fill(60, 3)
    site.wire.script = at_random(3, 0.1)
    assert site.run(delete_source=True).counts.done == len(made)
    assert site.stored() == made
    assert site.digests() == {}


def test_a_head_that_is_cut_off_hides_no_tier(site: Site) -> None:
    """The headers that were lost said that the object is archived: it may be the only copy. A sync removed it."""
    site.kind = "sync"
    (name,) = site.fill(1, 0)
    site.run(passes=1, deletions=True)
    site.container.get_blob_client(name).set_standard_blob_tier(StandardBlobTier.ARCHIVE)
    (site.files / name).rename(site.folder / "gone")
    (site.files / "another").write_bytes(b"1")
    cut = iter([True])
    site.wire.script = lambda request: "cut head" if request.first.startswith(b"HEAD ") and next(cut, False) else None
    site.run(passes=1, deletions=True)
    assert (next(cut, None), {blob.name for blob in site.container.list_blobs()}) == (None, {name, "another"})
