"""A dry run of files. Its folder is beside those of the jobs, whose speeds its forecast leans on, and gone afterwards;
what a killed one left goes with the next command for the same jobs."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from migrate_transfer.core.backend import Away, Destination, Sender, Stored, Streams
from migrate_transfer.core.control import Control
from migrate_transfer.core.errors import AlreadyRunning, StorageError, TargetError
from migrate_transfer.leases import FileLease

NAME = "dry-run-"
LEASE = "dry-run"
"""Held as long as the folder is wanted: a killed process holds none."""


class Untouched:
    """A destination as it is: a container that is missing is not made, and is as good as an empty one."""

    def __init__(self, destination: Destination) -> None:
        self._destination, self.features = destination, destination.features

    def prepare(self) -> None:
        """Nothing is made ready."""

    def stored(self) -> Iterator[Stored]:
        try:
            yield from self._destination.stored()
        except TargetError as error:
            if error.error_code != "CONTAINER_MISSING":
                raise

    def find(self, key: str) -> Stored | None:
        return self._destination.find(key)

    def sender(self, streams: Streams, control: Control) -> Sender:
        return self._destination.sender(streams, control)

    def away(self) -> Away | None:
        return self._destination.away()

    def name(self, key: str) -> str:
        return self._destination.name(key)


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
