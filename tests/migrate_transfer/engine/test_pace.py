"""However little may be sent, the engine waits without spinning, and takes its own slowness for no stall."""

from __future__ import annotations

import time
from threading import Timer

import pytest

from migrate_transfer.backends.azure.destination import AzureBlob
from migrate_transfer.core.bandwidth import Bucket
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import Stopped
from migrate_transfer.engine.transfer import Transfer
from migrate_transfer.ledger.item_records import FileTotals
from migrate_transfer.net.lane import Link
from tests.migrate_transfer.engine.conftest import HASTY, MIB, Site, reached


def slow(site: Site, rate: float, control: Control, stall: int = 60) -> AzureBlob:
    """The site's container over a line of so many bytes a second."""
    made = reached(site, control)
    link = Link(control, bandwidth=Bucket(rate), retry=HASTY, stall=stall, finish=1.0)
    return AzureBlob(made.config, made._door.access, link)


def test_a_byte_a_second_costs_no_core(site: Site) -> None:
    site.fill(20, 1)
    control = Control()
    site.destination = slow(site, 1.0, control)
    begun, used = time.monotonic(), time.process_time()
    pause = Timer(4, control.stop, ["paused"])
    pause.start()
    with pytest.raises(Stopped):
        site.run(control=control)
    assert time.process_time() - used < 0.5 * (time.monotonic() - begun)


def test_a_block_that_takes_longer_than_a_stall_arrives(site: Site) -> None:
    (site.files / "a").write_bytes(b"a" * (MIB + MIB // 2))
    site.destination = slow(site, 350_000, Control(), stall=1)
    assert site.run().counts.done == 1
    assert site.stored() == site.digests()
    assert len(site.sent()) == len(set(site.sent()))


def test_a_large_file_on_a_slow_line_is_seen_moving(site: Site) -> None:
    """Before, nothing was told until 256 files were there: of a few large ones, nothing for hours."""
    (site.files / "a").write_bytes(b"a" * 3 * MIB)
    (site.files / "b").write_bytes(b"b" * 3 * MIB)
    control, told = Control(), []
    destination = slow(site, 1.5 * MIB, control)
    transfer = Transfer(site.folder / "first", site.spec(concurrency=1), site.source, destination)

    def look(totals: FileTotals) -> None:
        told.append((totals.counts.done, totals.moved + totals.in_flight, transfer.meter.total))

    transfer.run(control, look)
    transfer.close()
    assert any(done == 1 for done, _, _ in told)
    assert any(0 < read < 3 * MIB for _, read, _ in told)
    assert any(0 < sent < 3 * MIB for _, _, sent in told)
    assert transfer.meter.total >= 6 * MIB
