"""Files from a folder into a container, as processes: undisturbed, killed and gone on with, over a wire that fails.

After each of them rclone, which shares nothing with us, downloads the container and finds no difference.
"""

from __future__ import annotations

import signal
import subprocess
import threading
from random import Random

import pytest

from migrate_transfer.core.control import Control
from tests.fakes.azurite import Azurite
from tests.fakes.wire import Fault, Message, at_random, quiet
from tests.journeys.files import MIB, Files

KILLS = 20
STREAMS = 4


def test_undisturbed(files: Files, azurite: Azurite) -> None:
    size = files.fill(150, 4)
    report = files.copy()
    assert (report["items"]["done"], report["bytes_moved"]) == (154, size)
    assert files.differences(azurite.port) == ""


@pytest.mark.timeout(200)
def test_killed_at_random_points_it_goes_on_and_sends_little_again(files: Files, azurite: Azurite) -> None:
    size, chance = files.fill(300, 12), Random(20)
    killed = sum(files.killed(chance.randint(1, 40), chance.uniform(1.0, 4.0)) for _ in range(KILLS))
    report = files.copy()
    assert killed > KILLS // 2
    assert report["items"] == {"discovered": 312, "done": 312, "unchanged": 0, "skipped": 0, "failed": 0, "pending": 0}
    assert report["bytes_moved"] == size
    assert files.sent - size <= killed * STREAMS * MIB
    assert files.differences(azurite.port) == ""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("verb", ["copy", "archive"])
def test_killed_while_sources_are_deleted_no_file_is_in_neither_place(files: Files, verb: str) -> None:
    files.verb = verb
    files.fill(120, 3)
    whole, chance = files.digests(), Random(6)
    for _ in range(5):
        files.killed(chance.randint(20, 250), 30, "--delete-source")
        assert {**files.stored(), **files.digests()} == whole
    report = files.copy("--delete-source")
    assert (report["items"]["done"], report["items"]["failed"]) == (123, 0)
    assert files.digests() == {}
    assert files.stored() == whole


def test_over_a_wire_that_fails(files: Files, azurite: Azurite) -> None:
    files.fill(200, 6)
    files.faults = at_random(11, 0.1)
    report = files.copy("--concurrency", "8", "--reread")
    assert (report["items"]["done"], report["balanced"], report["verification"]) == (206, True, "reread")
    assert files.differences(azurite.port) == ""


@pytest.mark.parametrize("room", [20_000, 150_000])
def test_a_full_disk_under_the_books_is_told_and_the_job_goes_on_when_there_is_room(files: Files, room: int) -> None:
    files.fill(400, 1)
    told = files.copy(room=room)
    assert told["error"]["code"] in ("DISK_FULL", "DISK_FAILED")
    report = files.copy()
    assert (report["items"]["done"], report["items"]["failed"], report["balanced"]) == (401, 0, True)


def at_first_file(files: Files, *signals: signal.Signals) -> subprocess.Popen[str]:
    """A run whose first file never gets its answer, and which is sent signals then, a moment apart."""
    begun = threading.Event()

    def script(request: Message) -> Fault | None:
        if b".bin" not in request.first:
            return None
        begun.set()
        return "stall"

    files.faults = script
    process = files.start()
    assert begun.wait(30)
    for one in signals:
        process.send_signal(one)
        Control().wait(1)
    return process


@pytest.mark.parametrize("call", [b"HEAD /", b"comp=list"])
def test_a_run_that_waits_for_a_control_call_is_ended_by_a_second_signal(files: Files, call: bytes) -> None:
    """The listing, and what is asked at the destination, by threads of their own, of items that were under way."""
    files.fill(40, 2)
    if call == b"HEAD /":
        assert files.killed(20, 30.0)
    begun = threading.Event()

    def script(request: Message) -> Fault | None:
        if call not in request.first:
            return None
        begun.set()
        return "stall"

    files.faults = script
    process = files.start()
    assert begun.wait(30)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        Control().wait(0.5)
    process.communicate(timeout=10)
    assert process.returncode == 130
    files.faults = quiet
    assert files.copy()["items"]["failed"] == 0


def test_a_second_run_of_a_job_is_refused_while_the_first_works(files: Files) -> None:
    files.fill(5, 0)
    first = at_first_file(files)
    assert files.copy()["error"]["code"] == "ALREADY_RUNNING"
    first.kill()
    first.communicate()
    files.faults = quiet
    assert files.copy()["items"]["done"] == 5


@pytest.mark.parametrize("signals", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGTERM)])
def test_a_run_whose_wire_is_dead_is_ended_by_a_second_signal(
    files: Files, signals: tuple[signal.Signals, ...]
) -> None:
    files.fill(5, 1)
    process = at_first_file(files, *signals)
    process.communicate(timeout=15)
    assert process.returncode == 130
    files.faults = quiet
    assert files.copy()["items"]["done"] == 6
