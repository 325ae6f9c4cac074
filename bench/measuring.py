"""One command as a process of its own, and what it took: wall time, CPU time of user and system, peak memory.

Keep this process small: what a child starts with counts as its peak memory too.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

KEPT = 2**16
SAMPLE_SECONDS = 0.2
BUSY = 0.15
"""More of the machine at work than this before a run, and it is said that the cores were not free."""


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds and 2^20 bytes; memory is the sum of what each process of the command had at its most."""

    wall: float
    cpu: float
    mb: float
    said: str = ""


class DidNotRun(Exception):
    """The command ended with an error, or did not do all that it was asked to; says what it printed last."""


def run(command: Sequence[str], environment: Mapping[str, str], watch: Callable[[int], None] | None = None) -> Run:
    """Raises DidNotRun. `watch` is called with the process's id in a thread, and returns when the process has ended."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as wrong:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=wrong, env={**os.environ, **environment})
        peaks: dict[int, float] = {}
        watching = [threading.Thread(target=_helpers, args=(process.pid, peaks))]
        watching += [threading.Thread(target=watch, args=(process.pid,))] if watch else []
        for each in watching:
            each.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        for each in watching:
            each.join()
        said, complaint = _end_of(out), _end_of(wrong)
    if process.returncode:
        lines = (complaint + said).strip().splitlines()
        raise DidNotRun(f"ended with {process.returncode}: {lines[-1] if lines else 'without a word'}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024 + sum(peaks.values()), said)


def _helpers(pid: int, peaks: dict[int, float]) -> None:
    """The most that was seen resident in each process that the command started, until the command ends."""
    with suppress(psutil.Error):
        command = psutil.Process(pid)
        while command.is_running() and command.status() != psutil.STATUS_ZOMBIE:
            for child in command.children(recursive=True):
                with suppress(psutil.Error):
                    peaks[child.pid] = max(peaks.get(child.pid, 0.0), child.memory_info().rss / 2**20)
            time.sleep(SAMPLE_SECONDS)


def _end_of(file: IO[bytes]) -> str:
    """A listing of a million files would stay in our memory, and count as every later child's."""
    file.seek(max(0, file.seek(0, os.SEEK_END) - KEPT))
    return file.read().decode(errors="replace")


def resident(pid: int, every: float, samples: list[tuple[float, float]]) -> None:
    """Sample a process's memory (seconds since the start, 2^20 bytes) until it ends."""
    started = time.perf_counter()
    while True:
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            return
        size = next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), None)
        if size is None:
            return
        samples.append((time.perf_counter() - started, size / 1024))
        time.sleep(every)


def quiet(seconds: float = 1.0) -> str:
    """How busy the machine is with other things, measured for so long."""
    busy = _at_work(seconds)
    free = "both cores free" if busy < BUSY else "cores NOT free"
    return f"{free} ({100 * busy:.0f} % at work, load {os.getloadavg()[0]:.2f})"


def _at_work(seconds: float) -> float:
    before = _ticks()
    time.sleep(seconds)
    after = _ticks()
    whole = sum(after) - sum(before)
    return 1 - (after[3] + after[4] - before[3] - before[4]) / whole if whole else 0.0


def _ticks() -> list[int]:
    """Of all cores: user, nice, system, idle, waiting for the disk, interrupts, stolen."""
    return [int(tick) for tick in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
