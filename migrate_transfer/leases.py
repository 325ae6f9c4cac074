"""An exclusive lease that the operating system ends when its holder dies: a lock on a file, not a time."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from migrate_transfer.core.errors import AlreadyRunning

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLease:
    """Held from `__enter__` to `__exit__`, or to the end of the process. A clock set back cannot end it or keep it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / (name.replace("/", "-") + ".lock")
        self._name = name

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("ab")
        try:
            _lock(self._file)
        except OSError as error:
            self._file.close()
            raise AlreadyRunning(f"Another run is at work on {self._name} of this job.") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
