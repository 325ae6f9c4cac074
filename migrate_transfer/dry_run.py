"""The folder of a dry run of files: beside those of the jobs, whose speeds its forecast leans on, and gone afterwards.
What a killed one left goes with the next command for the same jobs."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from migrate_transfer.core.errors import AlreadyRunning, StorageError
from migrate_transfer.leases import FileLease

NAME = "dry-run-"
LEASE = "dry-run"
"""Held as long as the folder is wanted: a killed process holds none."""


@contextmanager
def dry_run_folder(out: Path) -> Iterator[Path]:
    """Raises StorageError."""
    alone = not out.exists()
    folder = out / f"{NAME}{secrets.token_hex(4)}"
    try:
        with FileLease(folder, LEASE):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if alone:
            with suppress(OSError):  # a job may have begun there
                out.rmdir()


def sweep(out: Path) -> None:
    """Remove what killed dry runs left; what cannot be removed stays."""
    for folder in out.glob(f"{NAME}*"):
        if not (folder / f"{LEASE}.lock").exists():
            continue  # another is just beginning
        with suppress(AlreadyRunning, StorageError):
            with FileLease(folder, LEASE):
                pass
            shutil.rmtree(folder, ignore_errors=True)
