"""However little may be sent, the engine waits without spinning, and takes its own slowness for no stall."""

from __future__ import annotations

import time
from threading import Timer

import pytest

from migrate_transfer.backends.azure.destination import AzureBlob
from migrate_transfer.core.bandwidth import Bucket
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import Stopped
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
