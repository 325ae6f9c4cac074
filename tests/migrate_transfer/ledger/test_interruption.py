"""The ledger under fire: killed processes, several at once, full disks. Run again, it comes out the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from migrate_transfer.core.errors import StorageError
from migrate_transfer.ledger import Ledger
from tests.migrate_transfer.ledger import books

ROOT = Path(__file__).parents[3]


def worker(path: Path) -> subprocess.Popen[bytes]:
    """Another process that works through the part, one line for each batch."""
    command = [sys.executable, "-m", "tests.migrate_transfer.ledger.books", str(path)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


def read_lines(child: subprocess.Popen[bytes], count: int) -> None:
    assert child.stdout is not None
    for _ in range(count):
        child.stdout.readline()


@pytest.mark.parametrize("lines", [0, 1, 2, 3, 5, 8, 13, 17])
def test_killed_anywhere_and_run_again_it_comes_out_the_same(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "ledger.sqlite"
    with worker(path) as child:
        read_lines(child, lines)
        os.kill(child.pid, signal.SIGKILL)
    with Ledger.open(path) as ledger:
        assert ledger.totals(books.PART).balanced
        assert ledger.violations(books.PART) == []
        books.work(ledger)
        assert ledger.totals(books.PART) == books.WHOLE
        assert ledger.violations(books.PART) == []


def test_killed_again_and_again_it_gets_there(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    for _ in range(5):
        with worker(path) as child:
            read_lines(child, 3)
            os.kill(child.pid, signal.SIGKILL)
    with Ledger.open(path) as ledger:
        books.work(ledger)
        assert ledger.totals(books.PART) == books.WHOLE


def test_totals_add_up_at_every_moment_while_another_process_writes(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger, worker(ledger.path) as child:
        while child.poll() is None:
            totals = ledger.totals(books.PART)
            assert totals.balanced
            assert min(totals.done, totals.pending) >= 0
        assert ledger.totals(books.PART) == books.WHOLE


def test_several_threads_write_to_parts_of_their_own(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:

        def work(part: str) -> None:
            with ledger.lease(part):
                for n in range(40):
                    for batch in ledger.plan(part, [books.planned([n], part)], unchanged=b"", failed=[], cursor=n + 1):
                        ledger.settle(batch, [], None)

        threads = [threading.Thread(target=work, args=(f"contributions/{year}",)) for year in range(2020, 2024)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [ledger.totals(part).done for part in sorted(ledger.parts())] == [40] * 4


def test_a_full_disk_loses_nothing_and_the_run_goes_on(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        ledger._store._connection.execute("pragma max_page_count = 14")
        with pytest.raises(StorageError) as caught:
            books.work(ledger)
        assert (caught.value.error_code, ledger.totals(books.PART).balanced) == ("DISK_FULL", True)
        assert "space" in caught.value.remedy
        ledger._store._connection.execute("pragma max_page_count = 1000000")
        books.work(ledger)
        assert ledger.totals(books.PART) == books.WHOLE


LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
from migrate_transfer.core.errors import StorageError
try:
    sys.argv = ["books", sys.argv[1]]
    runpy.run_module("tests.migrate_transfer.ledger.books", run_name="__main__")
except StorageError as error:
    print(error.error_code)
"""


def test_a_file_that_may_not_grow_is_an_error_with_a_remedy_and_the_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    child = subprocess.run([sys.executable, "-c", LIMITED, str(path)], cwd=ROOT, capture_output=True, text=True)
    assert child.stdout.splitlines()[-1:] in (["DISK_FAILED"], ["DISK_FULL"]), child.stderr
    with Ledger.open(path) as ledger:
        assert ledger.totals(books.PART).balanced
        books.work(ledger)
        assert ledger.totals(books.PART) == books.WHOLE
