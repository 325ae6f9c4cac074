"""RateBudget: one pace for threads and processes, by what the server said and no longer."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import ServiceUnavailable, Stopped, StorageError
from migrate_transfer.net.http import HttpClient
from migrate_transfer.net.rate import RateBudget
from tests.migrate_transfer.net.server import answer, serving


@dataclass
class Clock:
    """A monotonic clock that is moved by hand."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "file"])
def budget(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[RateBudget]:
    made = RateBudget(tmp_path / "pace" if request.param == "file" else None, clock)
    yield made
    made.close()


def free(budget: RateBudget) -> bool:
    """Whether a request may go now (and if so, it is counted)."""
    stopped = Control()
    stopped.stop("paused")
    try:
        budget.wait(stopped)
    except Stopped:
        return False
    return True


def test_what_nobody_limits_goes_at_once(budget: RateBudget) -> None:
    assert [free(budget) for _ in range(500)] == [True] * 500


def test_a_pause_holds_everybody_until_it_is_over(budget: RateBudget, clock: Clock) -> None:
    budget.pause(30.0)
    assert not free(budget)
    clock.now += 29.9
    assert not free(budget)
    clock.now += 0.2
    assert free(budget)


def test_the_longer_of_two_pauses_stands(budget: RateBudget, clock: Clock) -> None:
    budget.pause(30.0)
    budget.pause(5.0)
    clock.now += 10.0
    assert not free(budget)


def test_so_many_requests_go_as_the_window_has_left(budget: RateBudget, clock: Clock) -> None:
    budget.window(3, 60.0)
    assert [free(budget) for _ in range(5)] == [True, True, True, False, False]
    clock.now += 60.0
    assert free(budget)


def test_answers_that_overtake_each_other_do_not_give_back_what_is_used(budget: RateBudget) -> None:
    budget.window(2, 60.0)
    budget.window(9, 59.0)
    assert [free(budget) for _ in range(3)] == [True, True, False]


def test_a_new_window_counts_anew(budget: RateBudget, clock: Clock) -> None:
    budget.window(1, 10.0)
    clock.now += 5.0
    budget.window(2, 60.0)
    assert [free(budget) for _ in range(3)] == [True, True, False]


def test_an_answer_that_was_under_way_does_not_talk_a_pause_away(budget: RateBudget) -> None:
    budget.pause(30.0)
    budget.window(50, 60.0)
    assert not free(budget)


def test_nobody_waits_longer_than_an_hour_or_less_than_nothing(budget: RateBudget, clock: Clock) -> None:
    budget.pause(-5.0)
    assert free(budget)
    budget.pause(10.0**9)
    clock.now += 3600.0
    assert free(budget)


def test_a_word_from_before_the_machine_started_anew_is_forgotten(budget: RateBudget, clock: Clock) -> None:
    budget.pause(3000.0)
    clock.now = 5.0
    assert free(budget)


def test_two_budgets_over_one_file_are_one(tmp_path: Path, clock: Clock) -> None:
    one, other = RateBudget(tmp_path / "pace", clock), RateBudget(tmp_path / "pace", clock)
    one.window(3, 60.0)
    assert [free(other), free(one), free(other), free(one), free(other)] == [True, True, True, False, False]
    one.close()
    other.close()


def test_a_file_that_says_nothing_sensible_holds_nobody(tmp_path: Path, clock: Clock) -> None:
    for content in (b"short", b"\xff" * 24, b"\x00" * 100):
        (tmp_path / "pace").write_bytes(content)
        budget = RateBudget(tmp_path / "pace", clock)
        assert free(budget)
        budget.close()


def test_a_place_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        RateBudget(tmp_path)


TAKER = """
import sys
from pathlib import Path
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import Stopped
from migrate_transfer.net.rate import RateBudget
budget, stopped, taken = RateBudget(Path(sys.argv[1])), Control(), 0
stopped.stop("paused")
try:
    while True:
        budget.wait(stopped)
        taken += 1
except Stopped:
    print(taken)
"""


def test_processes_together_take_what_one_could(tmp_path: Path) -> None:
    budget = RateBudget(tmp_path / "pace")
    budget.window(1000, 3000.0)
    command = [sys.executable, "-c", TAKER, str(tmp_path / "pace")]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    assert sum(int(child.communicate()[0]) for child in children) == 1000
    budget.close()


def test_one_refusal_stalls_all_threads() -> None:
    control, budget = Control(), RateBudget()

    def send(http: HttpClient) -> None:
        try:
            http.request("GET", "/")
        except (ServiceUnavailable, Stopped):
            return

    with (
        serving(answer(429, Retry_After="3000")) as server,
        HttpClient(server.url, secret_headers={}, connections=8, control=control, budget=budget) as http,
    ):
        with pytest.raises(ServiceUnavailable):
            http.request("GET", "/")
        threads = [threading.Thread(target=send, args=(http,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        control.stop("paused")
        for thread in threads:
            thread.join()
    assert len(server.requests) == 1
