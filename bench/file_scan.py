"""Listing a million files, beside `find` and rclone; and copying a million, with memory watched.

`python bench/file_scan.py FOLDER` only lists the folder as our source does: the ledger off, no entry kept.
"""

from __future__ import annotations

import shutil
import statistics
import sys
from pathlib import Path

from blob_targets import null_sink
from file_peers import RUN, Call, ours
from file_sets import million
from measuring import DidNotRun, Run, quiet, resident, run

SAMPLE_SECONDS = 0.5


def scan(count: int, runs: int, folder: Path) -> None:
    """All in turn, so many times."""
    source = folder / "source"
    million(count).make(source)
    print(f"scan of {count:,} empty files; {quiet()}", flush=True)
    found: dict[str, list[Run]] = {}
    for _ in range(runs):
        for name, call in listers(source, folder / "scratch").items():
            found.setdefault(name, []).append(run(call.command, call.environment))
        found.setdefault("ours with the ledger", []).append(dry_run(count, source, folder / "scratch"))
    shutil.rmtree(source)
    base = min(run.wall for run in found["find -printf"])
    for name, some in found.items():
        walls = [run.wall for run in some]
        print(
            f"  {name:26s} {min(walls):6.2f} s best {statistics.median(walls):6.2f} s median"
            f" {count / min(walls):10,.0f} files/s {statistics.median(run.cpu for run in some):6.2f} s CPU"
            f" {max(run.mb for run in some):6,.0f} MiB   {min(walls) / base:.2f} x find"
        )


def listers(source: Path, scratch: Path) -> dict[str, Call]:
    return {
        "find -printf": Call(["find", str(source), "-printf", "%s %T@ %p\\n"], {}),
        "rclone lsf": Call(
            [str(RUN / "rclone"), "lsf", "-R", "--format", "pst", str(source)], {"RCLONE_CONFIG": "/dev/null"}
        ),
        "ours, ledger off": Call([sys.executable, str(Path(__file__)), str(source)], {}),
    }


def dry_run(count: int, source: Path, scratch: Path) -> Run:
    """`migrate copy --dry-run`: both sides listed, every file entered into a ledger, which is thrown away."""
    scratch.mkdir()
    with null_sink() as there:
        call = ours(source, there, scratch)
        found = run([*call.command, "--dry-run"], {**call.environment, "TMPDIR": str(scratch)})
    shutil.rmtree(scratch)
    if f'"pending": {count}' not in found.said:
        raise DidNotRun("did not list every file")
    return found


def many_files(count: int, folder: Path) -> None:
    """Copy so many empty files; memory by tenths of the run tells whether it grows with them."""
    source, scratch, samples = folder / "source", folder / "scratch", list[tuple[float, float]]()
    million(count).make(source)
    print(f"copy of {count:,} empty files; {quiet()}", flush=True)
    with null_sink() as there:
        call = ours(source, there, scratch)
        found = run(call.command, call.environment, lambda pid: resident(pid, SAMPLE_SECONDS, samples))
        held = there.held()
    ledger = sum(file.stat().st_size for file in scratch.rglob("items.sqlite*")) / 2**20
    shutil.rmtree(source)
    shutil.rmtree(scratch)
    print(
        f"  {found.wall:.1f} s wall, {found.cpu:.1f} s CPU, {count / found.wall:,.0f} files/s,"
        f" peak {found.mb:,.0f} MiB, ledger {ledger:,.0f} MiB, {held[0]:,} blobs at the sink"
    )
    print(f"  resident MiB by tenths of the run: {' '.join(tenths(samples, found.wall))}")


def tenths(samples: list[tuple[float, float]], wall: float) -> list[str]:
    """The most that was resident in each tenth."""
    parts = [[size for at, size in samples if int(10 * at / wall) == tenth] for tenth in range(10)]
    return [f"{max(part):.0f}" if part else "-" for part in parts]


def list_only(root: str) -> None:
    """Enumerate with sizes and times."""
    from migrate_transfer.backends.local.source import LocalSource

    print(sum(len(page.entries) for page in LocalSource(root).pages()))


if __name__ == "__main__":
    list_only(sys.argv[1])
