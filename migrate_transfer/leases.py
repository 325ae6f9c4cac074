"""An exclusive lease that the operating system ends when its holder dies: a lock on a file, not a time."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from migrate_transfer.core.errors import AlreadyRunning, StorageError

TAKEN = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
"""What the systems say of a lock that somebody else holds."""

if sys.platform == "win32":
    import msvcrt

    def lock(file: IO[bytes], *, wait: bool) -> None:
        """Lock an open file; without `wait`, OSError (one of TAKEN) at once if another holds it."""
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)

    def unlock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def lock(file: IO[bytes], *, wait: bool) -> None:
        """Lock an open file; without `wait`, OSError (one of TAKEN) at once if another holds it."""
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)

    def unlock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


class FileLease:
    """Held from `__enter__` to `__exit__`, or to the end of the process. A clock set back cannot end it or keep it.

    The file stays: one that is removed while its lock is held would let a second holder in.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / (name.replace("/", "-") + ".lock")
        self._name = name

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("ab")
        except OSError as error:
            raise StorageError(f"The lease of {self._name} cannot be kept: {error.strerror or error}") from error
        try:
            lock(self._file, wait=False)
        except OSError as error:
            self._file.close()
            raise self._refused(error) from error
        return self

    def _refused(self, error: OSError) -> AlreadyRunning | StorageError:
        if error.errno in TAKEN:
            return AlreadyRunning(f"Another run is at work on {self._name} of this job.")
        return StorageError(
            f"The disk of the job folder cannot lock files: {error.strerror or error}",
            code="STORAGE_UNREACHABLE",
            remedy="Keep the job folder on a local disk.",
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        unlock(self._file)  # closing would do, were there no child process that shares the open file
        self._file.close()
