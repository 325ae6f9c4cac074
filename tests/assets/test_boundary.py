"""Our errors and signals as Dagster sees them."""

import os
import signal

import dagster as dg
import pytest

from assets.boundary import at_the_edge
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import AccessDenied


def test_an_error_leaves_with_code_and_remedy_and_is_not_retried() -> None:
    with pytest.raises(dg.Failure) as caught, at_the_edge(Control()):
        raise AccessDenied("Mission refused the key.", remedy="Make a new key.")
    assert caught.value.metadata["code"].value == "ACCESS_DENIED"
    assert caught.value.metadata["remedy"].value == "Make a new key."
    assert not caught.value.allow_retries


def test_no_cause_travels_along_for_it_may_hold_a_secret() -> None:
    with pytest.raises(dg.Failure) as caught, at_the_edge(Control()):
        raise AccessDenied("Login failed.") from ValueError("Server=x;Password=secret")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_pause_interrupts_so_that_nothing_counts_as_materialised() -> None:
    control = Control()
    with pytest.raises(dg.DagsterExecutionInterruptedError, match="paused"), at_the_edge(control):
        control.stop("paused")
        control.check()


def test_a_stopped_job_does_not_begin_another_stage() -> None:
    control = Control()
    control.stop("cancelled")
    with pytest.raises(dg.DagsterExecutionInterruptedError), at_the_edge(control):
        pytest.fail("the stage ran")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_work_in_good_order(number: signal.Signals) -> None:
    control = Control()
    with at_the_edge(control):
        os.kill(os.getpid(), number)
        assert control.stopping


def test_a_second_signal_does_not_wait() -> None:
    with pytest.raises(dg.DagsterExecutionInterruptedError), at_the_edge(Control()):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("the stage went on")
