"""RetryPolicy: how long, and when no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import AccessDenied, ConnectionLost, ServiceUnavailable, Stopped, TransientError
from migrate_transfer.core.retry import RetryPolicy

LOST = ConnectionLost("cut")
QUICK = RetryPolicy(first=0.0, patience=3)


def scripted(*answers: Exception | str) -> tuple[Callable[[], str], Iterator[Exception | str]]:
    """A call that fails or answers as told, one after another; what is left of the script tells how far it came."""
    left = iter(answers)

    def call() -> str:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return call, left


def test_a_call_that_recovers_is_called_again() -> None:
    call, _ = scripted(LOST, LOST, "done")
    assert QUICK.run(call, Control()) == "done"


def test_patience_ends_with_the_last_error() -> None:
    call, left = scripted(LOST, LOST, LOST, LOST, "too late")
    with pytest.raises(ConnectionLost):
        QUICK.run(call, Control())
    assert list(left) == ["too late"]


def test_a_fatal_error_is_not_tried_again() -> None:
    call, left = scripted(AccessDenied("key"), "never")
    with pytest.raises(AccessDenied):
        QUICK.run(call, Control())
    assert list(left) == ["never"]


def test_the_default_lasts_about_a_quarter_of_an_hour() -> None:
    policy = RetryPolicy(jitter=lambda: 0.5)
    waits = [policy.delay(n, LOST) or 0.0 for n in range(1, policy.patience + 1)]
    assert 14 * 60 < sum(waits) < 20 * 60
    assert policy.delay(policy.patience + 1, LOST) is None


def test_waits_grow_to_their_longest_and_no_further() -> None:
    policy = RetryPolicy(jitter=lambda: 1.0, patience=10**6)
    assert [policy.delay(n, LOST) for n in (1, 2, 3, 20, 10**6)] == [0.5, 1.0, 2.0, 30.0, 30.0]


def test_a_wait_that_was_asked_for_is_obeyed_and_uses_up_no_patience() -> None:
    asked = ServiceUnavailable("busy", retry_after=77.0)
    assert RetryPolicy(patience=0).delay(500, asked) == 77.0
    call, _ = scripted(*[ServiceUnavailable("busy", retry_after=0.0)] * 9, "done")
    assert RetryPolicy(first=0.0, patience=0).run(call, Control()) == "done"


def test_retry_after_nothing_is_no_leave_to_hammer() -> None:
    assert RetryPolicy().delay(1, ServiceUnavailable("busy", retry_after=0.0)) == 0.5


def test_asking_for_patience_for_ever_has_an_end() -> None:
    policy = RetryPolicy(first=0.0, endurance=5.0)
    call, left = scripted(*[ServiceUnavailable("busy", retry_after=0.0)] * 6, "never")
    with pytest.raises(TransientError):
        policy.run(call, Control())
    assert list(left) == ["never"]


def test_a_stop_ends_the_waiting() -> None:
    control = Control()
    control.stop("paused")
    call, left = scripted("never")
    with pytest.raises(Stopped):
        QUICK.run(call, control)
    assert list(left) == ["never"]
