"""Measures the file engine against rclone and AzCopy, all in one run on one machine, in turn; then the scan.

`python bench/files.py [--sets small mid big] [--runs 3] [--azurite] [--scan N] [--million N]`; `make bench` runs all of
it at full size. Each piece is a process of its own that sends the same files, sixteen at a time, to a server on
loopback that only answers (or to Azurite, which proves correctness and not speed). A run in which the server did not
get every file and byte is no run. Ours proves at the level `received`: SHA-256 of all that was read, and a checksum of
each request that the service compared.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from blob_targets import Target, azurite, null_sink
from file_peers import AZCOPY, BASE, OURS, PEERS
from file_scan import many_files, scan
from file_sets import MIB, SETS, FileSet
from measuring import DidNotRun, Run, quiet, run

LEVEL = "ours at verification level `received`"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", choices=list(SETS), default=list(SETS))
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--azurite", action="store_true", help="into Azurite instead of the null sink")
    parser.add_argument("--scan", type=int, default=1_000_000, help="files to list; 0: none")
    parser.add_argument("--million", type=int, default=1_000_000, help="files to copy with memory watched; 0: none")
    parser.add_argument("--folder", type=Path, help="where the files are made; default: in memory")
    asked = parser.parse_args()
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=asked.folder or (memory if memory.is_dir() else None)) as at:
        folder = Path(at)
        print(f"{date.today()}  {os.cpu_count()} cores, files in {folder.parent}, {LEVEL}")
        for name in asked.sets:
            compare(SETS[name], asked.peers, asked.runs, folder, into_azurite=asked.azurite)
        if asked.scan:
            scan(asked.scan, asked.runs, folder)
        if asked.million:
            many_files(asked.million, folder)


def compare(kind: FileSet, peers: list[str], runs: int, folder: Path, *, into_azurite: bool) -> None:
    """All peers in turn, so many times; the files are removed at the end."""
    source = folder / "source"
    size = kind.make(source)
    print(f"{kind.name}: {size / MIB:,.0f} MiB; {quiet()}", flush=True)
    found: dict[str, list[Run]] = {peer: [] for peer in peers if peer != "AzCopy" or AZCOPY.exists()}
    if "AzCopy" in peers and "AzCopy" not in found:
        print("  AzCopy is not there: `make bench` fetches it into .tools/azcopy")
    for _ in range(runs):
        for peer in list(found):
            try:
                found[peer].append(one(peer, source, kind.count, size, folder, into_azurite=into_azurite))
            except DidNotRun as why:
                print(f"  {peer} {why}")
                del found[peer]
    shutil.rmtree(source)
    report(kind, size, found)


def one(peer: str, source: Path, count: int, size: int, folder: Path, *, into_azurite: bool) -> Run:
    """Raises DidNotRun, also when not everything arrived."""
    scratch = folder / "scratch"
    with target(folder, into_azurite=into_azurite) as there:
        scratch.mkdir()
        call = PEERS[peer](source, there, scratch)
        found = run(call.command, call.environment)
        held = there.held()
    shutil.rmtree(scratch)
    if held != (count, size):
        raise DidNotRun(f"brought {held[0]:,} files and {held[1]:,} bytes instead of {count:,} and {size:,}")
    return found


@contextmanager
def target(folder: Path, *, into_azurite: bool) -> Iterator[Target]:
    if not into_azurite:
        with null_sink() as there:
            yield there
        return
    try:
        with azurite(folder / "azurite") as there:
            yield there
    finally:
        shutil.rmtree(folder / "azurite")


def report(kind: FileSet, size: int, found: dict[str, list[Run]]) -> None:
    """A line a peer: the best run's wall time and the median, CPU and memory; last ours over each of the others."""
    for peer, runs in found.items():
        walls = [run.wall for run in runs]
        print(
            f"  {peer:26s} {min(walls):6.2f} s best {statistics.median(walls):6.2f} s median"
            f" {kind.count / min(walls):8,.0f} files/s {size / min(walls) / 1e6:7,.0f} MB/s"
            f" {cpu(runs):6.2f} s CPU {max(run.mb for run in runs):6,.0f} MiB",
            flush=True,
        )
    for peer, runs in found.items():
        if peer != OURS and OURS in found:
            print(f"  ours over {peer}: {ratios(found[OURS], runs)}")
    if "rclone without hashes" in found and BASE in found:
        print(f"  rclone without hashes over {BASE}: {ratios(found['rclone without hashes'], found[BASE])}")


def ratios(mine: list[Run], theirs: list[Run]) -> str:
    best = min(run.wall for run in mine) / min(run.wall for run in theirs)
    median = statistics.median(run.wall for run in mine) / statistics.median(run.wall for run in theirs)
    return f"wall {best:.2f} best, {median:.2f} median; CPU {cpu(mine) / cpu(theirs):.2f}"


def cpu(runs: list[Run]) -> float:
    """Of the median run: CPU seconds suffer less from what else the machine does than wall time."""
    return statistics.median(run.cpu for run in runs)


if __name__ == "__main__":
    main()
