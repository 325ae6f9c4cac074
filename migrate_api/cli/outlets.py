"""Standard output and error as a command needs them, whoever started it and whoever reads."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class Outlet(io.TextIOWrapper):
    """Standard output or error. Whoever reads it may have seen enough (`| head -1`): what is still said goes nowhere,
    and the command ends with the exit code of what it did. A disk that takes no more of the output is an error, told
    once; of standard error there is nobody left to tell."""

    lost = used = False

    @classmethod
    def over(cls, stream: io.TextIOWrapper | None, descriptor: int) -> Outlet:
        """In the stream's place; where the command was started without it, over nothing. Until then the descriptor is
        free, and a file of ours that gets it would be written into."""
        if stream is None:
            _to_nowhere(descriptor)
        raw = open(descriptor, "wb", closefd=False)  # noqa: SIM115  open for as long as the process
        if stream is None:
            return cls(raw, encoding="utf-8", errors="backslashreplace")
        return cls(raw, encoding=stream.encoding, errors="backslashreplace", line_buffering=stream.line_buffering)

    def write(self, text: str) -> int:
        self.used = True
        with self._forgiving():
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with self._forgiving():
            super().flush()

    @contextmanager
    def _forgiving(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            first, self.lost = not self.lost, True
            _to_nowhere(self.fileno())
            if first and self.fileno() == 1 and not isinstance(error, BrokenPipeError):
                raise


def _to_nowhere(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != descriptor:
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def open_outlets() -> None:
    """Before anything is opened: every command has a standard input, output and error, whoever started it."""
    if sys.stdin is None:
        _to_nowhere(0)
    sys.stdout, sys.stderr = Outlet.over(_text(sys.stdout), 1), Outlet.over(_text(sys.stderr), 2)


def _text(stream: TextIO | None) -> io.TextIOWrapper | None:
    return stream if isinstance(stream, io.TextIOWrapper) else None


def was_read() -> bool:
    """Whether what was written to standard output so far arrived."""
    return not (isinstance(sys.stdout, Outlet) and sys.stdout.lost)


def was_used() -> bool:
    """Whether anything was written to standard output."""
    return isinstance(sys.stdout, Outlet) and sys.stdout.used
