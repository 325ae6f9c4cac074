"""Control: stop, wait, children."""

from __future__ import annotations

import threading

import pytest

from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import Stopped


def test_nothing_stops_until_it_is_told_to() -> None:
    control = Control()
    control.check()
    control.wait(0.0)
    assert not control.stopping


def test_the_first_reason_stays() -> None:
    control = Control()
    control.stop("paused")
    control.stop("cancelled")
    with pytest.raises(Stopped, match="paused"):
        control.check()


def test_a_stop_wakes_whoever_waits() -> None:
    control, woken = Control(), threading.Event()

    def work() -> None:
        try:
            control.wait(3600)
        except Stopped:
            woken.set()

    waiting = threading.Thread(target=work)
    waiting.start()
    control.stop("cancelled")
    waiting.join(60)
    assert woken.is_set()


def test_a_negative_wait_is_none() -> None:
    Control().wait(-5.0)


def test_a_child_stops_with_its_parent_whenever_it_was_born() -> None:
    parent = Control()
    early = parent.child()
    parent.stop("paused")
    assert early.stopping
    assert parent.child().stopping


def test_a_child_stops_alone() -> None:
    parent = Control()
    parent.child().stop("cancelled")
    assert not parent.stopping


def test_no_handler_of_errors_takes_a_stop_for_an_error() -> None:
    assert not issubclass(Stopped, Exception)
