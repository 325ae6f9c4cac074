"""How signals reach running work."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

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


EARLY = """
import os, signal, sys
class Impatient:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Impatient())
from migrate_api.cli import main
main()
"""


@pytest.mark.parametrize("name", ["migrate_api.cli.outlets", "typer", "migrate_api.cli.test_connection"])
def test_ctrl_c_while_the_command_is_still_loading(name: str) -> None:
    command = [sys.executable, "-c", EARLY.format(name=name), "test-connection", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert (ended.returncode, json.loads(ended.stdout)["error"]["code"]) == (130, "STOPPED")
    assert "Traceback" not in ended.stderr
