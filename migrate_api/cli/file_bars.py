"""How far a transfer of files is: files, bytes, speed and the time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from migrate_api.cli.output import console
from migrate_transfer.ledger.item_records import FileTotals


@contextmanager
def file_bars(*, quiet: bool) -> Iterator[Callable[[FileTotals], None]]:
    """Yields a function that redraws. Shows nothing where standard error is no terminal."""
    if quiet or not (sys.stderr and sys.stderr.isatty()):
        yield lambda totals: None
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(), transient=True, disable=not console().is_terminal) as progress:
        task = progress.add_task("listing", total=None)

        def tell(totals: FileTotals) -> None:
            counts = totals.counts
            ended = counts.discovered - counts.pending
            said = f"{ended:,} of {counts.discovered:,} files"
            if counts.failed:
                said += f", {counts.failed:,} failed"
            progress.update(task, description=said, total=totals.bytes, completed=totals.settled + totals.in_flight)

        yield tell
