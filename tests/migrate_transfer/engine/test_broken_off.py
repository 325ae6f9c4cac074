"""A job that cannot go on says why, and what it leaves behind is gone on with: nothing that landed is sent again."""

from __future__ import annotations

import threading

import pytest

from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import AccessDenied, Stopped, TargetError, TransientError
from migrate_transfer.core.retry import RetryPolicy
from tests.fakes.wire import Fault, Message, Script, quiet
from tests.migrate_transfer.engine.conftest import Site, reached, signed

BRIEF = RetryPolicy(first=0.01, longest=0.02, patience=2)


def after(count: int, happening, fault: Fault | None = None):  # type: ignore[no-untyped-def]
    """A script: `happening` comes before the `count`-th blob or block, which meets `fault` as do all after it."""
    left, lock = [count], threading.Lock()

    def script(request: Message) -> Fault | None:
        if not request.first.startswith(b"PUT ") or b"probe" in request.first:
            return None
        with lock:
            left[0] -= 1
            if left[0] == 0:
                happening()
            return fault if left[0] <= 0 else None

    return script


def away_from(method: bytes) -> Script:
    """A script: from the first such request for a file on, everything is reset."""
    away = threading.Event()

    def script(request: Message) -> Fault | None:
        if request.first.startswith(method) and b"file%20" in request.first:
            away.set()
        return "reset" if away.is_set() else None

    return script


def test_a_paused_job_sends_nothing_again_that_landed(site: Site) -> None:
    made, control = site.fill(80, 3), Control()
    site.destination = reached(site, control)
    site.wire.script = after(30, lambda: control.stop("paused"))
    with pytest.raises(Stopped, match="paused"):
        site.run(control=control)
    site.wire.script, site.destination = quiet, reached(site)
    assert site.run().counts.done == len(made)
    assert [one for one in set(site.sent()) if site.sent().count(one) > 1] == []
    assert site.stored() == made


def test_a_container_that_was_deleted_while_it_could_not_be_reached_is_not_made_anew(site: Site) -> None:
    """What had been put into it counted as done, and was nowhere."""
    site.fill(30, 0)
    site.destination = reached(site, retry=BRIEF)
    away = after(20, site.container.delete_container, "reset")
    site.wire.script = lambda request: None if b"restype=container" in request.first else away(request)
    with pytest.raises(TargetError) as caught:
        site.run(concurrency=1)
    assert caught.value.error_code == "CONTAINER_MISSING"


def test_a_container_that_is_deleted_under_the_job_is_told_and_all_of_it_is_sent_to_the_new_one(site: Site) -> None:
    made = site.fill(300, 3)
    site.wire.script = after(200, site.container.delete_container)
    with pytest.raises(TargetError) as caught:
        site.run()
    assert caught.value.error_code == "CONTAINER_MISSING"
    site.wire.script = quiet
    totals = site.run()
    assert (totals.counts.done, totals.counts.pending) == (len(made), 0)
    assert site.stored() == made


def test_access_that_expires_under_the_job_is_told_and_a_new_job_sends_nothing_again(site: Site) -> None:
    made = site.fill(60, 3)
    site.destination = signed(site, 3)
    site.wire.script = after(40, lambda: threading.Event().wait(4))
    with pytest.raises(AccessDenied) as caught:
        site.run()
    assert caught.value.error_code == "AZURE_CREDENTIALS_EXPIRED"
    landed = len(site.stored())
    site.wire.script, site.destination = quiet, reached(site)
    totals = site.run("second")
    assert (totals.counts.unchanged, totals.counts.done) == (landed, len(made) - landed)
    assert landed > 0
    assert site.stored() == made


def test_a_destination_that_never_answers_is_told_and_every_item_waits(site: Site) -> None:
    made = site.fill(5, 1)
    site.destination = reached(site, retry=BRIEF)
    site.wire.script = lambda request: "reset"
    with pytest.raises(TransientError) as caught:
        site.run()
    assert caught.value.error_code == "UNREACHABLE"
    site.wire.script = quiet
    assert site.run().counts.done == len(made)


@pytest.mark.parametrize("files", [(3, 0), (40, 2)])
def test_a_destination_that_goes_away_leaves_every_item_waiting(site: Site, files: tuple[int, int]) -> None:
    made = site.fill(*files)
    site.destination = reached(site, retry=BRIEF)
    site.wire.script = away_from(b"PUT")
    with pytest.raises(TransientError):
        site.run()
    assert set(site.outcomes().values()) <= {"pending", "in_flight"}
    site.wire.script = quiet
    assert site.run().counts.done == len(made)


def test_a_destination_that_goes_away_while_it_is_read_back_leaves_the_sources(site: Site) -> None:
    made = site.fill(20, 1)
    site.destination = reached(site, retry=BRIEF)
    site.wire.script = away_from(b"GET")
    with pytest.raises(TransientError):
        site.run(delete_source=True)
    assert set(site.outcomes(delete_source=True).values()) == {"in_flight"}
    assert site.digests() == made
    site.wire.script = quiet
    assert site.run(delete_source=True).counts.done == len(made)


def test_one_object_that_never_gets_through_fails_alone(site: Site) -> None:
    made = site.fill(30, 1)
    site.destination = reached(site, retry=BRIEF)
    site.wire.script = lambda request: "503" if b"file%203.bin" in request.first else None
    totals = site.run()
    assert (totals.counts.failed, totals.counts.done) == (1, len(made) - 1)


def test_one_object_whose_blocks_are_never_told_fails_alone(site: Site) -> None:
    """It ended the job, each time anew."""
    made, control = site.fill(30, 1), Control()
    site.destination = reached(site, control, retry=BRIEF)

    def stop(request: Message) -> Fault | None:
        if b"comp=blocklist" not in request.first:
            return None
        control.stop("paused")
        return "reset"

    site.wire.script = stop
    with pytest.raises(Stopped):
        site.run(control=control)
    site.destination = reached(site, retry=BRIEF)
    site.wire.script = lambda request: "503" if b"blocklisttype" in request.first else None
    totals = site.run()
    assert (totals.counts.failed, totals.counts.done) == (1, len(made) - 1)


def test_a_stalled_connection_is_given_up_and_tried_again(site: Site) -> None:
    made, stalls = site.fill(10, 1), iter("123")
    site.destination = reached(site, stall=1)
    site.wire.script = lambda request: "stall" if b"file%20" in request.first and next(stalls, None) else None
    assert site.run().counts.done == len(made)
    assert site.stored() == made
