"""Leases between real processes: one holder, and a killed one holds nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from migrate_transfer.core.errors import AlreadyRunning, StorageError
from migrate_transfer.leases import FileLease

HOLDER = """
import sys
from pathlib import Path
from migrate_transfer.leases import FileLease
with FileLease(Path(sys.argv[1]), "people"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[bytes]:
    """Another process that holds the lease on people until its stdin closes or it dies."""
    child = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    return child


def test_a_second_holder_is_refused_and_told_so(tmp_path: Path) -> None:
    with holder(tmp_path) as child:
        with pytest.raises(AlreadyRunning, match="people"), FileLease(tmp_path, "people"):
            pass
        child.communicate()
    with FileLease(tmp_path, "people"):
        pass


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    with holder(tmp_path) as child:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        with FileLease(tmp_path, "people"):
            pass


def test_two_threads_of_one_process_do_not_share_it(tmp_path: Path) -> None:
    with FileLease(tmp_path, "people"), pytest.raises(AlreadyRunning), FileLease(tmp_path, "people"):
        pass


def test_parts_are_held_apart(tmp_path: Path) -> None:
    with FileLease(tmp_path, "contributions/2023"), FileLease(tmp_path, "contributions/2024"):
        pass


def test_a_clock_set_back_neither_ends_nor_keeps_it(tmp_path: Path) -> None:
    with FileLease(tmp_path, "people"):
        os.utime(tmp_path / "people.lock", (0, 0))
        with pytest.raises(AlreadyRunning), FileLease(tmp_path, "people"):
            pass
    os.utime(tmp_path / "people.lock", (2**33, 2**33))
    with FileLease(tmp_path, "people"):
        pass


def test_a_child_that_shares_the_file_does_not_keep_it(tmp_path: Path) -> None:
    lease = FileLease(tmp_path, "people")
    with lease:
        shared = os.dup(lease._file.fileno())
    with FileLease(tmp_path, "people"):
        os.close(shared)


def test_a_folder_that_cannot_be_made_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="people"), FileLease(tmp_path / "file" / "leases", "people"):
        pass
