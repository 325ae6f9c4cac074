"""How signals reach running work."""

from __future__ import annotations

import signal

import pytest

from migrate_api.cli.interrupts import pausing
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import Stopped


def interrupt_until_it_gives_up(control: Control, signum: signal.Signals) -> None:
    with pausing(control):
        while True:
            signal.raise_signal(signum)
            Control().wait(0.05)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_pauses_the_second_does_not_wait(signum: signal.Signals) -> None:
    control = Control()
    with pytest.raises(KeyboardInterrupt):
        interrupt_until_it_gives_up(control, signum)
    with pytest.raises(Stopped, match="paused"):
        control.check()


def test_the_handlers_from_before_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pausing(Control()):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
