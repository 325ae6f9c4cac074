"""Our errors and signals as Dagster sees them."""

import os
import signal
from collections.abc import Callable

import dagster as dg
import pytest

from assets.boundary import at_the_edge
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import AccessDenied


def run(stage: Callable[[Control], None], control: Control | None = None) -> dg.ExecuteInProcessResult:
    """The stage as the one op of a run."""
    control = control or Control()

    @dg.op
    def work(context: dg.OpExecutionContext) -> None:
        with at_the_edge(context, control):
            stage(control)

    @dg.job
    def one_op() -> None:
        work()

    return one_op.execute_in_process(raise_on_error=False)


def refused(control: Control) -> None:
    raise AccessDenied("Mission refused the key.", remedy="Make a new key.") from ValueError("Password=secret")


def test_an_error_leaves_with_code_and_remedy() -> None:
    (failed,) = [event for event in run(refused).all_events if event.is_step_failure]
    shown = failed.step_failure_data.user_failure_data.metadata
    assert (shown["code"].value, shown["remedy"].value) == ("ACCESS_DENIED", "Make a new key.")


def test_the_text_of_an_error_says_what_to_do() -> None:
    (failed,) = [event for event in run(refused).all_events if event.is_step_failure]
    assert failed.step_failure_data.user_failure_data.description == "Mission refused the key. Make a new key."


def test_no_cause_travels_along_for_it_may_hold_a_secret() -> None:
    assert "secret" not in str(run(refused).all_events)


def paused(control: Control) -> None:
    control.stop("paused")
    control.check()


def test_a_pause_ends_the_run_cancelled_and_nothing_counts_as_done() -> None:
    result = run(paused)
    assert result.dagster_run.status == dg.DagsterRunStatus.CANCELED
    assert not [event for event in result.all_events if event.is_step_success]


def test_a_stopped_job_does_not_begin_another_stage() -> None:
    control = Control()
    control.stop("cancelled")
    result = run(lambda control: pytest.fail("the stage ran"), control)
    assert result.dagster_run.status == dg.DagsterRunStatus.CANCELED


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_work_in_good_order(number: signal.Signals) -> None:
    def killed(control: Control) -> None:
        os.kill(os.getpid(), number)
        assert control.stopping
        control.check()

    assert run(killed).dagster_run.status == dg.DagsterRunStatus.CANCELED


def test_a_second_signal_does_not_wait() -> None:
    def killed_twice(control: Control) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("the stage went on")

    assert not run(killed_twice).success
