"""Where our code meets Dagster's: our errors and signals become the ones that Dagster knows."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import dagster as dg

from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import MigrateError, Stopped

Context = dg.AssetExecutionContext | dg.OpExecutionContext


@contextmanager
def at_the_edge(context: Context, control: Control) -> Iterator[None]:
    """Run a stage inside an asset.

    A `MigrateError` leaves as `Failure` with code and remedy, never retried by Dagster. `Stopped` leaves as an
    interrupt, so that the run ends cancelled and nothing counts as materialised. A terminate signal asks the work to
    stop in good order; a second one does not wait for that. Causes are cut off: a driver's own message may hold a
    connection string.
    """
    with _signals_stop(control):
        try:
            control.check()
            yield
        except MigrateError as error:
            raise failure(error) from None
        except Stopped as stopped:
            context.instance.report_run_canceling(context.run)
            raise dg.DagsterExecutionInterruptedError(
                f"The import was {stopped.reason.replace('_', ' ')}. What is done is kept: launch it again to go on."
            ) from None


def failure(error: MigrateError) -> dg.Failure:
    """The error as Dagster shows it: message and remedy as one text, the only one that a run's last event repeats; and
    one by one, with code and kind, the class by which programs act."""
    return dg.Failure(
        description=f"{error.message} {error.remedy}",
        metadata={
            "message": error.message,
            "code": error.error_code,
            "remedy": error.remedy,
            "kind": type(error).__name__,
        },
        allow_retries=False,
    )


@contextmanager
def _signals_stop(control: Control) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if control.stopping:
            raise dg.DagsterExecutionInterruptedError()
        control.stop("cancelled")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
